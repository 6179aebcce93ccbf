// Command lateness measures how late the control loop wakes up, beside the same loop in C, and how long a picture
// takes to become a command beyond the inference itself. Both take turns in one run, idle, with inference in the same
// process, with a flood of messages on the broker in the same process, and with both.
//
// What belongs here: the order of the turns, the load beside them, the C program, and the table. What does not: the
// loop, which is daemon/control's as it is, and tests: a time is never right or wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"sim2reald/daemon/control"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "lateness:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, errs io.Writer) (err error) {
	s, err := parse(args, errs)
	if err != nil {
		return err
	}
	if s.as != "" {
		return child(s.as, s.broker, os.Stdin, out)
	}
	if err := control.QuietRuntime(); err != nil { // as the daemon has it
		return err
	}
	b, err := openBench(s, errs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.run(ctx); err != nil {
		return err
	}
	return b.report(out)
}
