package out

import (
	"context"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"sim2reald/camera"
	"sim2reald/camera/cameratest"
	"sim2reald/camera/rtsp"
)

// halves is red on the left and blue on the right.
func halves(width, height int) *camera.Frame {
	f := &camera.Frame{Camera: "front", Width: width, Height: height}
	for i := range width * height {
		if i%width < width/2 {
			f.Pix = append(f.Pix, 200, 20, 20)
		} else {
			f.Pix = append(f.Pix, 20, 20, 200)
		}
	}
	return f
}

// onTheWay is how old the pictures are when they are shown.
const onTheWay = 200 * time.Millisecond

// serve shows a picture thirty times a second on the path "front", and nobody's on "other".
func serve(t *testing.T, f *camera.Frame) *Server {
	t.Helper()
	began := time.Now()
	clock := func() time.Duration { return time.Since(began) }
	s, err := Start("127.0.0.1:0", []string{"front", "other"}, clock)
	if err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Second / 30)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				f.Taken = clock() - onTheWay
				if err := s.Show("front", f); err != nil {
					t.Error(err)
				}
			case <-stop:
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-done
		s.Close()
	})
	return s
}

// TestFFmpegWatches, and it sees the size, the codec and the colours. 196x196 is cut to 192x192.
func TestFFmpegWatches(t *testing.T) {
	cameratest.Need(t, "ffmpeg", "apt-get install ffmpeg")
	s := serve(t, halves(196, 196))
	ctx, cancel := context.WithTimeout(t.Context(), cameratest.Patience)
	defer cancel()
	probe, err := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0", s.URL("front")).Output()
	if err != nil || strings.TrimSpace(string(probe)) != "mjpeg,192,192" {
		t.Fatalf("ffprobe: %v: %s", err, probe)
	}
	raw, err := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-nostdin", "-i", s.URL("front"), "-frames:v", "3", "-f", "rawvideo", "-pix_fmt", "rgb24", "-").Output()
	if err != nil || len(raw) != 3*3*192*192 {
		t.Fatalf("ffmpeg: %v, %d bytes", err, len(raw))
	}
	redAndBlue(t, raw)
}

// redAndBlue looks at a picture of halves, 192x192.
func redAndBlue(t *testing.T, raw []byte) {
	t.Helper()
	left, right := raw[3*(96*192+10):], raw[3*(96*192+180):]
	if left[0] < 180 || left[2] > 60 || right[0] > 60 || right[2] < 180 {
		t.Errorf("left %v, right %v, want red and blue", left[:3], right[:3])
	}
}

// TestGStreamerWatches, and it sees the same.
func TestGStreamerWatches(t *testing.T) {
	raw := cameratest.GStreamerReads(t, serve(t, halves(192, 192)).URL("front"), 3)
	if len(raw) != 3*3*192*192 {
		t.Fatalf("%d bytes", len(raw))
	}
	redAndBlue(t, raw)
}

// TestOurOwnSourceReads what we serve, and knows our clock.
func TestOurOwnSourceReads(t *testing.T) {
	s := serve(t, halves(64, 48))
	ctx, cancel := context.WithCancel(t.Context())
	seen := make(chan camera.Frame) // one that is not waited for is left out
	done := make(chan struct{})
	began := time.Now()
	go func() {
		defer close(done)
		rtsp.Run(ctx, rtsp.Options{Camera: "front", URL: s.URL("front")}, func() time.Duration { return time.Since(began) }, func(f *camera.Frame) {
			select {
			case seen <- *f:
			default:
			}
		})
	}()
	for told := false; !told; {
		select {
		case f := <-seen:
			if f.Width != 64 || f.Height != 48 {
				t.Fatalf("%dx%d", f.Width, f.Height)
			}
			if told = f.Sent != 0; told && (f.Arrival-f.Taken < onTheWay-time.Millisecond || f.Arrival-f.Taken > onTheWay+2*time.Second) {
				t.Errorf("taken %v before it came, want %v and a little", f.Arrival-f.Taken, onTheWay)
			}
		case <-time.After(cameratest.Patience):
			t.Fatal("no picture, or no clock")
		}
	}
	if !s.Watched("front") || s.Watched("other") || s.Watched("nobody's") {
		t.Error("who watches what is not known")
	}
	cancel()
	<-done
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(cameratest.Patience); s.Watched("front"); <-look.C {
		if time.Now().After(deadline) {
			t.Fatal("who went is still counted")
		}
	}
}

// TestReaderThatDoesNotRead costs Show nothing: it plays and then takes nothing off its connection.
func TestReaderThatDoesNotRead(t *testing.T) {
	s, err := Start("127.0.0.1:0", []string{"front"}, func() time.Duration { return 0 })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ask := func(what string) string {
		if _, err := c.Write([]byte(what)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 4096)
		n, err := c.Read(buf)
		if err != nil || !strings.Contains(string(buf[:n]), "200 OK") {
			t.Fatalf("%v: %s", err, buf[:n])
		}
		return string(buf[:n])
	}
	url := s.URL("front")
	setup := ask("SETUP " + url + "/trackID=0 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n")
	_, session, _ := strings.Cut(setup, "Session: ")
	session, _, _ = strings.Cut(session, "\r\n")
	session, _, _ = strings.Cut(session, ";")
	ask("PLAY " + url + " RTSP/1.0\r\nCSeq: 2\r\nSession: " + session + "\r\n\r\n")
	f := halves(640, 480)
	for i := range f.Pix {
		f.Pix[i] ^= byte(i * i >> 3) // a picture that compresses badly
	}
	const stuck = 3 * time.Second // a write that waits for this reader takes 5 s, its deadline; a picture, milliseconds
	for i := range 60 {
		began := time.Now()
		if err := s.Show("front", f); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > stuck {
			t.Fatalf("picture %d took %v", i, took)
		}
	}
}

// TestAnnotated: words change pixels of an enlarged copy, and not the picture.
func TestAnnotated(t *testing.T) {
	f := halves(224, 224)
	got, err := Annotated(f, []string{"RUNNING", "age 12 ms"})
	if err != nil {
		t.Fatal(err)
	}
	if got.Width != 448 || got.Height != 448 || len(got.Pix) != 3*448*448 || len(f.Pix) != 3*224*224 {
		t.Fatalf("%dx%d, %d bytes", got.Width, got.Height, len(got.Pix))
	}
	white := 0
	for i := 0; i < len(got.Pix); i += 3 {
		if got.Pix[i] > 240 && got.Pix[i+1] > 240 && got.Pix[i+2] > 240 {
			white++
		}
	}
	if white < 200 {
		t.Errorf("%d white pixels, want letters", white)
	}
}

// TestWrapped: nothing is lost at the side of a picture, and nothing is broken that fits.
func TestWrapped(t *testing.T) {
	long := "rad/s -0.32 +0.10 -0.44 -0.18 -0.08 +0.36 -0.23, gripper 0.50"
	for text, want := range map[string]int{long: 2, "running": 1, "": 1, "holding: " + long + " " + long: 3} {
		lines := wrapped(text, 440)
		if len(lines) != want || strings.Join(lines, " ") != text {
			t.Errorf("%q, want %d lines", lines, want)
		}
	}
}
