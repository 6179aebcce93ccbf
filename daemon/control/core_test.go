package control

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// cores are those of this process, which all its threads have back when the test ends, the last of them, and whether
// there are any others.
func cores(t *testing.T) (all unix.CPUSet, last int) {
	t.Helper()
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	for core := range 1024 {
		if all.IsSet(core) {
			last = core
		}
	}
	if all.Count() < 2 {
		t.Skip("this process may use one core alone, which cannot be taken away from it")
	}
	t.Cleanup(func() {
		ids, err := threads()
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			if err := unix.SchedSetaffinity(id, &all); err != nil && !errors.Is(err, unix.ESRCH) {
				t.Error(err)
			}
		}
	})
	return all, last
}

// onCore are the threads that may use a core.
func onCore(t *testing.T, core int) (on []int) {
	t.Helper()
	ids, err := threads()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		var may unix.CPUSet
		if err := unix.SchedGetaffinity(id, &may); err != nil && !errors.Is(err, unix.ESRCH) {
			t.Fatal(err)
		}
		if may.IsSet(core) {
			on = append(on, id)
		}
	}
	return on
}

func TestThreadHasACoreToItself(t *testing.T) {
	_, last := cores(t)
	rig := &stuckRig{after: 5, stuck: make(chan struct{}), release: make(chan struct{})}
	loop, stop := running(t, rig, time.Millisecond, Scheduling{Core: &last})
	<-rig.stuck
	tick := threadNamed(t, ThreadName)
	var may unix.CPUSet
	if err := unix.SchedGetaffinity(tick, &may); err != nil || may.Count() != 1 || !may.IsSet(last) {
		t.Errorf("the tick's thread may use %d cores, want core %d alone; %v", may.Count(), last, err)
	}
	newThreads(t)
	if on := onCore(t, last); len(on) != 1 || on[0] != tick {
		t.Errorf("threads %v may use core %d, want %d alone", on, last, tick)
	}
	told, err := exec.Command("grep", "Cpus_allowed_list", "/proc/self/status").Output()
	if text := strings.Fields(string(told)); err != nil || len(text) != 2 || strings.HasSuffix(text[1], fmt.Sprint(last)) {
		t.Errorf("what it starts has %q, want all but core %d; %v", told, last, err)
	}
	if g, _ := loop.Granted(); g.Core == nil || *g.Core != last || !strings.Contains(g.String(), fmt.Sprintf(", core %d to itself", last)) {
		t.Errorf("it is said as %q", g)
	}
	close(rig.release)
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// newThreads makes some that there were not.
func newThreads(t *testing.T) {
	t.Helper()
	before, err := threads()
	if err != nil {
		t.Fatal(err)
	}
	began, end := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(end) })
	for range len(before) + 3 {
		go func() {
			runtime.LockOSThread() // which ends with it
			began <- struct{}{}
			<-end
		}()
		<-began
	}
}

func TestACoreThatIsNotThere(t *testing.T) {
	_, last := cores(t)
	const nowhere = 1023
	had := onCore(t, last)
	loop, stop := running(t, &stuckRig{}, time.Millisecond, Scheduling{Core: new(nowhere)})
	<-loop.Alive()
	if g, _ := loop.Granted(); g.Core != nil || g.Refused == nil || !strings.Contains(g.String(), "no core to itself; refused: core 1023: ") {
		t.Errorf("a core that is not there is said as %q", g)
	}
	on := onCore(t, last)
	there, err := threads() // later: some of the test before may still be ending
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range had {
		if slices.Contains(there, id) && !slices.Contains(on, id) {
			t.Errorf("thread %d may no longer use core %d", id, last)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	_, stop = running(t, &stuckRig{}, time.Millisecond, Scheduling{Core: new(nowhere), Required: true})
	if err := stop(); !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), "real time is required: core 1023") {
		t.Errorf("it began all the same: %v", err)
	}
}

// TestNoCoreIsLeft: a thread that may use one core alone cannot leave it, and is told of.
func TestNoCoreIsLeft(t *testing.T) {
	_, last := cores(t)
	began, end := make(chan int), make(chan struct{})
	defer close(end)
	go func() {
		runtime.LockOSThread() // which ends with it
		var only unix.CPUSet
		only.Set(last)
		if err := unix.SchedSetaffinity(0, &only); err != nil {
			t.Error(err)
		}
		began <- unix.Gettid()
		<-end
	}()
	if id, err := <-began, LeaveCore(last); err == nil || err.Error() != fmt.Sprintf("core %d: thread %d may use no other", last, id) {
		t.Errorf("%v", err)
	}
}
