package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"sim2reald/model/bundle"
	"sim2reald/model/dataset"
	"sim2reald/model/preprocess"
	"sim2reald/model/safetensors"
	"sim2reald/model/tape"
)

// ErrDiverged is wrapped when the loss is no longer a number.
var ErrDiverged = errors.New("training diverged")

func errDiverged(step int, loss float64) error {
	return fmt.Errorf("%w: loss %g at step %d; lower the learning rate", ErrDiverged, loss, step)
}

// Run trains on the successful episodes of d and makes a bundle of it: a head on cached features of the frozen
// base, or with Options.Adapters the whole network end to end, of which the frozen part stays as it is. A
// cancel during training gives the bundle as far as it came, with Report.Cancelled set; one before the first
// epoch ended gives the context's error, and features computed so far stay in the cache. progress is called
// from one goroutine.
func Run(ctx context.Context, d *dataset.Dataset, source Source, opt Options, progress func(Progress)) (*bundle.Bundle, *Report, error) {
	start := time.Now()
	r := &run{d: d, source: source, opt: &opt, progress: progress, manifest: opt.manifest(&d.Meta)}
	b, err := r.all(ctx)
	r.report.Elapsed = time.Since(start)
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

	action, proprio preprocess.Stats
	train, held     *examples
}

func (r *run) all(ctx context.Context) (*bundle.Bundle, error) {
	if err := r.opt.Validate(); err != nil {
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
	r.report.Method = methodHead
	if !r.opt.Adapters.None() {
		r.report.Method = methodWhole
	}
	n, done, err := r.network(ctx)
	if err != nil {
		return nil, err
	}
	if err := firstError(r.fit(ctx, n), done()); err != nil {
		return nil, err
	}
	return r.bundle(n.tensors())
}

// fit trains the network, or leaves it as far as it came when ctx ends after an epoch.
func (r *run) fit(ctx context.Context, n *network) error {
	f, err := fit(ctx, n, r.train, r.held, r.opt, r.progress)
	r.report.Cancelled = err != nil && errors.Is(err, ctx.Err()) && f.epochs > 0
	if err != nil && !r.report.Cancelled {
		return err
	}
	r.report.Epochs, r.report.FirstLoss, r.report.LastLoss, r.report.ValidationLoss = f.epochs, f.first, f.last, f.validation
	return nil
}

// bundle adds what normalises, and the figures.
func (r *run) bundle(tensors map[string]safetensors.Tensor) (*bundle.Bundle, error) {
	put := func(mean, std string, s preprocess.Stats) {
		tensors[mean] = safetensors.Float32([]int{len(s.Mean)}, s.Mean)
		tensors[std] = safetensors.Float32([]int{len(s.Std)}, s.Std)
	}
	put(bundle.ActionMean, bundle.ActionStd, r.action)
	if r.opt.Proprioception == preprocess.ProprioPositions {
		put(bundle.ProprioMean, bundle.ProprioStd, r.proprio)
	}
	t := &r.manifest.Training
	t.Episodes, t.Excluded, t.Epochs = r.report.Episodes, r.report.Excluded, r.report.Epochs
	t.FirstLoss, t.LastLoss = r.report.FirstLoss, r.report.LastLoss
	if !math.IsNaN(r.report.ValidationLoss) { // JSON has no NaN; zero held-out episodes say why it is 0
		t.ValidationLoss = r.report.ValidationLoss
	}
	t.HeldOut = r.report.HeldOut
	return bundle.New(r.manifest, tensors)
}
