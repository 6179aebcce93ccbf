package camera

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
)

func frameOf(seq uint64, arrival time.Duration, value byte) *Frame {
	f := &Frame{Camera: "front", Seq: seq, Arrival: arrival, Taken: arrival, Width: 4, Height: 2, Pix: make([]byte, 24)}
	for i := range f.Pix {
		f.Pix[i] = value
	}
	return f
}

func TestLatestReadsNewestWithinAge(t *testing.T) {
	l := NewLatest("front")
	var got Frame
	var none *NoFrameError
	if err := l.Read(&got, 0, time.Second); !errors.As(err, &none) || none.Camera != "front" {
		t.Fatalf("empty slot: %v", err)
	}
	l.Put(frameOf(1, 10*time.Millisecond, 1))
	l.Put(frameOf(2, 20*time.Millisecond, 2))
	if err := l.Read(&got, 120*time.Millisecond, 100*time.Millisecond); err != nil {
		t.Fatalf("age equal to the bound: %v", err)
	}
	if got.Seq != 2 || got.Pix[23] != 2 || len(got.Pix) != 24 {
		t.Fatalf("got seq %d pix %v", got.Seq, got.Pix)
	}
}

func TestLatestRefusesStale(t *testing.T) {
	l := NewLatest("front")
	l.Put(frameOf(2, 20*time.Millisecond, 2))
	var got Frame
	var stale *StaleError
	err := l.Read(&got, 121*time.Millisecond, 100*time.Millisecond)
	if !errors.As(err, &stale) {
		t.Fatalf("want *StaleError, got %v", err)
	}
	if stale.Camera != "front" || stale.Age != 101*time.Millisecond || stale.Bound != 100*time.Millisecond {
		t.Fatalf("%+v", stale)
	}
	want := "camera front: newest frame is 101ms old, more than 100ms; check that the source still sends"
	if err.Error() != want {
		t.Fatalf("got  %s\nwant %s", err, want)
	}
	if got.Pix != nil {
		t.Fatal("a refused read touched dst")
	}
}

func TestLatestNeverGoesBack(t *testing.T) {
	l := NewLatest("front")
	l.Put(frameOf(2, 20*time.Millisecond, 2))
	l.Put(frameOf(1, 10*time.Millisecond, 1))
	var got Frame
	if err := l.Read(&got, 20*time.Millisecond, time.Second); err != nil || got.Seq != 2 {
		t.Fatalf("seq %d, %v", got.Seq, err)
	}
	sooner := frameOf(3, 30*time.Millisecond, 3) // its camera's clock has become known, and it was on its way for longer
	sooner.Taken = 19 * time.Millisecond
	l.Put(sooner)
	if err := l.Read(&got, 20*time.Millisecond, time.Second); err != nil || got.Seq != 2 {
		t.Fatalf("taken earlier: seq %d, %v", got.Seq, err)
	}
	if age, ok := l.Age(25 * time.Millisecond); !ok || age != 5*time.Millisecond {
		t.Fatalf("age %v %v", age, ok)
	}
}

func TestLatestUpdatedIsOneSignal(t *testing.T) {
	l := NewLatest("front")
	for i := range 3 {
		l.Put(frameOf(uint64(i), time.Duration(i), 0))
	}
	<-l.Updated()
	select {
	case <-l.Updated():
		t.Fatal("three puts before a wait must wake once")
	default:
	}
	l.Put(frameOf(9, 9, 0))
	<-l.Updated()
}

// Every frame is one value throughout: a reader that sees two values saw a torn frame.
func TestLatestIsNeverTorn(t *testing.T) {
	l := NewLatest("front")
	l.Put(frameOf(0, 0, 0))
	var wg sync.WaitGroup
	for w := range 2 {
		wg.Go(func() {
			for i := range 500 {
				l.Put(frameOf(uint64(i), time.Duration(i), byte(2*i+w)))
			}
		})
	}
	for range 3 {
		wg.Go(func() {
			var f Frame
			for range 500 {
				if err := l.Read(&f, 0, time.Hour); err != nil {
					t.Error(err)
					return
				}
				for _, p := range f.Pix {
					if p != f.Pix[0] {
						t.Error("torn frame")
						return
					}
				}
			}
		})
	}
	wg.Wait()
	if n := len(l.free) + 1; n > 6 {
		t.Fatalf("%d buffers for 5 users, want at most 6", n)
	}
}

func TestLatestAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	l := NewLatest("front")
	var dst Frame
	src := frameOf(1, 0, 1)
	n := testing.AllocsPerRun(100, func() {
		l.Put(src)
		if err := l.Read(&dst, 0, time.Second); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Fatalf("%v allocations per Put and Read, want 0", n)
	}
}

func BenchmarkLatest(b *testing.B) {
	l := NewLatest("front")
	src := &Frame{Width: 640, Height: 480, Pix: make([]byte, 640*480*3)}
	var dst Frame
	b.ReportAllocs()
	for b.Loop() {
		l.Put(src)
		if err := l.Read(&dst, 0, time.Second); err != nil {
			b.Fatal(err)
		}
	}
}

// TestLatestKeeps what was taken within 100 ms of the newest, and gives it by its time.
func TestLatestKeeps(t *testing.T) {
	const ms = time.Millisecond
	l := NewLatest("front")
	l.Keep(100 * ms)
	var got Frame
	if l.readTaken(&got, 0) || len(l.Times(nil)) != 0 {
		t.Error("a picture of nothing")
	}
	for i, at := range []int{0, 40, 100, 101, 140, 300} {
		l.Put(frameOf(uint64(i), time.Duration(at)*ms, byte(i)))
		want := [][]time.Duration{times(0), times(0, 40), times(0, 40, 100), times(40, 100, 101), times(40, 100, 101, 140), times(300)}[i]
		if got := l.Times(nil); !slices.Equal(got, want) {
			t.Errorf("after %d: %v, want %v", at, got, want)
		}
		if i == 4 && (!l.readTaken(&got, 100*ms) || got.Seq != 2 || got.Pix[0] != 2) {
			t.Errorf("the picture of 100 ms is %d", got.Seq)
		}
	}
	if l.readTaken(&got, 140*ms) || !l.readTaken(&got, 300*ms) || got.Seq != 5 {
		t.Errorf("got %d", got.Seq)
	}
	for i := range 2 * mostKept {
		l.Put(frameOf(uint64(10+i), 300*ms+time.Duration(i), 1))
	}
	if n := len(l.Times(nil)); n != mostKept || len(l.free) > 6 {
		t.Errorf("%d kept, %d free", n, len(l.free))
	}
}

// TestLatestReadsWhileItForgets: a picture is whole even if it is let go of while it is read.
func TestLatestReadsWhileItForgets(t *testing.T) {
	l := NewLatest("front")
	l.Keep(3)
	l.Put(frameOf(0, 0, 0))
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 2000 {
			l.Put(frameOf(uint64(i), time.Duration(i), byte(i)))
		}
	})
	for range 2 {
		wg.Go(func() {
			var f Frame
			for range 2000 {
				at := l.Times(nil)[0]
				if !l.readTaken(&f, at) {
					continue
				}
				for _, p := range f.Pix {
					if p != byte(f.Seq) || f.Taken != at {
						t.Error("torn frame, or another")
						return
					}
				}
			}
		})
	}
	wg.Wait()
	if n := len(l.free) + len(l.older) + 1; n > 9 {
		t.Fatalf("%d buffers for 3 users and 4 kept, want at most 9", n)
	}
}
