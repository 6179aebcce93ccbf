package control

import (
	"errors"
	"os"
	"runtime"
	"runtime/debug"
)

const (
	// heapGrowth is how much garbage may gather beside what is alive until it is collected, in percent. Go's 100 would
	// collect several times a second under a flood of messages; each collection takes time from the tick.
	heapGrowth = 400
	// spareProcessors are those that Go may use beyond the machine's. A thread that wakes up needs one to go on in Go,
	// and with none to spare the tick waits until some other goroutine, which the kernel may have put aside for the
	// tick itself, gives its own up.
	spareProcessors = 6
)

// QuietRuntime makes Go's runtime get in the tick's way less often: garbage is collected less often, and a processor is
// free when the tick wakes up. GOGC and GOMAXPROCS in the environment go before. It refuses GOGC=off: at a limit of
// memory that collects without end, and stops everything for as long as 0.4 s (golang/go#73835).
func QuietRuntime() error {
	before := debug.SetGCPercent(heapGrowth)
	if os.Getenv("GOGC") != "" {
		debug.SetGCPercent(before)
		if before < 0 {
			return errors.New("GOGC=off: garbage would be collected only at a limit, and then without end; leave GOGC out, or give it a number")
		}
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.NumCPU() + spareProcessors)
	}
	return nil
}
