package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"
)

// conformance has the kit for anyone's bridge judge this project's, on the suite's arm.
func conformance(ctx context.Context, b *bench) outcome {
	var told []string
	var failures []string
	for range attempts {
		sum, said, err := b.kit(ctx, failures...)
		if err != nil {
			return broken(err)
		}
		told = append(told, sum)
		if len(said) == 0 {
			return measured(true, "%s", strings.Join(told, "; once more: "))
		}
		// A check speaks for the daemon, in real time: where this machine takes the kit's time away, it fails by itself.
		failures = nil
		for name, reason := range said {
			failures, told = append(failures, name), append(told, name+": "+reason)
		}
	}
	return measured(false, "%s", strings.Join(told, "; once more: "))
}

// kit runs checks, or all, at a broker of its own, so that nothing is left there by an earlier bridge, and gives its sum, and why by the names of those that failed.
func (b *bench) kit(ctx context.Context, checks ...string) (sum string, failures map[string]string, err error) {
	dir, err := os.MkdirTemp(b.dir, "rig")
	if err != nil {
		return "", nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return "", nil, err
	}
	broker, err := startBroker(ctx, dir, address, "")
	if err != nil {
		return "", nil, err
	}
	defer broker.end(3 * time.Second)
	bridge := fmt.Sprintf("%s daemon/faults/arm.py --broker %s --robot %s --clock realtime --size %d --exit-with-parent", b.python, address, robotName, pictureSize)
	words := []string{"-m", "sim2real_bridge.conformance", "--broker", address, "--robot", robotName, "--start", bridge}
	kit, err := start([]string{"PYTHONPATH=robot/bridge"}, b.python, append(words, checks...)...)
	if err != nil {
		return "", nil, err
	}
	defer kit.end(5 * time.Second)
	if err := kit.wait(2 * time.Minute); err != nil {
		return "", nil, err
	}
	said := kit.said.String()
	failures = map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^FAIL +(\S+) +(.*)$`).FindAllStringSubmatch(said, -1) {
		failures[m[1]] = m[2]
	}
	sum = regexp.MustCompile(`(?m)^\d+ passed, \d+ failed, \d+ skipped$`).FindString(said)
	if sum == "" || (kit.exit() != 0) != (len(failures) > 0) {
		return "", nil, fmt.Errorf("the kit ended with %d: %s", kit.exit(), kit.lastLines(3))
	}
	return sum, failures, nil
}
