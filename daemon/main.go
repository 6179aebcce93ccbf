// Command sim2reald runs adapter-equipped vision policies on robot arms.
//
// What belongs in this package: commands (cmd_*.go) and the wiring of configuration to parts (wire.go). What
// does not: anything that a part could know for itself.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
)

// version is what the daemon calls itself in bundles, reports and topics.
const version = "0.7.0"

func commands() []command {
	return []command{
		{"run", "the service: cameras, policy, joint commands; disarmed until told", cmdRun},
		{"evaluate", "run episodes on the bridge and report the success rate", cmdEvaluate},
		{"collect", "record demonstrations of the bridge's teacher, or of a person", cmdCollect},
		{"dataset", "inspect or export demonstrations, or make those of others readable", cmdDataset},
		{"train", "make a bundle from demonstrations", cmdTrain},
		{"results", "run the rows of the results and make their page", cmdResults},
		{"request", "ask a running daemon: arm, start, hold, stop, home, shadow, acknowledge, or another bundle", cmdRequest},
		{"bundle", "inspect or verify a bundle", cmdBundle},
		{"base", "inspect, verify or add a base", cmdBase},
		{"camera", "list cameras, or probe one: rate, latency, jitter, drops, size, colour", cmdCamera},
		{"calibrate", "measure a rig: a camera's lens, where it is, and the simulator's camera for it", cmdCalibrate},
		{"config", "print the configuration with its defaults and what each key means", cmdConfig},
		{"version", "print the version", cmdVersion},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), stopSignals()...)
	err := dispatch(ctx, os.Args[1:])
	stop()
	status := exitStatus(err)
	if status != 0 && status != exitUsage {
		fmt.Fprintln(os.Stderr, "sim2reald:", err)
	}
	os.Exit(status)
}

func dispatch(ctx context.Context, args []string) error {
	return choose(ctx, "sim2reald", "runs adapter-equipped vision policies on robot arms", commands(), args)
}
