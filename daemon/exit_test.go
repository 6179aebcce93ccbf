package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestExitStatus(t *testing.T) {
	wrong, crowded := configFile(t, "engine: {threads: -1}\n"), configFile(t, "engine: {threads: 256}\nrealtime: {core: 0}\n")
	for _, c := range []struct {
		args []string
		want int
	}{
		{[]string{"config"}, 0}, {[]string{"run", "-h"}, 0}, {[]string{"dance"}, exitUsage}, {[]string{"run", "-x"}, exitUsage},
		{[]string{"run", "-config", wrong}, exitConfig}, {[]string{"run", "-config", "nowhere.yaml"}, exitConfig},
		{[]string{"run", "-config", crowded}, exitConfig},
		{[]string{"bundle", "inspect", "nowhere"}, exitFailed},
	} {
		daemon, stderr := watched(t, c.args...)
		_ = wait(t, daemon, 20*time.Second)
		lines := strings.Count(strings.TrimSpace(stderr.String()), "\n") + 1
		if got := daemon.ProcessState.ExitCode(); got != c.want || slices.Contains([]int{exitConfig, exitFailed}, c.want) && lines != 1 {
			t.Errorf("%v ends with %d, want %d, and one line: %s", c.args, got, c.want, stderr)
		}
	}
}

// TestRunRefusesItsEnvironment has what would only show in motion.
func TestRunRefusesItsEnvironment(t *testing.T) {
	for _, c := range []struct{ key, value, want string }{
		{"GOGC", "off", "GOGC=off: garbage would be collected only at a limit"},
		{"WATCHDOG_USEC", "100000", "WATCHDOG_USEC: 100ms is too short"},
		{"WATCHDOG_USEC", "soon", "WATCHDOG_USEC: "},
	} {
		t.Run(c.key, func(t *testing.T) {
			t.Setenv(c.key, c.value)
			daemon, stderr := watched(t, "run")
			_ = wait(t, daemon, 20*time.Second)
			if got := daemon.ProcessState.ExitCode(); got != exitConfig || !strings.Contains(stderr.String(), c.want) {
				t.Errorf("ends with %d: %s", got, stderr)
			}
		})
	}
}
