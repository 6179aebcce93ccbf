package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"sim2reald/model/adapter"
	"sim2reald/model/bundle"
	"sim2reald/model/dataset"
	"sim2reald/model/likeness"
	"sim2reald/model/preprocess"
	"sim2reald/model/safetensors"
	"sim2reald/model/tape"
)

// ErrDiverged is wrapped when the loss is no longer a number.
var ErrDiverged = errors.New("training diverged")

// Run trains on the successful episodes of d and makes a bundle of it: a head on cached features of the frozen
// base, or the whole network end to end, of which the base stays as it is unless Options.Full says otherwise. A
// cancel during training gives the bundle as far as it came, with Report.Cancelled set, and a checkpoint; one
// before the first step gives the context's error, and features computed so far stay in the cache. Where
// Options.Checkpoint is there and of the same plan, the run goes on from it, and ends as if it had not stopped;
// it is removed at the end. progress is called from one goroutine.
func Run(ctx context.Context, d *dataset.Dataset, source Source, opt Options, progress func(Progress)) (*bundle.Bundle, *Report, error) {
	r := &run{d: d, source: source, opt: &opt, progress: progress, manifest: opt.manifest(&d.Meta), began: time.Now()}
	b, err := r.all(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("training %s: %w", opt.Name, err)
	}
	return b, &r.report, nil
}

// run is one training from data to bundle.
type run struct {
	d        *dataset.Dataset
	source   Source
	opt      *Options
	progress func(Progress)
	manifest bundle.Manifest
	report   Report
	began    time.Time
	before   float64 // seconds of the runs that this one goes on from
	keeper   *keeper

	net                   adapter.Network
	demos                 *demonstrations
	shown                 Shown
	likeness              []likeness.Likeness
	action, proprio       preprocess.Stats
	begun                 map[string]safetensors.Tensor // that it begins with; without a head's, that has its own first values
	train, held           *examples                     // of features
	wholeTrain, wholeHeld examples                      // of pictures
	live                  map[string][]float32          // the parameters as they are now
	places                map[string]string             // of those that are trained
	at                    position                      // of the last stage
}

func (r *run) all(ctx context.Context) (*bundle.Bundle, error) {
	from, err := r.check()
	if err != nil {
		return nil, err
	}
	if err := r.read(ctx); err != nil {
		return nil, err
	}
	if err := r.stages(ctx, from); err != nil {
		return nil, err
	}
	b, err := r.bundle(&r.at)
	if err != nil {
		return nil, err
	}
	return b, r.tell()
}

// check looks at everything that costs no time, and reads the checkpoint.
func (r *run) check() (*checkpoint, error) {
	if err := r.opt.Validate(); err != nil {
		return nil, err
	}
	if err := r.opt.BegunFits(&r.d.Meta); err != nil {
		return nil, err
	}
	var err error
	if r.manifest.Training.DataDigest, err = r.d.Digest(); err != nil {
		return nil, err
	}
	if err := r.manifest.Validate(); err != nil {
		return nil, err
	}
	r.report.BLAS, r.report.Features = fmt.Sprintf("%s, threads %d", tape.BLAS(), r.opt.BLASThreads), r.source.Identity()
	r.report.Method = r.opt.method()
	r.keeper = &keeper{path: r.opt.Checkpoint, every: r.opt.CheckpointEvery, written: time.Now(),
		plan: r.opt.plan(r.manifest.Training.DataDigest, r.source.Identity())}
	return r.keeper.read()
}

// stages trains the head, the whole network, or the one and then the other. from may be nil.
func (r *run) stages(ctx context.Context, from *checkpoint) error {
	if !r.opt.whole() {
		s, err := r.headStage()
		if err != nil {
			return err
		}
		return r.fit(ctx, s, from)
	}
	if r.opt.HeadFirst && r.opt.begun() == nil && (from == nil || from.at.Stage == StageHead) {
		s, err := r.headStage()
		if err != nil {
			return err
		}
		if err := r.fit(ctx, s, from); err != nil || r.report.Cancelled {
			return err
		}
		r.keeper.headLosses, from = r.at.Losses, nil
	}
	s, done, err := r.wholeStage(ctx)
	if err != nil {
		return err
	}
	return firstError(r.fit(ctx, s, from), done())
}

// fit trains one stage, or leaves it as far as it came when ctx ends after a step.
func (r *run) fit(ctx context.Context, s stage, from *checkpoint) error {
	t, err := newTrainer(s, from, r.progress, r.keeper.due)
	if err != nil {
		return err
	}
	if from != nil {
		r.report.Resumed, r.before = t.done(), from.at.Seconds
	}
	r.report.Trained = map[string]int{}
	for _, p := range t.o.Learned() {
		r.report.Trained[r.places[p.Name]] += p.Len()
	}
	err = t.fit(ctx)
	r.at = t.at
	r.report.Steps = t.done()
	if err != nil && errors.Is(err, ctx.Err()) && t.done() > 0 {
		r.report.Cancelled = true
		err = r.keeper.write(t)
	}
	return firstError(err, t.close())
}

// snapshot gives the bundle as it is after an epoch, when one is asked for.
func (r *run) snapshot(at *position) error {
	if r.opt.Every == 0 || at.Epoch%r.opt.Every != 0 || r.opt.Snapshot == nil {
		return nil
	}
	b, err := r.bundle(at)
	if err != nil {
		return err
	}
	return r.opt.Snapshot(at.Epoch, b)
}

// tell fills in the report, and lets the checkpoint go when all is done.
func (r *run) tell() error {
	p := &r.at
	r.report.Epochs, r.report.Losses, r.report.Validations = p.Epoch, p.means(), p.Validations
	r.report.FirstLoss, r.report.LastLoss, r.report.ValidationLoss = r.losses(p)
	r.report.HeadLosses = r.keeper.headLosses
	r.report.Elapsed = time.Since(r.began) + time.Duration(r.before*float64(time.Second))
	if r.report.Cancelled {
		return nil
	}
	return r.keeper.remove()
}

func (r *run) losses(p *position) (first, last, validation float64) {
	means := p.means()
	return means[0], means[len(means)-1], p.validation()
}

// bundle adds what normalises, and the figures.
func (r *run) bundle(p *position) (*bundle.Bundle, error) {
	g, err := r.net.Graph()
	if err != nil {
		return nil, err
	}
	tensors := tensors(g, r.live)
	put := func(mean, std string, s preprocess.Stats) {
		tensors[mean] = safetensors.Float32([]int{len(s.Mean)}, s.Mean)
		tensors[std] = safetensors.Float32([]int{len(s.Std)}, s.Std)
	}
	put(bundle.ActionMean, bundle.ActionStd, r.action)
	if r.opt.Proprioception == preprocess.ProprioPositions {
		put(bundle.ProprioMean, bundle.ProprioStd, r.proprio)
	}
	m := r.manifest
	t := &m.Training
	t.Episodes, t.Excluded, t.HeldOut, t.Epochs = r.report.Episodes, r.report.Excluded, r.report.HeldOut, p.Epoch
	var validation float64
	t.FirstLoss, t.LastLoss, validation = r.losses(p)
	if !math.IsNaN(validation) { // JSON has no NaN; zero held-out episodes say why it is 0
		t.ValidationLoss = validation
	}
	b, err := bundle.New(m, tensors)
	if err != nil {
		return nil, err
	}
	return b.WithLikeness(r.likeness)
}
