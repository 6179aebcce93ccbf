package camera

import "testing"

func TestShown(t *testing.T) {
	for source, want := range map[string]string{
		"/dev/video0":                        "/dev/video0",
		"0":                                  "0",
		"a file@home?.mp4":                   "a file@home?.mp4",
		"rtsp://cam/stream":                  "rtsp://cam/stream",
		"rtsp://anna:hunter2@cam:554/stream": "rtsp://...@cam:554/stream",
		"rtsp://hunter2@cam/stream":          "rtsp://...@cam/stream",
		"http://cam/x.mjpg?user=anna&pwd=hunter2": "http://cam/x.mjpg",
		"rtsp://anna:hunter2#1@cam/stream":        "rtsp://...@cam/stream",
		"rtsp://anna:p@hunter2@cam/stream":        "rtsp://...@cam/stream",
		"rtsp://anna:hunter2%@cam/stream":         "rtsp://...@cam/stream",
		"rtsp:///path":                            "rtsp:///path",
		"http://cam/#hunter2":                     "http://cam/",
	} {
		if got := Shown(source); got != want {
			t.Errorf("%q is shown as %q, want %q", source, got, want)
		}
	}
}

func TestLocal(t *testing.T) {
	for source, want := range map[string]bool{
		"/dev/video0": true, "/dev/v4l/by-id/usb-cam-video-index0": true, "0": true, "": false, "0.png": false, "dev/video0": false, "rtsp://h/dev/video0": false,
	} {
		if Local(source) != want {
			t.Errorf("%q: %v", source, !want)
		}
	}
}
