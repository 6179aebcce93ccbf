package rtsp

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sim2reald/camera"
)

// instant is a decoder that shows each unit at once, or hangs in it until released.
type instant struct {
	scripted
	hang    chan struct{}
	closing func()
}

func (d *instant) send(u *unit) error {
	if d.hang != nil {
		<-d.hang
	}
	return d.scripted.send(u)
}

func (d *instant) close() { d.closing() }

// keyframes is a connector whose camera sends n keyframes, 100 ms apart, and then ends or is silent.
func keyframes(n int, then error) connector {
	return func(ctx context.Context, _ Options, now func() time.Duration, to *inlet) error {
		if err := to.open(codec{h264: true, kind: newUnits()}); err != nil {
			return err
		}
		for i := range n {
			to.packet(packet(uint16(i), uint32(i), true, []byte(idr)...), moment{arrival: now()})
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if then == nil {
			<-ctx.Done()
		}
		return then
	}
}

// rig is a run in a bubble of its own time.
type rig struct {
	opened, closed atomic.Int64
	frames         []camera.Frame
	ended          []string
	at             []time.Duration // when each connection ended
}

func (r *rig) run(t *testing.T, span time.Duration, connect connector, hang chan struct{}) {
	t.Helper()
	began := time.Now()
	now := func() time.Duration { return time.Since(began) }
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	opt := Options{Camera: "front", URL: "rtsp://host/x", Key: "cameras[0].source", Ended: func(err error) {
		r.ended, r.at = append(r.ended, err.Error()), append(r.at, now())
	}}
	run(ctx, opt, now, func(f *camera.Frame) { r.frames = append(r.frames, *f) }, connect, func(codec) (decoder, error) {
		r.opened.Add(1)
		return &instant{hang: hang, closing: func() { r.closed.Add(1) }}, nil
	})
	synctest.Wait()
}

func TestComesBackWithBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{}
		refuse := func(context.Context, Options, func() time.Duration, *inlet) error { return errors.New("refused") }
		r.run(t, 8500*time.Millisecond, refuse, nil)
		ms := time.Millisecond
		want := []time.Duration{0, 200 * ms, 600 * ms, 1400 * ms, 3000 * ms, 5000 * ms, 7000 * ms}
		if !slices.Equal(r.at, want) {
			t.Errorf("tried at %v, want %v", r.at, want)
		}
		if want := "camera front: reading rtsp://host/x: refused; check that the camera is on, and cameras[0].source"; r.ended[0] != want {
			t.Errorf("got  %s\nwant %s", r.ended[0], want)
		}
	})
}

// TestSequenceGoesOn over connections, and each connection has a decoder of its own, which is closed.
func TestSequenceGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{}
		r.run(t, 950*time.Millisecond, keyframes(3, errors.New("gone")), nil)
		var seqs []uint64
		for _, f := range r.frames {
			seqs = append(seqs, f.Seq)
		}
		// 300 ms a connection and 100 ms between them.
		if !slices.Equal(seqs, []uint64{1, 2, 3, 4, 5, 6, 7, 8}) || r.frames[3].Arrival != 400*time.Millisecond {
			t.Errorf("frames %v, the fourth at %v", seqs, r.frames[3].Arrival)
		}
		if opened, closed := r.opened.Load(), r.closed.Load(); opened != 3 || closed != 3 {
			t.Errorf("%d decoders opened, %d closed", opened, closed)
		}
	})
}

func TestSilenceIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{}
		r.run(t, 3*time.Second, keyframes(2, nil), nil)
		if len(r.ended) != 1 || r.at[0] != 2100*time.Millisecond || !strings.Contains(r.ended[0], "nothing came") {
			t.Errorf("ended %q at %v, want once, 2 s after the last packet at 100 ms", r.ended, r.at)
		}
	})
}

// TestHungDecoderIsAbandoned: a new one takes its place, at most three hang at a time, and what they give when they return
// after all is shown to nobody.
func TestHungDecoderIsAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, hang := &rig{}, make(chan struct{})
		r.run(t, 30*time.Second, keyframes(1000, nil), hang)
		if opened, closed := r.opened.Load(), r.closed.Load(); opened != mostStuck || closed != 0 || len(r.frames) != 0 {
			t.Errorf("%d opened, %d closed, %d frames", opened, closed, len(r.frames))
		}
		if !strings.Contains(r.ended[0], "the decoder does not return") || !strings.Contains(r.ended[mostStuck], "three decoders") {
			t.Errorf("%q", r.ended)
		}
		close(hang)
		synctest.Wait()
		if closed := r.closed.Load(); closed != mostStuck || len(r.frames) != 0 {
			t.Errorf("after they returned: %d closed, %d frames", closed, len(r.frames))
		}
	})
}

// TestSecretsAreHidden, however they are written.
func TestSecretsAreHidden(t *testing.T) {
	o := Options{Camera: "front", URL: "rtsp://host/x?token=hunter2", Key: "k", User: "anna", Password: "p@ss/w rd"}
	err := o.said(errors.New("asking rtsp://anna:p%40ss%2Fw%20rd@host/x, p@ss/w rd, p%40ss%2Fw+rd"))
	for _, secret := range []string{"p@ss", "p%40ss", "w rd", "w%20rd", "hunter2"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q stands in %s", secret, err)
		}
	}
}
