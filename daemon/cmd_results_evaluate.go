package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"sim2reald/daemon/evaluation"
	"sim2reald/daemon/results"
	"sim2reald/model/bundle"
)

// rowEvaluation is one bundle of a row under one shift.
type rowEvaluation struct {
	*trained
	file     string
	epoch    int
	last     bool
	shift    string
	episodes int
}

func (e *rowEvaluation) key() results.Key {
	return results.Key{TrainingSeed: e.seed, Epoch: e.epoch, Shift: e.shift}
}

// evaluations are those of a training that the row wants: its end under each shift, then the checkpoints before.
func (r *rowRun) evaluations(t *trained) ([]rowEvaluation, error) {
	wanted := r.job.Experiment.Evaluation
	var all []rowEvaluation
	for _, shift := range wanted.Shifts {
		all = append(all, rowEvaluation{t, t.bundle, t.report.Epochs, true, shift, wanted.Episodes})
	}
	earlier := slices.DeleteFunc(slices.Clone(t.report.Snapshots), func(s snapshot) bool { return s.Epoch >= t.report.Epochs })
	n := r.job.EarlierWanted()
	if len(earlier) < n {
		return nil, fmt.Errorf("%d checkpoints before epoch %d are kept, and %d wanted; let the row's every be shorter", len(earlier), t.report.Epochs, n)
	}
	for _, s := range earlier[len(earlier)-n:] {
		all = append(all, rowEvaluation{t, s.File, s.Epoch, false, wanted.Shifts[0], wanted.CheckpointEpisodes})
	}
	return all, nil
}

// evaluate runs the episodes that are left, and says what came of all of them.
func (r *rowRun) evaluate(ctx context.Context, e rowEvaluation) (*results.Record, error) {
	dir := filepath.Join(r.flags.work, r.job.Name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	path, err := r.configFor(r.job, dir)
	if err != nil {
		return nil, err
	}
	b, err := bundle.Load(e.file)
	if err != nil {
		return nil, err
	}
	report := filepath.Join(dir, fmt.Sprintf("seed%d-epoch%d-%s-%s.json", e.seed, e.epoch, e.shift, r.job.Settings()))
	first := r.job.Experiment.Evaluation.FirstSeed
	fmt.Fprintf(r.out, "results: %s: training seed %d, epoch %d, shift %s\n", r.job.Name, e.seed, e.epoch, e.shift)
	err = r.child(ctx, []string{"evaluate", "-config", path, "-bundle", e.file, "-seed", strconv.FormatInt(first, 10), "-episodes", strconv.Itoa(e.episodes),
		"-shift", e.shift, "-json", report, "-page=false", "-workers", strconv.Itoa(r.flags.workers)})
	if err != nil || ctx.Err() != nil {
		return nil, err
	}
	return r.record(e, b, report)
}

// record is what a report says, with what the training said.
func (r *rowRun) record(e rowEvaluation, b *bundle.Bundle, path string) (*results.Record, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var report evaluation.Report
	if err := json.Unmarshal(text, &report); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	first := r.job.Experiment.Evaluation.FirstSeed
	outcomes, err := outcomesOf(report, first, e.episodes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	m := &b.Manifest
	record := &results.Record{
		Row: r.job.Name, Settings: r.job.Settings(), TrainingSeed: e.seed, Epoch: e.epoch, Last: e.last, Shift: e.shift,
		FirstSeed: first, Outcomes: outcomes, Data: m.Training.DataDigest, Bundle: b.Digest(), Base: report.Base, Engine: report.Engine, Drawn: report.Software["gl"],
		Trainer: cmp.Or(m.Training.Trainer, e.report.Method), TrainMinutes: e.report.Minutes, FirstLoss: m.Training.FirstLoss, LastLoss: m.Training.LastLoss, HeldOutLoss: m.Training.ValidationLoss,
		Daemon: version, Commit: r.flags.commit, Date: time.Now().UTC().Format(time.DateOnly), CPU: cpuModel(),
	}
	for _, n := range e.report.Trained {
		record.Trainable += n
	}
	return record, nil
}

// outcomesOf are a report's, by seed. A report that lacks one is refused: figures are of the same episodes.
func outcomesOf(r evaluation.Report, first int64, episodes int) (string, error) {
	if len(r.Arms) != 1 {
		return "", fmt.Errorf("%d arms in the report, want the bundle's alone", len(r.Arms))
	}
	by := map[int64]byte{}
	for _, t := range r.Arms[0].Trials {
		switch {
		case t.Void():
		case t.Success():
			by[t.Seed] = '1'
		default:
			by[t.Seed] = '0'
		}
	}
	var out []byte
	for seed := first; seed < first+int64(episodes); seed++ {
		c, ok := by[seed]
		if !ok {
			return "", fmt.Errorf("seed %d has no trial that counts; run the row again", seed)
		}
		out = append(out, c)
	}
	return string(out), nil
}
