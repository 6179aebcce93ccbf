package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// head says where and when.
func (b *bench) head(out io.Writer) error {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease") // what is not said stays empty
	load, _ := os.ReadFile("/proc/loadavg")
	lastMinute, _, _ := strings.Cut(string(load), " ")
	inference := "absent: " + b.noBrain
	if b.brain != nil {
		inference = b.brain.says
	}
	now := time.Now().UTC().Format(time.RFC3339)
	busy := readTicks().since(b.before)
	lines := []string{
		"wake-up lateness of the control loop, " + now,
		fmt.Sprintf("%s, %d cores, Linux %s, load %s when it ended", cpuName(), runtime.NumCPU(), strings.TrimSpace(string(release)), lastMinute),
		fmt.Sprintf("meanwhile the machine was busy for %.0f %% of the time, and its host took %.1f %% of it away", 100*busy.used, 100*busy.stolen),
		runtime.Version() + "; " + b.cc,
		"inference: " + inference,
		b.set.keptInWords(),
		fmt.Sprintf("%d rounds; the C loop only keeps time, the Go loop is the daemon's, disarmed, and sends each tick's command", b.set.rounds),
	}
	if err := b.journal.write("machine", lines); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, strings.Join(lines, "\n"))
	return err
}

func (s *settings) keptInWords() string {
	if s.core < 0 {
		return "no core is kept for the loops (-core): both run where the kernel puts them"
	}
	return fmt.Sprintf("core %d is kept for the loops: both are pinned to it, and the rest of this run is kept off it, the broker, the inference and the flood", s.core)
}

func cpuName() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	_, after, _ := strings.Cut(string(text), "model name")
	name, _, _ := strings.Cut(strings.TrimLeft(after, "\t :"), "\n")
	return name
}

// ticks are the times that Linux counts for all processors together.
type ticks struct{ all, idle, stolen uint64 }

// readTicks is zero where /proc does not say.
func readTicks() ticks {
	text, _ := os.ReadFile("/proc/stat")
	var user, nice, system, idle, wait, hard, soft, steal uint64
	if _, err := fmt.Sscanf(string(text), "cpu %d %d %d %d %d %d %d %d", &user, &nice, &system, &idle, &wait, &hard, &soft, &steal); err != nil {
		return ticks{}
	}
	return ticks{user + nice + system + idle + wait + hard + soft + steal, idle + wait, steal}
}

// shares are parts of a while.
type shares struct{ used, stolen float64 }

func (t ticks) since(before ticks) shares {
	all := float64(t.all - before.all)
	if all == 0 {
		return shares{}
	}
	stolen := float64(t.stolen-before.stolen) / all
	return shares{used: 1 - float64(t.idle-before.idle)/all - stolen, stolen: stolen}
}
