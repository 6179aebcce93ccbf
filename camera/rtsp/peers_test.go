package rtsp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"

	"sim2reald/camera"
	"sim2reald/camera/cameratest"
)

// watched runs a source until the test ends.
type watched struct {
	frames chan camera.Frame // of which the oldest are kept, without pixels that change
	ended  chan error
	counts Counts
	stop   func() // and waits
}

func watch(t testing.TB, opt Options) *watched {
	t.Helper()
	frames := make(chan camera.Frame, 1000)
	w := watchWith(t, opt, func(f *camera.Frame) {
		copied := *f
		copied.Pix = append([]byte(nil), f.Pix...)
		select {
		case frames <- copied:
		default:
		}
	})
	w.frames = frames
	return w
}

func watchWith(t testing.TB, opt Options, put func(*camera.Frame)) *watched {
	t.Helper()
	w := &watched{ended: make(chan error, 1000)}
	ctx, cancel := context.WithCancel(t.Context())
	done, began := make(chan struct{}), time.Now()
	opt.Camera, opt.Key, opt.Counts = "front", "cameras[0].source", &w.counts
	opt.Ended = func(err error) { w.ended <- err }
	go func() {
		defer close(done)
		Run(ctx, opt, func() time.Duration { return time.Since(began) }, put)
	}()
	w.stop = func() { cancel(); <-done }
	t.Cleanup(w.stop)
	return w
}

// next is the next frame.
func (w *watched) next(t testing.TB) camera.Frame {
	t.Helper()
	timeout := time.After(cameratest.Patience)
	for {
		select {
		case f := <-w.frames:
			return f
		case err := <-w.ended:
			t.Log(err)
		case <-timeout:
			t.Fatal("no picture")
		}
	}
}

// published waits until a publisher sends.
func published(t testing.TB, s *cameratest.Server) {
	t.Helper()
	select {
	case <-s.Published():
	case <-time.After(cameratest.Patience):
		t.Fatal("nobody publishes")
	}
}

// TestPeers reads what ffmpeg publishes and what GStreamer serves, in both codecs, over TCP and UDP: all pictures whole and
// moving, stamped in order, and by the sender's clock once it has told it.
func TestPeers(t *testing.T) {
	for _, peer := range []string{"ffmpeg", "gstreamer"} {
		for _, codec := range []string{cameratest.H264, cameratest.MJPEG} {
			for _, udp := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %s udp %v", peer, codec, udp), func(t *testing.T) {
					var url string
					if peer == "ffmpeg" {
						s := cameratest.Serve(t, cameratest.Options{})
						cameratest.Push(t, s.URL(), codec, "320x240", 15)
						published(t, s)
						url = s.URL()
					} else {
						url, _ = cameratest.GStreamer(t, codec, "320x240", 15)
					}
					w := watch(t, Options{URL: url, UDP: udp})
					before := w.next(t)
					for i := range 10 {
						f := w.next(t)
						if f.Width != 320 || f.Height != 240 || f.Seq != before.Seq+1 || f.Arrival <= before.Arrival {
							t.Fatalf("picture %d: %dx%d seq %d arrival %v after %d %v", i, f.Width, f.Height, f.Seq, f.Arrival, before.Seq, before.Arrival)
						}
						if farthest(before.Pix, &f) == 0 {
							t.Errorf("picture %d is the one before", i)
						}
						if off := time.Since(time.Unix(0, int64(f.Sent))); f.Sent != 0 && off.Abs() > time.Minute {
							t.Errorf("picture %d was sent at %v", i, time.Unix(0, int64(f.Sent)))
						}
						before = f
					}
					if n := w.counts.Broken.Load(); n != 0 {
						t.Errorf("%d broken", n)
					}
				})
			}
		}
	}
}

// TestSendersClock: GStreamer tells its wall clock by RTCP some seconds after it began, and it is this host's: from then on
// a picture is as old as it says.
func TestSendersClock(t *testing.T) {
	url, _ := cameratest.GStreamer(t, cameratest.H264, "160x120", 15)
	w := watch(t, Options{URL: url})
	for range 15 * 60 {
		f := w.next(t)
		if f.Sent == 0 {
			if f.Stamp != f.Arrival || f.Taken != f.Arrival {
				t.Fatalf("stamp %v and taken %v without the sender's, arrival %v", f.Stamp, f.Taken, f.Arrival)
			}
			continue
		}
		age := time.Since(time.Unix(0, int64(f.Sent)))
		if age < -50*time.Millisecond || age > 2*time.Second || f.Stamp != f.Sent || f.Taken > f.Arrival {
			t.Errorf("a picture is %v old by its sender's clock, stamp %v, sent %v, taken %v before it came", age, f.Stamp, f.Sent, f.Arrival-f.Taken)
		}
		return
	}
	t.Error("the sender never told its clock")
}

// TestColours: one colour goes through ffmpeg's encoder and comes back, red as red.
func TestColours(t *testing.T) {
	for _, codec := range []string{cameratest.H264, cameratest.MJPEG} {
		t.Run(codec, func(t *testing.T) {
			s := cameratest.Serve(t, cameratest.Options{})
			cameratest.Push(t, s.URL(), codec, "320x240", 10, "-vf", "drawbox=color=0xC86432:t=fill")
			published(t, s)
			f := watch(t, Options{URL: s.URL()}).next(t)
			for i, want := range []int{0xC8, 0x64, 0x32} {
				got := int(f.Pix[3*(320*120+160)+i])
				if got < want-4 || got > want+4 {
					t.Errorf("channel %d is %d, want %d", i, got, want)
				}
			}
		})
	}
}

// TestCredentials: the camera asks for user and password by digest; without them, or with others, the error says what to do
// and shows nothing of them.
func TestCredentials(t *testing.T) {
	s := cameratest.Serve(t, cameratest.Options{User: "anna", Password: "hunter2/x"})
	cameratest.Push(t, s.URL(), cameratest.MJPEG, "320x240", 10)
	published(t, s)
	watch(t, Options{URL: s.URL(), User: "anna", Password: "hunter2/x"}).next(t)
	for name, password := range map[string]string{"none": "", "wrong": "hunter3/x"} {
		t.Run(name, func(t *testing.T) {
			opt := Options{URL: s.URL(), Password: password}
			if password != "" {
				opt.User = "anna"
			}
			w := watch(t, opt)
			err := <-w.ended
			var status liberrors.ErrClientBadStatusCode
			if !errors.As(err, &status) && password == "" || !strings.Contains(err.Error(), "credentials file") || strings.Contains(err.Error(), "hunter") {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestDeadServer: what is read grows stale within the bound that a robot holds at, whatever the server's death looks like,
// and the reader ends.
func TestDeadServer(t *testing.T) {
	for _, how := range []string{"dies", "stops in the middle"} {
		t.Run(how, func(t *testing.T) {
			url, peer := cameratest.GStreamer(t, cameratest.H264, "320x240", 30)
			latest := camera.NewLatest("front")
			began := time.Now()
			now := func() time.Duration { return time.Since(began) }
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				Run(ctx, Options{Camera: "front", URL: url}, now, latest.Put)
			}()
			for range 3 {
				select {
				case <-latest.Updated():
				case <-time.After(cameratest.Patience):
					t.Fatal("no picture")
				}
			}
			end := now()
			if how == "dies" {
				peer.Kill()
			} else {
				peer.Stop(t)
			}
			const bound = 300 * time.Millisecond // ages.frame_ms
			<-time.After(700 * time.Millisecond)
			var f camera.Frame
			var stale *camera.StaleError
			if err := latest.Read(&f, end+700*time.Millisecond, bound); !errors.As(err, &stale) {
				t.Errorf("700 ms after the end: %v", err)
			}
			cancel()
			select {
			case <-done:
			case <-time.After(cameratest.Patience):
				t.Error("the reader does not end")
			}
		})
	}
}
