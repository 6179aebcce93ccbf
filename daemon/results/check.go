package results

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Bounds of what a plan may ask for, against slips of the pen.
const (
	maxEpisodes = 10_000
	maxSeeds    = 100
	maxPx       = 1024
)

// Validate names the first thing that is wrong, and its row.
func (p *Plan) Validate() error {
	if len(p.Experiments) == 0 {
		return fmt.Errorf("%w: there are no experiments", ErrPlan)
	}
	seen := map[string]Job{}
	for i := range p.Experiments {
		e := &p.Experiments[i]
		if err := e.validate(); err != nil {
			return fmt.Errorf("%w: experiment %s: %w", ErrPlan, e.Name, err)
		}
		if _, ok := seen[e.Name]; ok {
			return fmt.Errorf("%w: the name %s stands twice", ErrPlan, e.Name)
		}
		seen[e.Name] = Job{}
		for _, r := range e.Rows {
			if err := e.validateRow(r, seen); err != nil {
				return fmt.Errorf("%w: row %s of %s: %w", ErrPlan, r.Name, e.Name, err)
			}
			seen[r.Name] = e.job(r)
		}
	}
	return nil
}

func (e *Experiment) validate() error {
	if err := named(e.Name); err != nil {
		return err
	}
	for _, word := range []struct{ key, value string }{
		{"title", e.Title}, {"domain", e.Domain}, {"task", e.Task}, {"camera", e.Camera}, {"jitter", e.Jitter},
		{"base.family", e.Base.Family}, {"base.file", e.Base.File},
	} {
		if word.value == "" {
			return fmt.Errorf("%s is empty", word.key)
		}
	}
	v := e.Evaluation
	for _, n := range []struct {
		key       string
		value     int
		low, high int
	}{
		{"horizon", e.Horizon, 0, 1_000_000}, {"base.size_px", e.Base.SizePx, 16, maxPx},
		{"evaluation.episodes", v.Episodes, 1, maxEpisodes}, {"evaluation.checkpoints", v.Checkpoints, 1, 100},
		{"evaluation.checkpoint_episodes", v.CheckpointEpisodes, 1, v.Episodes}, {"rows", len(e.Rows), 1, maxSeeds},
	} {
		if n.value < n.low || n.value > n.high {
			return fmt.Errorf("%s is %d, want %d to %d", n.key, n.value, n.low, n.high)
		}
	}
	return first(e.Demonstrations.validate(), seeds(e.TrainingSeeds), shifts("evaluation.shifts", v.Shifts), apart(e.Demonstrations, v))
}

func (d Demonstrations) validate() error {
	if d.Episodes < 1 || d.Episodes > maxEpisodes || d.FirstSeed < 0 {
		return fmt.Errorf("demonstrations: %d episodes from seed %d, want 1 to %d, from 0 up", d.Episodes, d.FirstSeed, maxEpisodes)
	}
	if !(d.Noise >= 0 && d.Noise <= 1) || !(d.SpeedScale > 0 && d.SpeedScale <= 1) {
		return fmt.Errorf("demonstrations: noise %g and speed_scale %g, want 0 to 1, and the scale above 0", d.Noise, d.SpeedScale)
	}
	return nil
}

// apart refuses figures from starts that were demonstrated.
func apart(d Demonstrations, v Evaluation) error {
	if v.FirstSeed < 0 || v.FirstSeed < d.FirstSeed+int64(d.Episodes) && d.FirstSeed < v.FirstSeed+int64(v.Episodes) {
		return fmt.Errorf("evaluation.first_seed %d: its episodes are among the demonstrations from seed %d", v.FirstSeed, d.FirstSeed)
	}
	return nil
}

func (e *Experiment) validateRow(r Row, before map[string]Job) error {
	if err := named(r.Name); err != nil {
		return err
	}
	if _, ok := before[r.Name]; ok {
		return errors.New("the name stands twice")
	}
	if len(r.Part) != 1 || r.Part < "a" || r.Part > "z" {
		return fmt.Errorf("part %q, want one letter", r.Part)
	}
	if r.Arm == "" {
		return errors.New("arm is empty")
	}
	j := e.job(r)
	if r.BundlesOf == "" && e.Evaluation.Checkpoints > 1 && r.Every < 1 {
		return fmt.Errorf("every is %d; say how many epochs lie between two checkpoints", r.Every)
	}
	if err := first(j.Experiment.Demonstrations.validate(), seeds(j.Experiment.TrainingSeeds), shifts("shifts", r.Shifts),
		apart(j.Experiment.Demonstrations, j.Experiment.Evaluation)); err != nil {
		return err
	}
	return j.checkTrained(before)
}

// checkTrained wants the row whose bundles are taken to stand before, and to have trained in the same setting.
func (j Job) checkTrained(before map[string]Job) error {
	if j.BundlesOf == "" {
		return nil
	}
	t, ok := before[j.BundlesOf]
	if !ok || t.Name == "" || t.BundlesOf != "" {
		return fmt.Errorf("bundles_of %q: no row before this one trains under that name", j.BundlesOf)
	}
	if j.Row.Train != "" || j.Row.Demonstrations != nil || j.Row.Every != 0 {
		return errors.New("bundles_of: say nothing of training beside it")
	}
	a, b := t.Experiment, j.Experiment
	if a.Domain != b.Domain || a.Task != b.Task || a.Camera != b.Camera || a.Base != b.Base || t.Arm != j.Arm {
		return fmt.Errorf("bundles_of %q: its domain, task, camera, base or arm is another", j.BundlesOf)
	}
	for _, s := range b.TrainingSeeds {
		if !slices.Contains(a.TrainingSeeds, s) {
			return fmt.Errorf("bundles_of %q: it does not train with seed %d", j.BundlesOf, s)
		}
	}
	return nil
}

// named wants a name that can be a file's and a make variable's.
func named(name string) error {
	if !regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`).MatchString(name) {
		return fmt.Errorf("the name %q: use lower-case letters, digits and -", name)
	}
	return nil
}

func seeds(all []int64) error {
	if len(all) == 0 || len(all) > maxSeeds {
		return fmt.Errorf("training_seeds: %d of them, want 1 to %d", len(all), maxSeeds)
	}
	for i, s := range all {
		if s < 0 || slices.Contains(all[:i], s) {
			return fmt.Errorf("training_seeds: %d is negative or stands twice", s)
		}
	}
	return nil
}

// first is the first error, in one line.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// shifts begin with none, which the others are compared with.
func shifts(key string, names []string) error {
	for i, n := range names {
		if n == "" || slices.Contains(names[:i], n) {
			return fmt.Errorf("%s: %q is empty or stands twice", key, n)
		}
	}
	if len(names) > 0 && names[0] != None {
		return fmt.Errorf("%s: %s comes first, want %s", key, names[0], None)
	}
	return nil
}

// oneLine joins the several lines of the library's errors.
func oneLine(err error) error {
	return errors.New(strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "yaml: "))
}
