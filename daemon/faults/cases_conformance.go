package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"time"
)

// conformance has the kit for anyone's bridge judge this project's, on the suite's arm.
func conformance(ctx context.Context, b *bench) outcome {
	dir, err := os.MkdirTemp(b.dir, "rig")
	if err != nil {
		return broken(err)
	}
	address, err := freeAddress()
	if err != nil {
		return broken(err)
	}
	broker, err := startBroker(ctx, dir, address, "")
	if err != nil {
		return broken(err)
	}
	defer broker.end(3 * time.Second)
	first, failures, err := b.kit(address)
	if err != nil || len(failures) == 0 {
		return kitOutcome(first, err)
	}
	// A check speaks for the daemon, with a lease of 300 ms: where this machine takes the kit's time away, it fails.
	second, still, err := b.kit(address, failures...)
	if err != nil {
		return broken(err)
	}
	return measured(len(still) == 0, "%s; once more, %v: %s", first, failures, second)
}

func kitOutcome(sum string, err error) outcome {
	if err != nil {
		return broken(err)
	}
	return measured(true, "%s", sum)
}

// kit runs checks, or all, and gives its sum and the names of those that failed.
func (b *bench) kit(address string, checks ...string) (sum string, failures []string, err error) {
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
	for _, m := range regexp.MustCompile(`(?m)^FAIL +(\S+)`).FindAllStringSubmatch(said, -1) {
		failures = append(failures, m[1])
	}
	sum = regexp.MustCompile(`(?m)^\d+ passed, \d+ failed, \d+ skipped$`).FindString(said)
	if sum == "" || (kit.exit() != 0) != (len(failures) > 0) {
		return "", nil, fmt.Errorf("the kit ended with %d: %s", kit.exit(), kit.lastLines(3))
	}
	return sum, failures, nil
}
