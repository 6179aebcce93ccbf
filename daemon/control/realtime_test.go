package control

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sim2reald/robot"
)

func TestNextSlot(t *testing.T) {
	const period = 10 * time.Millisecond
	for _, c := range []struct {
		deadline, now, next time.Duration
		skipped             uint64
	}{
		{100, 99, 100, 0},
		{100, 100, 100, 0},
		{100, 101, 100 + period, 1},
		{100, 100 + period, 100 + period, 1},
		{100, 101 + period, 100 + 2*period, 2},
		{100, 100 + 1000*period, 100 + 1000*period, 1000},
	} {
		if next, skipped := nextSlot(c.deadline, c.now, period); next != c.next || skipped != c.skipped {
			t.Errorf("deadline %d at %d: %d, %d skipped; want %d, %d", c.deadline, c.now, next, skipped, c.next, c.skipped)
		}
	}
}

// stuckRig is an arm whose measurement cannot be had from a tick on, as behind a lock that nobody gives back.
type stuckRig struct {
	after   int
	asked   int
	stuck   chan struct{} // closed when it is
	release chan struct{}
}

func (r *stuckRig) State() (robot.State, bool) {
	if r.asked++; r.asked == r.after {
		close(r.stuck)
		<-r.release
	}
	return robot.State{}, false
}

// running is a real-time loop that is on its way.
func running(t *testing.T, rig Rig, period time.Duration, s Scheduling) (*Loop, func() error) {
	t.Helper()
	b := newBench(false)
	b.loop.cfg.Rig, b.loop.cfg.Period, b.loop.cfg.Scheduling = rig, period, s
	began := time.Now()
	b.loop.cfg.Clock = func() time.Duration { return time.Since(began) }
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.loop.RunRealtime(ctx) }()
	stop := func() error { cancel(); return <-ended }
	t.Cleanup(cancel)
	return b.loop, stop
}

func TestStuckLoopIsSilent(t *testing.T) {
	rig := &stuckRig{after: 300, stuck: make(chan struct{}), release: make(chan struct{})}
	loop, stop := running(t, rig, time.Millisecond, Scheduling{})
	for range 3 {
		<-loop.Alive()
	}
	<-rig.stuck
	select {
	case <-loop.Alive(): // of a tick before it was stuck
	default:
	}
	select {
	case <-loop.Alive():
		t.Error("the loop says that it goes round, and it is stuck")
	case <-time.After(5 * AliveEvery):
	}
	close(rig.release)
	<-loop.Alive() // it goes on as if nothing had been
	if loop.Overruns() < 100 {
		t.Errorf("%d slots skipped in a quarter of a second of 1 ms each", loop.Overruns())
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if s := loop.Lateness.Spread(); s.Count < 299 || s.Max > 0.5 {
		t.Errorf("lateness %+v; a skipped slot is an overrun, and late is only what was slept", s)
	}
}

// TestLockstepIsAliveWhileIdle has no observation to answer at all.
func TestLockstepIsAliveWhileIdle(t *testing.T) {
	b := newBench(true)
	began := time.Now()
	b.loop.cfg.Clock = func() time.Duration { return time.Since(began) }
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.loop.RunLockstep(ctx, nil) }()
	for range 3 {
		<-b.loop.Alive()
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestThreadIsScheduled asks for what this machine may refuse, and holds what is said to what is.
func TestThreadIsScheduled(t *testing.T) {
	rig := &stuckRig{after: 5, stuck: make(chan struct{}), release: make(chan struct{})}
	loop, stop := running(t, rig, time.Millisecond, Scheduling{Priority: 3})
	<-rig.stuck
	granted, ok := loop.Granted()
	if !ok {
		t.Fatal("nothing is said of the tick's thread")
	}
	attr, err := unix.SchedGetAttr(threadNamed(t, ThreadName), 0)
	if err != nil {
		t.Fatal(err)
	}
	want := "SCHED_OTHER"
	if attr.Policy == unix.SCHED_FIFO {
		want = fmt.Sprintf("SCHED_FIFO %d", attr.Priority)
	}
	refused := granted.Refused != nil && strings.Contains(granted.Refused.Error(), "LimitRTPRIO=3")
	if granted.Class != want || refused == (want == "SCHED_FIFO 3") || granted.TimerSlack > timerSlack {
		t.Errorf("said %q, and the thread has %s", granted, want)
	}
	t.Log(granted)
	close(rig.release)
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// threadNamed is the id of this process's one thread of that name; one of a test before may still be ending.
func threadNamed(t *testing.T, name string) int {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); runtime.Gosched() {
		if ids := threadsNamed(t, name); len(ids) == 1 {
			return ids[0]
		}
	}
	t.Fatalf("not one thread is called %s, but %d", name, len(threadsNamed(t, name)))
	return 0
}

func threadsNamed(t *testing.T, name string) (ids []int) {
	t.Helper()
	names, err := filepath.Glob("/proc/self/task/*/comm")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range names {
		text, err := os.ReadFile(path)
		if err != nil || strings.TrimSpace(string(text)) != name {
			continue // another, or it has ended
		}
		var id int
		if _, err := fmt.Sscanf(path, "/proc/self/task/%d/comm", &id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// TestRequiredIsNoWish asks for a priority that no kernel has.
func TestRequiredIsNoWish(t *testing.T) {
	const impossible = 1000
	_, stop := running(t, &stuckRig{}, time.Millisecond, Scheduling{Priority: impossible, Required: true})
	if err := stop(); !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), "real time is required: SCHED_FIFO 1000") {
		t.Errorf("it began all the same: %v", err)
	}
	loop, stop := running(t, &stuckRig{}, time.Millisecond, Scheduling{Priority: impossible})
	<-loop.Alive()
	if g, _ := loop.Granted(); g.Class != "SCHED_OTHER" || !errors.Is(g.Refused, unix.EINVAL) {
		t.Errorf("a refused wish is said as %q", g)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
