package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"sim2reald/daemon/config"
	"sim2reald/daemon/results"
	"sim2reald/model/bundle"
	"sim2reald/model/dataset"
	"sim2reald/model/train"
)

// rowRun runs one row through its stages, each by the command that a person would give, so that each can be
// stopped and gone on with. Files of a row lie in the folder of its name under work; demonstrations are shared.
type rowRun struct {
	flags resultsFlags
	cfg   config.Config // of the engine and the bridge's command
	plan  *results.Plan
	job   results.Job
	out   io.Writer
	child func(ctx context.Context, args []string) error
}

// run does what is left of the row, records each evaluation and makes the page anew after each.
func (r *rowRun) run(ctx context.Context) error {
	standing, err := results.Stand(r.flags.folder(), r.job)
	if err != nil {
		return err
	}
	if standing.Stale > 0 {
		return fmt.Errorf("%s holds %d records of other settings than %s has now; take them out, or give the row another name",
			results.RecordsFile(r.flags.folder(), r.job.Name), standing.Stale, r.flags.rows)
	}
	seeds, err := r.seeds()
	if err != nil {
		return err
	}
	for _, seed := range seeds {
		if standing.DoneFor(seed) {
			continue // perhaps on another machine, whose bundle is not here
		}
		if err := r.training(ctx, standing, seed); err != nil || ctx.Err() != nil {
			return err
		}
	}
	done, wanted := standing.Progress()
	fmt.Fprintf(r.out, "results: %s: %d of %d evaluations done\n", r.job.Name, done, wanted)
	return makePage(r.flags, r.plan)
}

// seeds are the training seeds to run: the row's, or the one that was asked for.
func (r *rowRun) seeds() ([]int64, error) {
	all, one := r.job.Experiment.TrainingSeeds, r.flags.seed
	if one == 0 {
		return all, nil
	}
	if !slices.Contains(all, one) {
		return nil, fmt.Errorf("-training-seed %d: the row has %v; name one of them, or leave it out for all", one, all)
	}
	return []int64{one}, nil
}

// training is one training seed: its bundle, and its evaluations.
func (r *rowRun) training(ctx context.Context, standing *results.Standing, seed int64) error {
	t, err := r.trained(ctx, seed)
	if err != nil || ctx.Err() != nil {
		return err
	}
	evaluations, err := r.evaluations(t)
	if err != nil {
		return err
	}
	for _, e := range evaluations {
		if standing.Has(e.key(), e.episodes) {
			continue
		}
		record, err := r.evaluate(ctx, e)
		if err != nil || ctx.Err() != nil {
			return err
		}
		if err := errors.Join(results.Append(r.flags.folder(), *record), makePage(r.flags, r.plan)); err != nil {
			return err
		}
		standing.Records = append(standing.Records, *record)
	}
	return nil
}

// trainer is the job whose bundles this one evaluates.
func (r *rowRun) trainer() (results.Job, error) {
	jobs, err := r.plan.Named(r.job.Trained)
	if err != nil {
		return results.Job{}, err
	}
	return jobs[0], nil
}

// trained is a finished training.
type trained struct {
	job    results.Job
	seed   int64
	bundle string
	report trainReport
}

// trained makes demonstrations and bundle where they are not there yet. What was trained with other flags is
// refused by its name, which holds the settings.
func (r *rowRun) trained(ctx context.Context, seed int64) (*trained, error) {
	job, err := r.trainer()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(r.flags.work, job.Name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	stem := filepath.Join(dir, fmt.Sprintf("%s-seed%d-%s", job.Name, seed, job.Settings()))
	t := &trained{job: job, seed: seed, bundle: stem + ".safetensors"}
	if done, err := t.read(stem + ".train.json"); err != nil || done {
		return t, err
	}
	if kept, err := r.kept(t); err != nil || kept {
		return t, err
	}
	path, err := r.configFor(job, dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(r.flags.work, "demonstrations", demonstrationsOf(job))
	if err := r.collected(ctx, job, path, data); err != nil || ctx.Err() != nil {
		return t, err
	}
	if err := r.child(ctx, r.trainArgs(t, path, data, stem+".train.json")); err != nil || ctx.Err() != nil {
		return t, err
	}
	if done, err := t.read(stem + ".train.json"); err != nil || !done {
		return t, errors.Join(err, fmt.Errorf("training ended without its report %s.train.json", stem))
	}
	return t, nil
}

// read reads the report of a training that came to its end.
func (t *trained) read(path string) (done bool, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(text, &t.report); err != nil {
		return false, fmt.Errorf("%s: %w; remove it to train again", path, err)
	}
	return !t.report.Cancelled, nil
}

// kept finds the bundle of a training that was recorded, by the digest in its record, among those that are kept.
func (r *rowRun) kept(t *trained) (bool, error) {
	standing, err := results.Stand(r.flags.folder(), t.job)
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(standing.Records, func(c results.Record) bool { return c.Last && c.TrainingSeed == t.seed })
	if i < 0 {
		return false, nil
	}
	record := &standing.Records[i]
	files, err := filepath.Glob(filepath.Join(r.flags.bundles, "*.safetensors"))
	if err != nil {
		return false, fmt.Errorf("-bundles %s: %w", r.flags.bundles, err)
	}
	for _, file := range files {
		b, err := bundle.Load(file)
		if err != nil {
			fmt.Fprintf(r.out, "results: passed over: %v\n", err)
			continue
		}
		if b.Digest() != record.Bundle {
			continue
		}
		fmt.Fprintf(r.out, "results: %s, training seed %d: trained before, %s\n", t.job.Name, t.seed, file)
		t.bundle = file
		t.report = trainReport{Method: record.Trainer, Epochs: record.Epoch, Minutes: record.TrainMinutes, Trained: map[string]int{"all": record.Trainable}}
		return true, nil
	}
	return false, nil
}

// demonstrationsOf names the data of a job, which several rows share.
func demonstrationsOf(j results.Job) string {
	e := j.Experiment
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %+v", e.Horizon, e.Demonstrations))
	return strings.Join([]string{e.Domain, e.Task, strings.Join(e.Cameras(), "+"), e.Jitter, strconv.Itoa(e.Demonstrations.Episodes), hex.EncodeToString(sum[:3])}, "-")
}

// collected collects what the data lacks.
func (r *rowRun) collected(ctx context.Context, j results.Job, path, data string) error {
	d := j.Experiment.Demonstrations
	if there, err := dataset.Open(data); err == nil && len(there.Seeds()) >= d.Episodes {
		return nil
	}
	args := []string{"collect", "-config", path, "-out", data, "-lerobot=false", "-episodes", strconv.Itoa(d.Episodes),
		"-seed", strconv.FormatInt(d.FirstSeed, 10), "-noise", fmt.Sprint(d.Noise), "-speed-scale", fmt.Sprint(d.SpeedScale)}
	if d.Shift != "" {
		args = append(args, "-shift", d.Shift)
	}
	return r.child(ctx, args)
}

func (r *rowRun) trainArgs(t *trained, path, data, report string) []string {
	e := t.job.Experiment
	args := []string{"train", "-config", path, "-data", data, "-out", t.bundle, "-report", report, "-name", fmt.Sprintf("%s-seed%d", t.job.Name, t.seed),
		"-commit", r.flags.commit, "-seed", strconv.FormatInt(t.seed, 10), "-size", strconv.Itoa(e.Base.SizePx)}
	if t.job.EarlierWanted() > 0 {
		// One more is kept than is evaluated: the last may be the end of training itself.
		args = append(args, "-every", strconv.Itoa(t.job.Every), "-keep", strconv.Itoa(t.job.EarlierWanted()+1))
	}
	if !slices.Contains(strings.Fields(t.job.Row.Train), "-adapters") { // places of the row's own, else the arm's
		args = append(args, "-arm", t.job.Arm)
	}
	args = append(args, strings.Fields(r.flags.train)...)
	args = append(args, strings.Fields(e.Base.Train)...)
	return append(args, strings.Fields(t.job.Row.Train)...)
}

// configFor writes the configuration that every command of a job is given.
func (r *rowRun) configFor(j results.Job, dir string) (string, error) {
	c := r.cfg
	e := j.Experiment
	if c.Robot.Name == c.Bridge.Domain {
		c.Robot.Name = e.Domain
	}
	c.Bridge.Domain, c.Bridge.Task, c.Bridge.Jitter, c.Bridge.Horizon, c.Bridge.Clock = e.Domain, e.Task, e.Jitter, e.Horizon, "lockstep"
	c.Cameras = nil
	for _, name := range e.Cameras() {
		c.Cameras = append(c.Cameras, config.Camera{Name: name, Source: config.SourceBridge})
	}
	c.Policy.Base, c.Policy.Resident = e.Base.File, []string{}
	c.MQTT = config.MQTT{Broker: "embedded", Listen: "127.0.0.1:0"}
	c.Policy.AllowFull = j.Arm == train.ArmFull
	if err := c.Validate(); err != nil {
		return "", err
	}
	text, err := yaml.Marshal(c)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "config.yaml")
	return path, results.Replace(path, text)
}
