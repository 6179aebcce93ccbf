package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

//go:embed peer/loop.c
var loopC []byte

// compile makes the C program with the machine's own compiler.
func compile(scratch string) (program, says string, err error) {
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		return "", "", fmt.Errorf("compiling the C loop: %w", err)
	}
	program = filepath.Join(scratch, "lateness-loop")
	cmd := exec.Command("cc", "-O2", "-Wall", "-x", "c", "-", "-o", program)
	cmd.Stdin = bytes.NewReader(loopC)
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("compiling the C loop with cc: %w: %s; on Debian: apt-get install build-essential", err, text)
	}
	version, err := exec.Command("cc", "--version").Output()
	if err != nil {
		return "", "", fmt.Errorf("asking cc for its version: %w", err)
	}
	says, _, _ = strings.Cut(string(version), "\n")
	return program, says, nil
}

// runC is a turn of the C program.
func (b *bench) runC(ctx context.Context, p place, turn time.Duration) (*tally, error) {
	cmd := exec.CommandContext(ctx, b.program, fmt.Sprint(p.period().Nanoseconds()), fmt.Sprint(turn.Nanoseconds()),
		fmt.Sprint(b.set.priority), "1", fmt.Sprint(b.set.core))
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("running the C loop: %w", err)
	}
	return readC(text)
}

// readC reads what the C program prints.
func readC(text []byte) (*tally, error) {
	t := new(tally)
	line, late, ok := bytes.Cut(text, []byte("\n"))
	fields := strings.Split(string(line), "|")
	if !ok || len(fields) != 6 {
		return nil, fmt.Errorf("the C loop printed %.80q", line)
	}
	var slack, locked, core, ticks int64
	if _, err := fmt.Sscanf(strings.Join(fields[1:], " "), "%d %d %d %d %d", &slack, &locked, &core, &t.skipped, &ticks); err != nil {
		return nil, fmt.Errorf("the C loop printed %.80q: %w", line, err)
	}
	if int64(len(late)) != 8*ticks {
		return nil, fmt.Errorf("the C loop promised %d ticks and gave %d bytes", ticks, len(late))
	}
	t.class = fmt.Sprintf("%s, timer slack %v, memory %s, no core to itself", fields[0], time.Duration(slack), []string{"not locked", "locked"}[locked&1])
	if core >= 0 {
		t.class = strings.Replace(t.class, "no core", fmt.Sprintf("core %d", core), 1)
	}
	for ; len(late) > 0; late = late[8:] {
		t.lateness.Put(time.Duration(binary.LittleEndian.Uint64(late)))
	}
	return t, nil
}
