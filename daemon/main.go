// Command sim2reald runs adapter-equipped vision policies on robot arms.
//
// What belongs in this package: commands (cmd_*.go) and the wiring of configuration to parts (wire.go). What
// does not: anything that a part could know for itself.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

// version is what the daemon calls itself in bundles, reports and topics.
const version = "0.6.0"

// command is one row of the table of contents.
type command struct {
	name, summary string
	run           func(ctx context.Context, args []string) error
}

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

var errUsage = errors.New("usage")

func dispatch(ctx context.Context, args []string) error {
	if len(args) > 0 {
		for _, c := range commands() {
			if c.name == args[0] {
				return c.run(ctx, args[1:])
			}
		}
		if args[0] != "help" && args[0] != "-h" && args[0] != "--help" {
			fmt.Fprintf(os.Stderr, "sim2reald: unknown command %q\n", args[0])
		}
	}
	fmt.Fprintln(os.Stderr, "sim2reald runs adapter-equipped vision policies on robot arms. Commands:")
	for _, c := range commands() {
		fmt.Fprintf(os.Stderr, "  %-9s %s\n", c.name, c.summary)
	}
	fmt.Fprintln(os.Stderr, "`sim2reald COMMAND -h` lists a command's flags.")
	return errUsage
}

// parseFlags parses a command's flags; anything left over is an error that names it. The flag package has
// printed what is wrong already.
func parseFlags(fs *flag.FlagSet, args []string) error {
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("%s: unexpected argument %q; flags begin with -", fs.Name(), fs.Arg(0))
	}
	return nil
}
