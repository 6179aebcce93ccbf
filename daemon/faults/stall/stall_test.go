package stall

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestThread(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	pid := cmd.Process.Pid
	becomes(t, pid, "S") // it has become sleep, and sleeps
	if _, err := Thread(pid, "nobody"); err == nil || !strings.Contains(err.Error(), "has no thread called nobody") {
		t.Errorf("a thread that is not there: %v", err)
	}
	letGo, err := Thread(pid, "sleep")
	if err != nil {
		t.Fatal(err)
	}
	becomes(t, pid, "t")
	letGo()
	becomes(t, pid, "S")
	if letGo, err = Thread(pid, "sleep"); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("a stopped process cannot be ended: %v", err)
	}
	letGo()
}

// becomes waits for a state of a process, as /proc names it.
func becomes(t *testing.T, pid int, want string) {
	t.Helper()
	got := ""
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); <-time.After(5 * time.Millisecond) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(text), ") ")
		if got, _, _ = strings.Cut(after, " "); got == want && strings.Contains(string(text), "(sleep)") {
			return
		}
	}
	t.Fatalf("process %d is %s, want %s", pid, got, want)
}
