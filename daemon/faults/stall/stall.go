// Package stall stops one thread of another process, as a deadlock would: the rest of the process goes on. Nothing in
// that process has to know of it.
//
// What belongs here: what tests need to stop a thread. What does not: anything that the daemon runs.
package stall

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Thread stops the thread of that name in a process, which must be a child of the caller, or the caller root. It stays
// stopped until let go, or until its process has ended. The error says why there is none to be stopped.
func Thread(pid int, name string) (letGo func(), err error) {
	tid, err := find(pid, name)
	if err != nil {
		return nil, err
	}
	attached, release, released := make(chan error), make(chan struct{}), make(chan struct{})
	go func() {
		runtime.LockOSThread() // a thread is traced by a thread, and this one ends with the goroutine
		err := attach(tid)
		attached <- err
		if err == nil {
			keep(tid, release)
			close(released)
		}
	}()
	if err := <-attached; err != nil {
		return nil, fmt.Errorf("stopping thread %s of process %d: %w", name, pid, err)
	}
	return func() { close(release); <-released }, nil
}

// keep returns once the thread is let go or has ended, and was waited for: until then its process has not ended either.
func keep(tid int, release <-chan struct{}) {
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case <-release:
			_ = unix.PtraceDetach(tid) // unless it has ended just now
			return
		case <-poll.C:
		}
		var status unix.WaitStatus
		if got, err := unix.Wait4(tid, &status, unix.WALL|unix.WNOHANG, nil); err != nil || got == tid && (status.Exited() || status.Signaled()) {
			return
		}
	}
}

// attach returns once the thread stands.
func attach(tid int) error {
	if err := unix.PtraceSeize(tid); err != nil {
		return err
	}
	if err := unix.PtraceInterrupt(tid); err != nil {
		return err
	}
	var status unix.WaitStatus
	_, err := unix.Wait4(tid, &status, unix.WALL, nil)
	return err
}

// find is the id of the one thread of that name.
func find(pid int, name string) (int, error) {
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/comm", pid))
	if err != nil {
		return 0, err
	}
	found := 0
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil || strings.TrimSpace(string(text)) != name {
			continue // another, or it has ended meanwhile
		}
		if found != 0 {
			return 0, fmt.Errorf("process %d has several threads called %s", pid, name)
		}
		if found, err = strconv.Atoi(filepath.Base(filepath.Dir(path))); err != nil {
			return 0, err
		}
	}
	if found == 0 {
		return 0, fmt.Errorf("process %d has no thread called %s", pid, name)
	}
	return found, nil
}
