package control

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sim2reald/camera"
	"sim2reald/daemon/control/supervisor"
	"sim2reald/robot"
)

// looker notes when the pictures that it is given were taken.
type looker struct{ saw [][]time.Duration }

func (k *looker) Act(frames []*camera.Frame, _ *robot.State, plan *Plan) error {
	var taken []time.Duration
	for _, f := range frames {
		taken = append(taken, f.Taken)
	}
	k.saw = append(k.saw, taken)
	plan.Rows, plan.Wanted[0] = 1, robot.Command{Mode: robot.Velocity, DQ: robot.Vector{0.1}}
	return nil
}

// twoEyed is a bench with a second camera, wrist, and bounds of 50 ms between pictures and 300 ms for their age.
func twoEyed() (*bench, *camera.Latest, *looker) {
	b, k := newBench(false), &looker{}
	wrist := camera.NewLatest("wrist")
	cfg := b.loop.cfg
	cfg.Cameras, cfg.Together, cfg.Actor = []*camera.Latest{b.eye, wrist}, 50*time.Millisecond, k
	for _, c := range cfg.Cameras {
		c.Keep(300 * time.Millisecond)
	}
	var err error
	if b.loop, err = New(cfg); err != nil {
		panic(err) // of this test's own making
	}
	b.see(time.Second) // so that no time is zero
	return b, wrist, k
}

// shows gives a camera a picture that was taken that long ago.
func (b *bench) shows(c *camera.Latest, ago time.Duration) {
	b.state.Seq++
	c.Put(&camera.Frame{Camera: c.Camera(), Seq: b.state.Seq, Arrival: b.now, Taken: b.now - ago, Width: 1, Height: 1, Pix: []byte{1, 2, byte(b.state.Seq)}})
}

// TestLooksTogether: what the policy sees was taken within the bound, however late one camera is, and is seen once.
func TestLooksTogether(t *testing.T) {
	const ms = time.Millisecond
	b, wrist, k := twoEyed()
	look := func() int { _ = b.loop.Think(); return len(k.saw) }
	if look() != 0 {
		t.Fatal("looked with one eye")
	}
	b.shows(wrist, 0)
	for range 2 {
		if n := look(); n != 1 {
			t.Fatalf("looked %d times at the first set, want once", n)
		}
	}
	for range 6 { // the wrist's pictures are 120 ms on their way
		b.see(80 * ms)
		b.shows(wrist, 120*ms)
		look()
	}
	for i, taken := range k.saw[1:] {
		if apart := (taken[0] - taken[1]).Abs(); apart != 40*ms {
			t.Errorf("set %d: %v, %v apart", i, taken, apart)
		}
	}
	if last := k.saw[len(k.saw)-1]; len(k.saw) < 5 || b.now-min(last[0], last[1]) > 200*ms {
		t.Errorf("%d looks, the last at %v, now %v", len(k.saw), last, b.now)
	}
	if a, ok := b.loop.Apart(); !ok || !a.Set || a.Spread != 40*ms || a.Behind != "wrist" || a.By != 120*ms {
		t.Errorf("%+v", a)
	}
	if got := b.loop.CamerasApart.Summary(); got.Count != uint64(len(k.saw)) || got.Max != 0.04 {
		t.Errorf("measured %+v", got)
	}
}

// TestPicturesApartHold: a camera that goes holds the arm once the last set is too old, and status can name it; what its
// neighbour shows goes on.
func TestPicturesApartHold(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		late time.Duration // of the wrist's pictures; less than nothing: there are no more
		want supervisor.Causes
	}{
		"in step":   {0, 0},
		"a bit off": {130 * ms, 0},
		"dead":      {-1, set(supervisor.FrameStale, supervisor.PicturesApart)},
		"too slow":  {310 * ms, set(supervisor.FrameStale, supervisor.PicturesApart)},
	} {
		b, wrist, _ := twoEyed()
		var facts supervisor.Facts
		b.shows(wrist, 0)
		for range 20 {
			b.see(25 * ms)
			if c.late >= 0 {
				b.shows(wrist, c.late)
			}
			_ = b.loop.Think()
			facts = b.loop.facts(&b.state, true, b.now)
		}
		got := b.loop.bounds.Judge(&facts) & set(supervisor.FrameStale, supervisor.PicturesApart)
		if got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		if age, _ := b.eye.Age(b.now); age != 0 {
			t.Errorf("%s: the other camera is %v old", name, age)
		}
		if a, _ := b.loop.Apart(); c.want != 0 && a.Behind != "wrist" {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// TestLockstepTakesNoSets: there the bridge says which pictures belong together.
func TestLockstepTakesNoSets(t *testing.T) {
	b := newBench(true)
	cfg := b.loop.cfg
	cfg.Cameras = append(cfg.Cameras, camera.NewLatest("wrist"))
	l, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if age, ok := l.setAge(time.Hour); age != 0 || !ok || l.matches() {
		t.Errorf("%v %v", age, ok)
	}
	if _, ok := l.Apart(); ok {
		t.Error("tells how far apart they are")
	}
}

// TestAnyCameraWakes: thinking does not wait for the first one.
func TestAnyCameraWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, wrist, k := twoEyed()
		var thought atomic.Int64
		b.loop.pilot.Actor = counted{k, &thought}
		ctx, cancel := context.WithCancel(t.Context())
		go b.loop.thinkOn(ctx)
		synctest.Wait()
		b.shows(wrist, 0)
		synctest.Wait()
		if n := thought.Load(); n != 1 {
			t.Errorf("%d thoughts after the second camera's picture, want 1", n)
		}
		cancel()
		synctest.Wait()
	})
}

type counted struct {
	Actor
	n *atomic.Int64
}

func (c counted) Act(frames []*camera.Frame, state *robot.State, plan *Plan) error {
	c.n.Add(1)
	return c.Actor.Act(frames, state, plan)
}
