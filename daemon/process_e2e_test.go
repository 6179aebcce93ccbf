package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"sim2reald/daemon/config"
)

// bridgeProcess starts the simulated workcell as a child of the test.
func bridgeProcess(t *testing.T, cfg config.Config, broker string) *exec.Cmd {
	t.Helper()
	b := cfg.Bridge
	cmd := exec.Command(pythonOf(b), append(slices.Clone(b.Command[1:]), "--broker", broker, "--robot", cfg.Robot.Name,
		"--domain", b.Domain, "--task", b.Task, "--clock", b.Clock, "--exit-with-parent")...)
	cmd.Stderr = testWriter{t}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(cmd) })
	return cmd
}

// kill ends a process and waits for it; one that has ended already is as good.
func kill(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// children are the processes that a process has started.
func children(t *testing.T, pid int) []int {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // that thread has ended
		}
		for _, f := range bytes.Fields(text) {
			child, err := strconv.Atoi(string(f))
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, child)
		}
	}
	return pids
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// configFile writes a configuration for another process.
func configFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sim2reald.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// wait is a process's end, or a failed test.
func wait(t *testing.T, cmd *exec.Cmd, patience time.Duration) error {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(patience):
		t.Fatalf("process %d did not end within %v", cmd.Process.Pid, patience)
		return nil
	}
}
