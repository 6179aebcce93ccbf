package reference

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"sim2reald/camera"
)

// TestNoFalseAlarmsOfCompression: what a camera's encoder does to a picture makes no other scene of it, with a tenth of its
// bits as with little loss.
func TestNoFalseAlarmsOfCompression(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		if os.Getenv("SIM2REALD_ALL") != "" {
			t.Fatal("ffmpeg is missing: apt-get install ffmpeg")
		}
		t.Skip("ffmpeg is missing: apt-get install ffmpeg")
	}
	every := sheets(t)
	var before []*camera.Frame
	for _, s := range every {
		before = append(before, s.frames[other:litMore]...)
	}
	for _, quantizer := range []int{18, 36} {
		alarms, flaws := 0, 0
		after := compressed(t, before, quantizer)
		for n, s := range every {
			ref, of := s.reference(t), litMore-other
			for i := n * of; i < (n+1)*of; i++ {
				if v := ref.Compare(viewOf(t, after[i])); !v.OK() && ref.Compare(viewOf(t, before[i])).OK() {
					alarms++
					t.Logf("%s.%s picture %d at %d: %v", s.domain, s.camera, other+i-n*of, quantizer, v)
				}
				if camera.FlawOf(after[i]) != camera.FlawOf(before[i]) {
					flaws++
				}
			}
		}
		t.Logf("quantizer %d: %d alarms and %d other flaws in %d pictures", quantizer, alarms, flaws, len(after))
		if alarms > 0 || flaws > 0 || len(after) < 400 {
			t.Errorf("quantizer %d: %d alarms and %d other flaws in %d pictures, want none in 400", quantizer, alarms, flaws, len(after))
		}
	}
}

// compressed are frames of 64x64 as H264 leaves them, with a keyframe each twelve.
func compressed(t *testing.T, frames []*camera.Frame, quantizer int) []*camera.Frame {
	t.Helper()
	var raw []byte
	for _, f := range frames {
		raw = append(raw, f.Pix...)
	}
	coded := filtered(t, raw, "-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", "64x64", "-i", "-", "-c:v", "libx264", "-preset", "veryfast",
		"-tune", "zerolatency", "-g", "12", "-bf", "0", "-qp", fmt.Sprint(quantizer), "-pix_fmt", "yuv420p", "-f", "h264", "-")
	raw = filtered(t, coded, "-f", "h264", "-i", "-", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
	const size = 3 * 64 * 64
	if len(raw) != len(frames)*size {
		t.Fatalf("%d bytes came back, want %d", len(raw), len(frames)*size)
	}
	var out []*camera.Frame
	for i, f := range frames {
		out = append(out, &camera.Frame{Camera: f.Camera, Width: 64, Height: 64, Pix: raw[i*size : (i+1)*size]})
	}
	return out
}

func filtered(t *testing.T, in []byte, flags ...string) []byte {
	t.Helper()
	var out, said bytes.Buffer
	c := exec.Command("ffmpeg", append([]string{"-hide_banner", "-loglevel", "error"}, flags...)...)
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(in), &out, &said
	if err := c.Run(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, &said)
	}
	return out.Bytes()
}
