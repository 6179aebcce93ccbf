package control

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ThreadName is what the tick's thread is called in `ps -T` and /proc, so that it can be told from the others.
const ThreadName = "sim2reald-tick"

// timerSlack is by how much the kernel may delay the tick's wake-up to wake others with it: 50 µs by default, and
// this is the least it takes. A SCHED_FIFO thread has none.
const timerSlack = time.Nanosecond

// resetOnFork keeps threads that the tick's starts in the ordinary class.
const resetOnFork = 1 // SCHED_FLAG_RESET_ON_FORK of linux/sched.h

// Scheduling is what the loop asks of the kernel for the tick's thread.
type Scheduling struct {
	Priority   int  // of SCHED_FIFO, 1 to 99; 0 asks for the ordinary class
	LockMemory bool // nothing of the process that was in memory once leaves it again
	Core       *int // of the machine, kept from every other thread of the process; nil asks for none
	Required   bool // what is refused ends RunRealtime before its first tick; otherwise it is said in Granted
}

// Granted is what the kernel gave.
type Granted struct {
	Class        string        // "SCHED_FIFO 20" or "SCHED_OTHER", as the kernel itself says
	TimerSlack   time.Duration // 0 in SCHED_FIFO
	MemoryLocked bool
	Core         *int  // which no other thread of the process may use; nil: it has none to itself
	Refused      error // what was asked for and not given, with the remedy; nil for nothing
}

// Granted is what the tick's thread was given, and false before there is one.
func (l *Loop) Granted() (Granted, bool) {
	g := l.granted.Load()
	if g == nil {
		return Granted{}, false
	}
	return *g, true
}

// String is for the log and the status.
func (g Granted) String() string {
	text := fmt.Sprintf("%s, timer slack %v, memory not locked", g.Class, g.TimerSlack)
	if g.MemoryLocked {
		text = strings.Replace(text, "not locked", "locked", 1)
	}
	if g.Core == nil {
		text += ", no core to itself"
	} else {
		text += fmt.Sprintf(", core %d to itself", *g.Core)
	}
	if g.Refused != nil {
		text += "; refused: " + g.Refused.Error()
	}
	return text
}

// scheduled asks the kernel for the calling thread, which must be locked and end with its goroutine.
func (s Scheduling) scheduled() (Granted, error) {
	var refused []error
	if err := nameThread(); err != nil {
		refused = append(refused, err)
	}
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(timerSlack), 0, 0, 0); err != nil {
		refused = append(refused, fmt.Errorf("timer slack of %v: %w", timerSlack, err))
	}
	if s.Priority > 0 {
		refused = append(refused, takePriority(s.Priority))
	}
	var g Granted
	if s.LockMemory {
		err := lockMemory()
		g.MemoryLocked = err == nil
		refused = append(refused, err)
	}
	if s.Core != nil {
		err := takeCore(*s.Core)
		if err == nil {
			g.Core = s.Core
		}
		refused = append(refused, err)
	}
	g.Refused = inOneLine(refused)
	if err := g.read(); err != nil {
		return g, err
	}
	if s.Required && g.Refused != nil {
		return g, fmt.Errorf("real time is required: %w; or set realtime.want to auto", g.Refused)
	}
	return g, nil
}

// inOneLine joins what is not nil.
func inOneLine(errs []error) (all error) {
	for _, err := range errs {
		switch {
		case all == nil:
			all = err
		case err != nil:
			all = fmt.Errorf("%w; %w", all, err)
		}
	}
	return all
}

func nameThread() error {
	if err := os.WriteFile("/proc/thread-self/comm", []byte(ThreadName), 0); err != nil {
		return fmt.Errorf("naming the tick's thread: %w", err)
	}
	return nil
}

func takePriority(priority int) error {
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Flags: resetOnFork, Priority: uint32(priority)}
	if err := unix.SchedSetAttr(0, &attr, 0); err != nil {
		return fmt.Errorf("SCHED_FIFO %d: %w; allow it with LimitRTPRIO=%d in the unit, or rtprio in limits.conf", priority, err, priority)
	}
	return nil
}

// read asks the kernel what the calling thread has.
func (g *Granted) read() error {
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return fmt.Errorf("reading the scheduling class: %w", err)
	}
	switch attr.Policy {
	case unix.SCHED_FIFO:
		g.Class = fmt.Sprintf("SCHED_FIFO %d", attr.Priority)
		return nil // which knows no slack
	case unix.SCHED_NORMAL:
		g.Class = "SCHED_OTHER"
	default:
		g.Class = fmt.Sprintf("scheduling class %d", attr.Policy)
	}
	slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		return fmt.Errorf("reading the timer slack: %w", err)
	}
	g.TimerSlack = time.Duration(slack)
	return nil
}

// lockMemory keeps pages in memory once they are touched. Touching all at once would fill what Go only reserved.
// Under a limit the next allocation beyond it would end the process, so only no limit will do.
func lockMemory() error {
	const remedy = "allow it with LimitMEMLOCK=infinity in the unit, or memlock in limits.conf"
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return fmt.Errorf("locking memory: reading its limit: %w", err)
	}
	if limit.Cur != unix.RLIM_INFINITY && !mayLockAll() {
		return fmt.Errorf("locking memory: the limit is %d KiB; %s", limit.Cur>>10, remedy)
	}
	if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT); err != nil {
		return fmt.Errorf("locking memory: %w; %s", err, remedy)
	}
	return nil
}

// mayLockAll says whether the process has CAP_IPC_LOCK, for which the limit does not hold.
func mayLockAll() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[0].Effective&(1<<unix.CAP_IPC_LOCK) != 0
}
