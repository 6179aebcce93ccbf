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
