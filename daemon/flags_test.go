package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestWrongFlagIsToldInOneLine by the process itself: the flag package writes by itself, and of all flags.
func TestWrongFlagIsToldInOneLine(t *testing.T) {
	for args, want := range map[string]string{
		"evaluate -episodes many":   "sim2reald: evaluate: invalid value \"many\" for flag -episodes: parse error; `sim2reald evaluate -h` lists the flags\n",
		"calibrate check -nonsense": "sim2reald: calibrate check: flag provided but not defined: -nonsense; `sim2reald calibrate check -h` lists the flags\n",
	} {
		cmd := exec.Command(os.Args[0], strings.Fields(args)...)
		said, _ := cmd.CombinedOutput() // its error is the status, which is asked below
		if string(said) != want || cmd.ProcessState.ExitCode() != exitUsage {
			t.Errorf("%s: status %d, %q; want %d, %q", args, cmd.ProcessState.ExitCode(), said, exitUsage, want)
		}
	}
}
