package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"sim2reald/camera"
	"sim2reald/daemon/evaluation"
	"sim2reald/daemon/recording"
	"sim2reald/daemon/topic"
	"sim2reald/model/bundle"
	"sim2reald/robot"
)

// openFiles opens what an evaluation writes while it runs. The first worker says what everything runs on.
func (e *evaluator) openFiles(first *worker) error {
	if err := e.openJournal(first); err != nil {
		return err
	}
	if e.flags.commands == "" {
		return nil
	}
	var err error
	tell := func(err error) { e.log.Error("the evaluation goes on without its record", "cause", err) }
	if e.commands, err = recording.Create(e.flags.commands, tell); err != nil {
		return errors.Join(err, e.closeFiles())
	}
	return nil
}

func (e *evaluator) closeFiles() error {
	var errs []error
	if e.journal != nil {
		errs = append(errs, e.journal.Close())
	}
	if e.commands != nil {
		errs = append(errs, e.commands.Close())
	}
	return errors.Join(errs...)
}

// journalOf is the journal beside a report.
func journalOf(report string) string { return strings.TrimSuffix(report, ".json") + ".jsonl" }

// openJournal takes over the trials of an evaluation of the same things that did not come to its end.
func (e *evaluator) openJournal(first *worker) error {
	if e.flags.json == "" {
		return nil
	}
	id, err := e.identity(first)
	if err != nil {
		return err
	}
	path := journalOf(e.flags.json)
	if e.journal, err = evaluation.OpenJournal(path, id); err != nil {
		return err
	}
	for _, entry := range e.journal.Entries() {
		e.takeOver(entry)
	}
	if n := len(e.journal.Entries()); n > 0 {
		fmt.Fprintf(e.out, "going on after %d trials in %s\n", n, path)
	}
	return nil
}

// takeOver counts a trial that was run before. A void one is run again.
func (e *evaluator) takeOver(entry evaluation.Entry) {
	for _, h := range e.heats {
		at := entry.Seed - e.flags.first
		wanted := h.episodes == 0 || at < h.episodes
		if h.name == entry.Arm && h.shift == entry.Shift && wanted && !entry.Void() && !h.ended[entry.Seed] {
			h.ended[entry.Seed] = true
			h.arm.Trials = append(h.arm.Trials, entry.Trial)
		}
	}
}

// identity is all that a trial depends on. How many there are is no part of it: more may be asked for later.
func (e *evaluator) identity(first *worker) (evaluation.Identity, error) {
	software, err := json.Marshal(first.w.fact.Software)
	if err != nil {
		return nil, err
	}
	cfg := first.w.cfg
	var cameras []string
	for _, c := range cfg.Cameras {
		cameras = append(cameras, c.Name+" from "+camera.Shown(c.Source))
	}
	fact, bridge := first.w.fact, cfg.Bridge
	id := evaluation.Identity{
		"domain": bridge.Domain, "task": bridge.Task, "jitter": bridge.Jitter, "cameras": strings.Join(cameras, ", "),
		"clock": fact.Clock, "horizon": strconv.Itoa(fact.HorizonSteps), "success rule": fact.SuccessRule, "first seed": strconv.FormatInt(e.flags.first, 10),
		"engine": first.brain.describe().String(), "base": first.board.base, "daemon": version, "software": string(software),
	}
	if p := cfg.Policy; p.Ensemble > 1 { // journals of before there were any go on
		id["ensemble"] = fmt.Sprintf("%d, decay %g", p.Ensemble, p.EnsembleDecay)
	}
	for _, h := range e.heats {
		b, err := bundle.Load(h.file)
		if err != nil {
			return nil, err
		}
		id["arm "+h.name] = b.Digest()
	}
	return id, nil
}

// keep keeps one trial as it ends, on the disk first.
func (k *worker) keep(h *heat, t evaluation.Trial) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.journal != nil {
		if err := k.journal.Put(evaluation.Entry{Arm: h.name, Shift: h.shift, Trial: t}); err != nil {
			return err
		}
	}
	h.arm.Trials = append(h.arm.Trials, t)
	k.tell(h, t)
	return nil
}

// tell prints one trial.
func (k *worker) tell(h *heat, t evaluation.Trial) {
	n, successes, _ := h.arm.Counts()
	last := fmt.Sprintf("seed %d: %s after %d steps", t.Seed, t.Outcome, t.Steps)
	if t.Reason != "" {
		last += " (" + t.Reason + ")"
	}
	of := ""
	if k.flags.workers > 1 {
		of = h.title() + ", "
	}
	fmt.Fprintf(k.out, "  %s%s, %.1f s; %d of %d\n", of, last, t.Wall, successes, n)
	k.board.scored(h.arm, last, "done")
}

// void tells of the trial that ended the evaluation before its own end.
func (k *worker) void(h *heat, t evaluation.Trial) {
	k.mu.Lock()
	defer k.mu.Unlock()
	h.arm.Trials = append(h.arm.Trials, t)
	last := fmt.Sprintf("seed %d: %s, which does not count", t.Seed, t.Reason)
	fmt.Fprintf(k.out, "  %s\n", last)
	k.board.scored(h.arm, last, h.title()+": ended")
}

// auditCommand writes one command as it was sent.
func (k *worker) auditCommand(msg topic.JointCommand, _ *robot.State) {
	if k.commands != nil {
		k.commands.Put(msg)
	}
}
