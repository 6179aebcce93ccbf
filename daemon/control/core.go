package control

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// mostLooks is far more than a process needs whose threads are not set back by somebody else.
const mostLooks = 100

// LeaveCore takes one core of the machine away from every thread of this process, and so from whatever they start. A
// thread may start another while it is at it, so it looks again until it finds none on that core.
//
// On a core that it shares the tick, which goes before, would put aside the threads that it then waits for: Go's runtime
// holds a goroutine in a system call for a moment while it looks whether to take its processor, and looks often. A tick that
// wakes up in that moment, on the core of the thread that looks, has been seen to spin for 127 ms.
func LeaveCore(core int) error { return leaveCore(core, 0) }

// leaveCore spares one thread; 0 spares none.
func leaveCore(core, spared int) error {
	for range mostLooks {
		ids, err := threads()
		if err != nil {
			return err
		}
		moved := 0
		for _, id := range ids {
			if id == spared {
				continue
			}
			m, err := moveOff(id, core)
			if err != nil {
				return err
			}
			moved += m
		}
		if moved == 0 {
			return nil
		}
	}
	return fmt.Errorf("core %d: after %d looks some thread is on it again", core, mostLooks)
}

// threads are the ids of this process's.
func threads() (ids []int, err error) {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil, fmt.Errorf("listing threads: %w", err)
	}
	for _, e := range entries {
		id, err := strconv.Atoi(e.Name())
		if err != nil {
			return nil, fmt.Errorf("listing threads: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// moveOff counts the threads that it moved: one, or none where that one was not on the core, or has ended.
func moveOff(thread, core int) (int, error) {
	var may unix.CPUSet
	err := unix.SchedGetaffinity(thread, &may)
	if err == nil && !may.IsSet(core) {
		return 0, nil
	}
	if may.Clear(core); err == nil && may.Count() == 0 {
		return 0, fmt.Errorf("core %d: thread %d may use no other", core, thread)
	}
	if err == nil {
		err = unix.SchedSetaffinity(thread, &may)
	}
	if errors.Is(err, unix.ESRCH) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("core %d: keeping thread %d off it: %w", core, thread, err)
	}
	return 1, nil
}

// takeCore keeps a core for the calling thread, which must be locked and end with its goroutine. Go's runtime starts
// further threads from one of which nothing was changed.
func takeCore(core int) error {
	if err := leaveCore(core, unix.Gettid()); err != nil {
		return err
	}
	var only unix.CPUSet
	only.Set(core)
	if err := unix.SchedSetaffinity(0, &only); err != nil {
		return fmt.Errorf("core %d: %w; give one that there is, see lscpu, or set realtime.core to off", core, err)
	}
	return nil
}
