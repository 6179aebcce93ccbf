package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"sim2reald/daemon/results"
)

// resultsFlags are the command's wishes.
type resultsFlags struct {
	config, rows, work, row string
	bundles                 string
	commit                  string
	train                   string
	seed                    int64
	workers                 int
	list, page              bool
}

func (f *resultsFlags) set(fs *flag.FlagSet) {
	fs.StringVar(&f.config, "config", "", "configuration `file`, for the engine and the bridge's command; none means the defaults")
	fs.StringVar(&f.rows, "rows", "model/results/rows.yaml", "`file` of experiments; records and page are beside it")
	fs.StringVar(&f.work, "work", "build/results", "`folder` of demonstrations, bundles and trials, from which a row that was stopped goes on")
	fs.StringVar(&f.bundles, "bundles", "model/bundles", "`folder` of bundles that are kept: one whose digest is in a row's records is not trained again")
	fs.StringVar(&f.row, "row", "", "run this `row`, or all rows of this experiment: demonstrations, training, evaluation, record and page")
	fs.Int64Var(&f.seed, "training-seed", 0, "of a row, run this training `seed` alone; 0 is all of the row's")
	fs.StringVar(&f.commit, "commit", "unknown", "`revision` of this source, for the records")
	fs.StringVar(&f.train, "train", "", "`flags` of train that say who computes, like \"-trainer torch -python PYTHON -tf32\"; the recipe is the row's, and the records say who trained")
	fs.IntVar(&f.workers, "workers", 2, "`simulators` side by side in an evaluation")
	fs.BoolVar(&f.list, "list", false, "list the rows in order of worth, and what is done of each")
	fs.BoolVar(&f.page, "page", false, "make the page from the records")
}

// cmdResults runs rows of the results and makes their page.
func cmdResults(ctx context.Context, args []string) error {
	var f resultsFlags
	fs := flag.NewFlagSet("results", flag.ContinueOnError)
	f.set(fs)
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	plan, err := results.Read(f.rows)
	if err != nil {
		return err
	}
	switch {
	case f.row != "":
		return runRows(ctx, f, plan, os.Stderr)
	case f.page:
		return makePage(f, plan)
	case f.list:
		return listRows(f, plan, os.Stdout)
	}
	return errors.New("results: say -list, -row NAME or -page")
}

// folder is where records and page are.
func (f resultsFlags) folder() string { return filepath.Dir(f.rows) }

func listRows(f resultsFlags, plan *results.Plan, out io.Writer) error {
	for _, j := range plan.Jobs() {
		s, err := results.Stand(f.folder(), j)
		if err != nil {
			return err
		}
		done, wanted := s.Progress()
		note := ""
		if s.Stale > 0 {
			note = fmt.Sprintf("; %d records of other settings", s.Stale)
		}
		e := j.Experiment
		fmt.Fprintf(out, "%s  %-28s %3d of %3d  %s %s, %s, %s%s\n", j.Part, j.Name, done, wanted, e.Domain, e.Task, e.Base.Family, j.Label, note)
	}
	return nil
}

func makePage(f resultsFlags, plan *results.Plan) error {
	page, err := results.MakePage(plan, f.folder())
	if err != nil {
		return err
	}
	return page.Write(f.folder())
}

// runRows runs what is named, one row after another.
func runRows(ctx context.Context, f resultsFlags, plan *results.Plan, out io.Writer) (err error) {
	jobs, err := plan.Named(f.row)
	if err != nil {
		return err
	}
	cfg, err := loadConfig(f.config)
	if err != nil {
		return err
	}
	unlock, err := lockFolder(f.work)
	if err != nil {
		return err
	}
	defer closing(&err, unlock)
	for _, j := range jobs {
		r := &rowRun{flags: f, cfg: cfg, plan: plan, job: j, out: out, child: runSelf}
		if err := r.run(ctx); err != nil {
			return fmt.Errorf("row %s: %w", j.Name, err)
		}
		if ctx.Err() != nil {
			fmt.Fprintln(out, "results: interrupted; the same command goes on")
			return nil
		}
	}
	return nil
}
