package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// childPatience is how long a command may take to end after it was asked to: training writes what it knows.
const childPatience = 3 * time.Minute

// runSelf runs a command of this program in a process of its own: its memory is given back at its end, and what
// kills it leaves the rest. It ends with this process, however that ends, and an interruption is no error.
func runSelf(ctx context.Context, args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "results: sim2reald", strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	// Its own group: Ctrl-C in a terminal reaches this process alone, which then asks the child.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = childPatience
	// The death signal follows the thread that started the child, which must not end before it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Run(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("sim2reald %s: %w; what it said stands above", args[0], err)
	}
	return nil
}

// lockFolder keeps a second process out of a folder, which is made.
func lockFolder(dir string) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: another process runs results there (%w); wait for it, or name another -work", dir, err), f.Close())
	}
	return f.Close, nil
}

// cpuModel is what Linux calls the processor, with the number of cores.
func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // without it the name is unknown
	_, after, _ := strings.Cut(string(text), "model name")
	name, _, _ := strings.Cut(strings.TrimLeft(after, "\t :"), "\n")
	return fmt.Sprintf("%s, %d cores", cmp.Or(name, "unknown"), runtime.NumCPU())
}
