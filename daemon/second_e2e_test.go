package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// refusesASecond starts another daemon for the same robot: it ends, and names the one that commands.
func (s *service) refusesASecond(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 60*time.Second)
	defer stop()
	path := configFile(t, fmt.Sprintf("mqtt: {broker: %q}\nweb: {listen: %q}\n", s.address, freePort(t)))
	cmd := exec.CommandContext(ctx, os.Args[0], "run", "-config", path)
	out, err := cmd.CombinedOutput()
	want := fmt.Sprintf("lease: held by sim2reald %s on ", version)
	if err == nil || !strings.Contains(string(out), want) || !strings.Contains(string(out), fmt.Sprintf("process %d ", s.daemon.Process.Pid)) {
		t.Errorf("a second daemon: %v\n%s", err, out)
	}
}
