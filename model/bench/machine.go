package main

import (
	"bufio"
	"bytes"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// describeMachine reads what Linux says of itself; what it does not say stays empty.
func describeMachine(now time.Time) machine {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	cpuinfo, _ := os.ReadFile("/proc/cpuinfo")
	meminfo, _ := os.ReadFile("/proc/meminfo")
	loadavg, _ := os.ReadFile("/proc/loadavg")
	lastMinute, _, _ := strings.Cut(string(loadavg), " ")
	load, _ := strconv.ParseFloat(lastMinute, 64)
	return machine{
		Date:    now.UTC().Format(time.RFC3339),
		CPU:     procField(cpuinfo, "model name"),
		Cores:   runtime.NumCPU(),
		MemoryB: procBytes(meminfo, "MemTotal"),
		Kernel:  "Linux " + strings.TrimSpace(string(release)),
		Load:    load,
		Says:    []string{runtime.Version()},
	}
}

// procField is the first "key: value" of a file of /proc.
func procField(text []byte, key string) string {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		k, v, ok := strings.Cut(lines.Text(), ":")
		if ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// procBytes is a field in "kB", as bytes; 0 if it is not there.
func procBytes(text []byte, key string) int64 {
	n, err := strconv.ParseInt(strings.TrimSuffix(procField(text, key), " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}

// resident is this process's memory in use, in bytes.
func resident() (int64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	return procBytes(text, "VmRSS"), nil
}
