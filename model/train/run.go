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
	"sim2reald/model/graph"
	"sim2reald/model/preprocess"
	"sim2reald/model/safetensors"
)

// ErrDiverged is wrapped when the loss is no longer a number.
var ErrDiverged = errors.New("training diverged")

func errDiverged(step int, loss float64) error {
	return fmt.Errorf("%w: loss %g at step %d; lower the learning rate", ErrDiverged, loss, step)
}

// Run trains a head on the successful episodes of d and makes a bundle of it. A cancel during training gives
// the bundle as far as it came, with Report.Cancelled set; one before the first epoch ended gives the
// context's error, and features computed so far stay in the cache. progress is called from one goroutine.
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
	net, err := r.manifest.Network()
	if err != nil {
		return nil, err
	}
	if want := net.FeatureLen() - net.Proprio; r.source.Len() != want {
		return nil, fmt.Errorf("%w: the source gives %d features, the base %d", ErrOptions, r.source.Len(), want)
	}
	r.report.BLAS, r.report.Features = UseBLAS(r.opt.BLASThreads), r.source.Identity()
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	tensors, err := r.fit(ctx, net.Head)
	if err != nil {
		return nil, err
	}
	return r.bundle(tensors)
}

// prepare reads, extracts and assembles.
func (r *run) prepare(ctx context.Context) error {
	demos, err := readDemonstrations(r.d)
	if err != nil {
		return err
	}
	features, err := r.features(ctx, demos)
	if err != nil {
		return err
	}
	n, lim := len(r.d.Meta.Robot.JointNames), r.d.Meta.Limits.Robot()
	held := split(len(demos.episodes), r.opt.ValidateShare, r.opt.Seed)
	r.action, r.proprio = demos.statistics(held, n, &lim)
	actions, err := preprocess.NewActions(n, r.action)
	if err != nil {
		return err
	}
	a := &assembly{features: features, width: r.source.Len(), views: 1 + r.opt.Augment.Views, chunk: r.opt.ChunkSize,
		joints: n, actions: actions, limits: lim}
	if r.opt.Proprioception == preprocess.ProprioPositions {
		a.proprio = &r.proprio
	}
	if r.train, err = a.examples(demos, held, false); err != nil {
		return err
	}
	if r.held, err = a.examples(demos, held, true); err != nil {
		return err
	}
	r.count(demos, held)
	return nil
}

func (r *run) count(d *demonstrations, held []bool) {
	r.report.Episodes, r.report.Excluded = len(d.episodes), d.excluded
	for _, h := range held {
		if h {
			r.report.HeldOut++
		}
	}
	r.report.Examples = r.train.n
	r.report.Frames = r.train.n / (1 + r.opt.Augment.Views)
}

func (r *run) features(ctx context.Context, demos *demonstrations) ([][]float32, error) {
	x, err := newExtraction(r.d, r.source, r.opt)
	if err != nil {
		return nil, err
	}
	start, total := time.Now(), len(demos.episodes)
	return x.all(ctx, demos.episodes, r.opt.Workers, func(done int) {
		left := time.Since(start) / time.Duration(done) * time.Duration(total-done)
		r.progress(Progress{Stage: StageFeatures, Done: done, Total: total, Left: left})
	})
}

// fit trains the head, or gives it as far as it came when ctx ends after an epoch.
func (r *run) fit(ctx context.Context, head adapter.Head) (map[string]safetensors.Tensor, error) {
	g, err := head.Graph()
	if err != nil {
		return nil, err
	}
	w, err := r.start(g, head)
	if err != nil {
		return nil, err
	}
	f, err := fit(ctx, g, w, r.train, r.held, r.opt, r.progress)
	r.report.Cancelled = err != nil && errors.Is(err, ctx.Err()) && f.epochs > 0
	if err != nil && !r.report.Cancelled {
		return nil, err
	}
	r.report.Epochs, r.report.FirstLoss, r.report.LastLoss, r.report.ValidationLoss = f.epochs, f.first, f.last, f.validation
	return w.pack(g), nil
}

// start is the head's first values, with the features' statistics.
func (r *run) start(g *graph.Graph, head adapter.Head) (weights, error) {
	tensors, err := head.Init(adapter.Start{Seed: uint64(r.opt.Seed)})
	if err != nil {
		return nil, err
	}
	row := make([]float64, r.train.in)
	stats := moments(r.train.in, r.train.n, featureFloor, func(i int) []float64 {
		for k := range row {
			row[k] = float64(r.train.x[i*r.train.in+k])
		}
		return row
	})
	tensors["head.mean"] = safetensors.Float32([]int{head.In}, stats.Mean)
	tensors["head.std"] = safetensors.Float32([]int{head.In}, stats.Std)
	return unpack(g, tensors)
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
