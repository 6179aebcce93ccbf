// Command bench measures this project's engines beside what others would use, in one run, and prints one
// table with the targets beside the figures.
//
// What belongs here: contenders, the order in which they take turns, statistics, and the table. What does
// not: tests (a time is never right or wrong) and anything that the daemon runs.
//
// Every contender does the same work on the same weights and the same picture, which are random: weights are
// written by timm (see peers.py), or drawn straight into the graph where there is no PyTorch. Outputs are held to
// each other; a contender that computes something else counts as wrong, however fast it is.
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

	"sim2reald/model/engine"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run parses, opens what is needed, and goes through everything.
func run(ctx context.Context, args []string, out, errs io.Writer) error {
	s, err := parse(args, errs)
	if err != nil {
		return err
	}
	chosen, err := selected(subjects(), s.only)
	if err != nil {
		return err
	}
	rt, err := engine.Open(s.library)
	if err != nil {
		return err
	}
	l := &lab{runtime: rt, scratch: s.scratch, torch: s.torch, seed: 1, only: s.row,
		noExport: s.gpu || !s.row.MatchString(namePython)}
	if s.resident > 0 {
		return errors.Join(l.occupy(chosen[0], s.resident, out), rt.Close())
	}
	c := &course{lab: l, set: s, out: out, errs: errs}
	if err := c.open(); err != nil {
		return errors.Join(err, rt.Close())
	}
	return errors.Join(c.run(ctx, chosen), c.journal.Close(), rt.Close())
}
