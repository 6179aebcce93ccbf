package cameratest

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// python is Debian's, which has GStreamer's bindings.
const python = "/usr/bin/python3"

func needGStreamer(t testing.TB) {
	t.Helper()
	if err := exec.Command(python, "-c", "import gi; gi.require_version('GstRtspServer', '1.0')").Run(); err != nil {
		lacking(t, "GStreamer's RTSP server is missing: apt-get install python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly")
	}
}

// GStreamer starts GStreamer's RTSP server with its moving test picture, and returns its URL.
func GStreamer(t testing.TB, codec, size string, rateHz int) (url string, p *Process) {
	t.Helper()
	needGStreamer(t)
	width, height, _ := strings.Cut(size, "x")
	pipeline := fmt.Sprintf("videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=%s,height=%s,framerate=%d/1 ! ", width, height, rateHz)
	if codec == MJPEG {
		pipeline += "jpegenc ! rtpjpegpay name=pay0 pt=26"
	} else {
		pipeline += fmt.Sprintf("x264enc tune=zerolatency speed-preset=ultrafast key-int-max=%d ! rtph264pay name=pay0 pt=96 config-interval=1", rateHz)
	}
	cmd := exec.Command(python, "-u", "-c", serves, pipeline)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p = run(t, cmd)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		p.Kill()
		t.Fatalf("GStreamer's server did not start: %s", p.Said())
	}
	return "rtsp://127.0.0.1:" + strings.TrimSpace(line) + "/camera", p
}

const serves = `
import sys, gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer
Gst.init(None)
server = GstRtspServer.RTSPServer.new()
server.set_address("127.0.0.1")
server.set_service("0")
factory = GstRtspServer.RTSPMediaFactory.new()
factory.set_launch("( " + sys.argv[1] + " )")
factory.set_shared(True)
server.get_mount_points().add_factory("/camera", factory)
server.attach(None)
print(server.get_bound_port())
GLib.MainLoop().run()
`

// GStreamerReads lets GStreamer read some pictures of a stream of motion JPEG over TCP: RGB, 8 bit, one after the other.
func GStreamerReads(t testing.TB, url string, pictures int) []byte {
	t.Helper()
	needGStreamer(t)
	pipeline := fmt.Sprintf("rtspsrc location=%s protocols=tcp latency=0 ! rtpjpegdepay ! jpegdec ! videoconvert ! video/x-raw,format=RGB ! "+
		"identity eos-after=%d ! filesink location=/dev/stdout", url, pictures+1)
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, "-c", reads, pipeline)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("GStreamer reads nothing: %v: %s", err, said.String())
	}
	return out
}

const reads = `
import sys, gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
Gst.init(None)
pipeline = Gst.parse_launch(sys.argv[1])
pipeline.set_state(Gst.State.PLAYING)
message = pipeline.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR)
pipeline.set_state(Gst.State.NULL)
if message.type == Gst.MessageType.ERROR:
    sys.exit(str(message.parse_error()))
`
