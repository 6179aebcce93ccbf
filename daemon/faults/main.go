package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

func main() {
	if os.Getenv(hog) != "" {
		burn()
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// Under nohup a hangup is ignored by this program and would be by those that it starts; they are to have their own.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	switch err := run(ctx, os.Args[1:], os.Stdout); {
	case errors.Is(err, errFailed):
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(2)
	}
}

// errFailed says that a case failed, which the table has said already.
var errFailed = errors.New("a case failed")

type settings struct {
	binary, python, journal, only string
	full, resume                  bool
}

func parse(args []string) (settings, error) {
	var s settings
	fs := flag.NewFlagSet("faults", flag.ContinueOnError)
	fs.StringVar(&s.binary, "binary", "build/sim2reald", "the daemon `program` that is tested")
	fs.StringVar(&s.python, "python", "build/venv/bin/python", "`interpreter` with the bridge's packages")
	fs.StringVar(&s.journal, "journal", "build/faults.jsonl", "`file` that gets a line for each case and run")
	fs.StringVar(&s.only, "run", "", "run these `cases` alone, such as 38,5,13")
	fs.BoolVar(&s.full, "full", false, "make all runs that the catalogue asks for: hours; goes on where it was stopped")
	fs.BoolVar(&s.resume, "resume", false, "take over what the journal has of this program, as -full does")
	err := fs.Parse(args)
	if err == nil && fs.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q; see -help", fs.Arg(0))
	}
	return s, err
}

func run(ctx context.Context, args []string, out io.Writer) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	chosen, err := choose(cases(), s.only)
	if err != nil {
		return err
	}
	b, err := s.bench()
	if err != nil {
		return err
	}
	defer b.close()
	return b.all(ctx, chosen, out)
}

// choose takes the cases of a list, or all for an empty one.
func choose(all []faultCase, list string) ([]faultCase, error) {
	if list == "" {
		return all, nil
	}
	var chosen []faultCase
	for _, id := range strings.Split(list, ",") {
		i := slices.IndexFunc(all, func(c faultCase) bool { return c.id == id })
		if i < 0 {
			return nil, fmt.Errorf("-run: there is no case %q", id)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

func (s settings) bench() (*bench, error) {
	digest, err := fileDigest(s.binary)
	if err != nil {
		return nil, fmt.Errorf("%w; run `make build`", err)
	}
	if _, err := os.Stat(s.python); err != nil {
		return nil, fmt.Errorf("%w; run `make setup`, and start this in the repository's root", err)
	}
	b := &bench{binary: s.binary, python: s.python, full: s.full}
	if b.dir, err = os.MkdirTemp("", "faults"); err != nil {
		return nil, err
	}
	counts := "reduced"
	if s.full {
		counts = "full"
	}
	b.log, err = openJournal(s.journal, digest[:16]+" "+counts, s.full || s.resume)
	return b, err
}

func fileDigest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (b *bench) close() {
	_ = b.log.Close()
	_ = os.RemoveAll(b.dir)
}

// all runs the cases in order, says each as it comes, and then the table.
func (b *bench) all(ctx context.Context, chosen []faultCase, out io.Writer) error {
	outcomes := make([]outcome, len(chosen))
	for i, c := range chosen {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		fmt.Fprintf(out, "[%d of %d] %s %s ... ", i+1, len(chosen), c.id, c.name)
		began := time.Now()
		outcomes[i] = b.one(ctx, c)
		took := time.Since(began).Seconds()
		fmt.Fprintf(out, "%s, %.1f s: %s\n", outcomes[i].Verdict, took, outcomes[i].Measured)
		if err := b.log.put(row{Case: c.id, Seconds: took, outcome: outcomes[i]}); err != nil {
			return err
		}
	}
	return report(out, chosen, outcomes)
}

// one runs a case in a scratch folder of its own, unless the journal says that it has passed.
func (b *bench) one(ctx context.Context, c faultCase) outcome {
	if before, ok := b.log.passed(c.id); ok {
		return before
	}
	o := c.run(ctx, b)
	for n := 1; o.void && n < attempts; n++ {
		void := o.Measured
		if o = c.run(ctx, b); !o.void {
			o.Measured += fmt.Sprintf(" (at attempt %d; before: %s)", n+1, void)
		}
	}
	_ = removeRigs(b.dir)
	return o
}

// removeRigs leaves the suite's policy and takes away what the cases left: their logs are large.
func removeRigs(dir string) error {
	old, err := filepath.Glob(filepath.Join(dir, "rig*"))
	for _, path := range old {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}

// report writes the table and, as the last line, the sums.
func report(out io.Writer, chosen []faultCase, outcomes []outcome) error {
	fmt.Fprintln(out)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "case\tfault\tasked\tmeasured\tverdict")
	sums := map[string]int{}
	for i, c := range chosen {
		o := outcomes[i]
		sums[o.Verdict]++
		fmt.Fprintf(table, "%s %s\t%s\t%s\t%s\t%s\n", c.id, c.kind, c.name, c.asked, cell(o.Measured), o.Verdict)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d passed, %d failed, %d skipped\n", sums[passed], sums[failed], sums[skipped])
	if sums[failed] > 0 {
		return errFailed
	}
	return nil
}

// cell keeps a column narrow; the line of the case's progress and the journal have the whole.
func cell(text string) string {
	const widest = 160
	if r := []rune(text); len(r) > widest {
		return string(r[:widest]) + "..."
	}
	return text
}
