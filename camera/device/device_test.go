package device

import (
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gocv.io/x/gocv"

	"sim2reald/camera"
)

func TestMissingSourceSaysRemedy(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.avi")
	if err := os.WriteFile(text, []byte("not a video"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct{ source, want string }{
		"device": {"/dev/video97", "camera front: opening /dev/video97: no such device; plug it in or set cameras[0].source"},
		"number": {"97", "camera front: opening /dev/video97: no such device; plug it in or set cameras[0].source"},
		"file": {dir + "/no.mp4", "camera front: opening " + dir +
			"/no.mp4: no such file; set cameras[0].source to an existing video or picture"},
		"no video": {text, "camera front: opening " + text +
			": not a video that OpenCV can read; set cameras[0].source to another"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			opt := Options{Camera: "front", Source: c.source, Key: "cameras[0].source"}
			err := Run(t.Context(), opt, zero, func(*camera.Frame) { t.Error("a frame from nothing") })
			if err == nil || err.Error() != c.want {
				t.Fatalf("got  %v\nwant %s", err, c.want)
			}
			if name != "no video" && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal("want fs.ErrNotExist")
			}
		})
	}
}

func zero() time.Duration { return 0 }

func TestStillPictureIsRepeated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "one.png")
	writePNG(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	var seqs []uint64
	tick := time.Duration(0)
	now := func() time.Duration { tick += time.Millisecond; return tick }
	err := Run(ctx, Options{Camera: "front", Source: path, RateHz: 500}, now, func(f *camera.Frame) {
		seqs = append(seqs, f.Seq)
		if f.Camera != "front" || f.Width != 6 || f.Pix[0] != 250 || f.Pix[2] != 10 {
			t.Errorf("frame %s %dx%d %v", f.Camera, f.Width, f.Height, f.Pix[:3])
		}
		if f.Arrival != time.Duration(f.Seq)*time.Millisecond || f.Stamp != f.Arrival {
			t.Errorf("frame %d arrived at %v, stamp %v", f.Seq, f.Arrival, f.Stamp)
		}
		if f.Seq == 3 {
			cancel()
		}
	})
	if err != nil || len(seqs) < 3 || seqs[0] != 1 {
		t.Fatalf("err %v, seqs %v", err, seqs)
	}
}

func writePNG(t *testing.T, path string) {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 6, 4))
	for i := range 24 {
		m.SetRGBA(i%6, i/6, color.RGBA{R: 250, G: 20, B: 10, A: 255})
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(file, m), file.Close()); err != nil {
		t.Fatal(err)
	}
}

// writeVideo makes n frames, red growing with time, as motion JPEG.
func writeVideo(t *testing.T, path string, n int) {
	t.Helper()
	w, err := gocv.VideoWriterFile(path, "MJPG", 200, 64, 48, true)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(10, 20, float64(100+20*i), 0), 48, 64, gocv.MatTypeCV8UC3)
		if err := errors.Join(w.Write(m), m.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestVideoFileIsReadInOrderAndEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clip.avi")
	writeVideo(t, path, 4)
	var reds []byte
	err := Run(t.Context(), Options{Camera: "front", Source: path}, zero, func(f *camera.Frame) {
		reds = append(reds, f.Pix[0])
	})
	if !errors.Is(err, io.EOF) || len(reds) != 4 {
		t.Fatalf("err %v after %d frames", err, len(reds))
	}
	for i := 1; i < 4; i++ {
		if reds[i] < reds[i-1]+10 {
			t.Fatalf("reds %v do not rise: frames out of order, or not RGB", reds)
		}
	}
}

func TestVideoFileLoops(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clip.avi")
	writeVideo(t, path, 3)
	ctx, cancel := context.WithCancel(t.Context())
	var n int
	err := Run(ctx, Options{Camera: "front", Source: path, RateHz: 500, Loop: true}, zero, func(f *camera.Frame) {
		if n++; n == 7 {
			cancel()
		}
	})
	if err != nil || n < 7 {
		t.Fatalf("err %v after %d frames", err, n)
	}
}

// hung blocks in Read until released.
type hung struct{ release, closed chan struct{} }

func (h *hung) Read(*camera.Frame) error { <-h.release; return io.ErrUnexpectedEOF }
func (h *hung) Period() time.Duration    { return 0 }
func (h *hung) Close() error             { close(h.closed); return nil }

func TestHungSourceIsAbandonedAndClosedLater(t *testing.T) {
	for _, where := range []string{"open", "read"} {
		t.Run(where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &hung{make(chan struct{}), make(chan struct{})}
				opener := func(Options) (capture, error) {
					if where == "open" {
						<-h.release
					}
					return h, nil
				}
				start := time.Now()
				opt := Options{Camera: "front", Source: "/dev/video0", Key: "cameras[0].source", Silence: 2 * time.Second}
				err := run(t.Context(), opt, zero, func(*camera.Frame) {}, opener)
				var silent *SilentError
				if !errors.As(err, &silent) || time.Since(start) != 2*time.Second {
					t.Fatalf("%v after %v", err, time.Since(start))
				}
				want := "camera front: reading /dev/video0: no frame for 2s; check its cable or set cameras[0].source"
				if err.Error() != want {
					t.Fatalf("got  %v\nwant %s", err, want)
				}
				close(h.release)
				<-h.closed
			})
		})
	}
}

func TestCancelDoesNotWaitForAHungSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hung{make(chan struct{}), make(chan struct{})}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err := run(ctx, Options{Silence: 3 * time.Second}, zero, func(*camera.Frame) {},
			func(Options) (capture, error) { return h, nil })
		if err != nil || time.Since(start) != 4*time.Second {
			t.Fatalf("%v after %v", err, time.Since(start))
		}
		close(h.release)
		<-h.closed
	})
}

// TestSeries: pictures that a pattern matches, in the order of their names, at their own rate, once or again and again.
func TestSeries(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"b.png", "a.png", "c.png"} {
		shade(t, filepath.Join(dir, name), 8, uint8(10*i))
	}
	play := func(loop bool, most int) (reds []byte, err error) {
		ctx, cancel := context.WithCancel(t.Context())
		err = Run(ctx, Options{Camera: "front", Source: dir + "/*.png", RateHz: 500, Loop: loop, Key: "cameras[0].source"}, zero, func(f *camera.Frame) {
			if reds = append(reds, f.Pix[0]); len(reds) == most {
				cancel()
			}
		})
		return reds, err
	}
	if reds, err := play(false, 9); !errors.Is(err, io.EOF) || !slices.Equal(reds, []byte{10, 0, 20}) {
		t.Errorf("%v, %v", reds, err)
	}
	if reds, err := play(true, 5); err != nil || !slices.Equal(reds[:5], []byte{10, 0, 20, 10, 0}) {
		t.Errorf("%v, %v", reds, err)
	}
	shade(t, filepath.Join(dir, "d.png"), 16, 0)
	if _, err := play(false, 9); err == nil || !strings.Contains(err.Error(), "picture 4 of 4: it is 16x16, and those before are 8x8") {
		t.Errorf("another size: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "b.png"), []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := play(false, 9); err == nil || !strings.Contains(err.Error(), "picture 2 of 4: ") {
		t.Errorf("no picture: %v", err)
	}
	none := Options{Camera: "front", Source: dir + "/*.jpg", Key: "cameras[0].source"}
	if err := Run(t.Context(), none, zero, nil); err == nil || err.Error() != "camera front: opening "+dir+"/*.jpg: no pictures there; set cameras[0].source to another" {
		t.Errorf("none: %v", err)
	}
}

// shade writes a square picture of one red.
func shade(t *testing.T, path string, side int, red uint8) {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, side, side))
	for i := range side * side {
		m.SetRGBA(i%side, i/side, color.RGBA{R: red, G: 20, B: 10, A: 255})
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(file, m), file.Close()); err != nil {
		t.Fatal(err)
	}
}

// scene is a capture whose pictures are red by their number.
type scene struct{ n int }

func (s *scene) Read(f *camera.Frame) error {
	s.n++
	f.Width, f.Height, f.Pix = 1, 1, append(f.Pix[:0], byte(s.n), 0, 0)
	return nil
}
func (s *scene) Period() time.Duration { return 0 }
func (s *scene) Close() error          { return nil }

// TestLockedReadsBack after the first picture, which wakes some drivers' automatics, and then each hundredth.
func TestLockedReadsBack(t *testing.T) {
	want := map[string]int{"auto_exposure": 1, "exposure_time_absolute": 200}
	for name, c := range map[string]struct{ changes, found int }{"with the first picture": {1, 1}, "later": {2, 101}} {
		w := newWebcam()
		if err := lock(w, want); err != nil {
			t.Fatal(err)
		}
		l := &locked{capture: &scene{}, driver: w, close: func() {}, want: want}
		var f camera.Frame
		var err error
		read := 0
		for err == nil && read < 300 {
			read++
			if read == c.changes {
				w.values[exposureTime] = 156
			}
			err = l.Read(&f)
		}
		if read != c.found || err == nil || !strings.Contains(err.Error(), "control exposure_time_absolute: wanted 200, and it is 156") {
			t.Errorf("%s: found at picture %d: %v", name, read, err)
		}
	}
}

// TestByIDIsADevice: a name below /dev that is no videoN in the end is no video file either.
func TestByIDIsADevice(t *testing.T) {
	err := Run(t.Context(), Options{Camera: "front", Source: "/dev/null", Key: "cameras[0].source"}, zero, nil)
	if err == nil || err.Error() != "camera front: opening /dev/null: not a camera; set cameras[0].source to one that camera list shows" {
		t.Errorf("%v", err)
	}
	if got, err := Controls("a.mp4", "SOURCE"); got != nil || err != nil {
		t.Errorf("a file has the controls %v, %v", got, err)
	}
	if _, err := Controls("/dev/video97", "SOURCE"); err == nil || !strings.Contains(err.Error(), "no such device; plug it in or set SOURCE") {
		t.Errorf("a device that is not there: %v", err)
	}
}
