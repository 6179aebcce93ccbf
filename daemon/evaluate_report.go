package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"sim2reald/camera"
	"sim2reald/daemon/config"
	"sim2reald/daemon/evaluation"
	"sim2reald/model/bundle"
)

// write prints the report, and writes it where it was asked for.
func (e *evaluator) write(first *worker) error {
	r := e.report(first)
	err := r.WriteText(e.out)
	if e.flags.json == "" {
		return err
	}
	file, createErr := os.Create(e.flags.json)
	if createErr != nil {
		return errors.Join(err, createErr)
	}
	return errors.Join(err, r.WriteJSON(file), file.Close())
}

func (e *evaluator) report(first *worker) evaluation.Report {
	cfg, fact := first.w.cfg, first.w.fact
	r := evaluation.Report{
		Schema: evaluation.Schema, Domain: cfg.Bridge.Domain, Task: cfg.Bridge.Task, Jitter: cfg.Bridge.Jitter, Clock: fact.Clock,
		Rule: fact.SuccessRule, Horizon: fact.HorizonSteps, Engine: first.board.engine, Base: first.board.base,
		Daemon: version, Software: fact.Software, Arms: e.arms(),
	}
	for _, c := range cfg.Cameras {
		r.Cameras = append(r.Cameras, c.Name)
		r.Sources = append(r.Sources, camera.Shown(c.Source))
	}
	if !slices.ContainsFunc(r.Sources, func(s string) bool { return s != config.SourceBridge }) {
		r.Sources = nil
	}
	for _, a := range r.Arms {
		slices.SortFunc(a.Trials, func(a, b evaluation.Trial) int { return int(a.Seed - b.Seed) })
	}
	return r
}

// complain says that trials were void, where nothing else went wrong that would say it better.
func (e *evaluator) complain(runErr error) error {
	if runErr != nil {
		return nil
	}
	all := 0
	for _, h := range e.heats {
		_, _, void := h.arm.Counts()
		all += void
	}
	if all == 0 {
		return nil
	}
	return fmt.Errorf("%d episodes were aborted and do not count; the reasons stand above", all)
}

// record writes the first arm's result into the bundle.
func (e *evaluator) record(first *worker) error {
	arms := e.arms()
	if len(arms) == 0 || e.flags.onlyHolder {
		return errors.New("evaluate: there is no result of the bundle to record")
	}
	n, successes, _ := arms[0].Counts()
	lo, hi := evaluation.Wilson(successes, n)
	result := &bundle.Result{Successes: successes, Episodes: n, Interval: [2]float64{lo, hi}, Jitter: first.w.cfg.Bridge.Jitter}
	for _, t := range arms[0].Trials {
		if !t.Void() {
			result.Seeds = append(result.Seeds, t.Seed)
		}
	}
	path := e.heats[0].file
	b, err := bundle.Load(path)
	if err != nil {
		return err
	}
	if b, err = b.WithResult(result); err != nil {
		return err
	}
	return b.Save(path)
}
