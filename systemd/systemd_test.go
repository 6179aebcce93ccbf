// Package systemd_test holds the service's unit to what systemd itself says of it.
//
// What belongs in this folder: files that are installed for the service manager. What does not: code.
package systemd_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func analyze(t *testing.T, args ...string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		if os.Getenv("SIM2REALD_ALL") != "" {
			t.Fatal("SIM2REALD_ALL wants every test, and systemd-analyze is missing; `make setup-test` installs it")
		}
		t.Skip("no systemd-analyze on this machine: the unit is not checked")
	}
	out, err := exec.Command("systemd-analyze", args...).CombinedOutput()
	return string(out), err
}

// unit is a copy of the service that starts a program which is there, so that verify looks at the rest.
func unit(t *testing.T, edit func([]byte) []byte) string {
	t.Helper()
	text, err := os.ReadFile("sim2reald.service")
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("ExecStart=/usr/bin/sim2reald "), []byte("ExecStart=/bin/true "), 1)
	path := filepath.Join(t.TempDir(), "sim2reald.service")
	if err := os.WriteFile(path, edit(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUnitVerifies(t *testing.T) {
	whole := unit(t, func(b []byte) []byte { return b })
	if out, err := analyze(t, "verify", "--man=no", whole); err != nil || strings.Contains(out, "sim2reald.service") {
		t.Errorf("%v: %s", err, out)
	}
	broken := unit(t, func(b []byte) []byte { return append(b, "\n[Service]\nNoSuchKey=1\n"...) })
	if out, _ := analyze(t, "verify", "--man=no", broken); !strings.Contains(out, "NoSuchKey") {
		t.Errorf("an unknown key went unseen: %s", out)
	}
}

// TestUnitIsConfined holds the exposure level below 2.5 of 10, "OK" in systemd's words.
func TestUnitIsConfined(t *testing.T) {
	out, err := analyze(t, "security", "--offline=true", "--threshold=25", unit(t, func(b []byte) []byte { return b }))
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// TestUnitWatches holds what the daemon relies on; that it feeds the watchdog is tested where the daemon is.
func TestUnitWatches(t *testing.T) {
	text, err := os.ReadFile("sim2reald.service")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"Type=notify", "WatchdogSec=1", "WatchdogSignal=SIGABRT", "TimeoutStopSec=5", "Restart=on-failure",
		"RestartPreventExitStatus=78", "StartLimitBurst=3", "LimitRTPRIO=50", "LimitMEMLOCK=infinity",
	} {
		if !bytes.Contains(text, []byte("\n"+line+"\n")) {
			t.Errorf("the unit lacks %s", line)
		}
	}
}
