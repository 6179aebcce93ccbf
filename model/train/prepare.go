package train

import (
	"context"
	"fmt"
	"maps"
	"time"

	"sim2reald/model/adapter"
	"sim2reald/model/graph"
	"sim2reald/model/preprocess"
	"sim2reald/model/safetensors"
)

// read gets demonstrations and features, and the network's first values.
func (r *run) read(ctx context.Context) (err error) {
	if r.net, err = r.manifest.Network(); err != nil {
		return err
	}
	if want := len(r.net.Cameras) * r.net.Arch.FeatureLen(); r.source.Len() != want {
		return fmt.Errorf("%w: the source gives %d features, the base %d", ErrOptions, r.source.Len(), want)
	}
	if r.demos, err = readDemonstrations(r.d, r.opt.whole()); err != nil {
		return err
	}
	if r.shown, err = ShownIn(r.d); err != nil {
		return err
	}
	r.manifest.References = r.shown.References
	r.manifest.SetVersion()
	features, err := r.extract(ctx, r.source, StageFeatures)
	if err != nil {
		return err
	}
	if err := r.likenessOf(features); err != nil {
		return err
	}
	if err := r.prepare(features); err != nil {
		return err
	}
	return r.start()
}

// extract computes what a source gives for every frame, or takes it from the cache.
func (r *run) extract(ctx context.Context, s Source, stage string) ([][]float32, error) {
	x, err := newExtraction(r.d, s, r.opt)
	if err != nil {
		return nil, err
	}
	start, total := time.Now(), len(r.demos.episodes)
	return x.all(ctx, r.demos.episodes, r.opt.Workers, func(done int) {
		left := time.Since(start) / time.Duration(done) * time.Duration(total-done)
		r.progress(Progress{Stage: stage, Done: done, Total: total, Left: left})
	})
}

// prepare assembles features and labels. A whole network needs the features too: they say what the head
// standardises by, because an untrained adapter changes none of them.
func (r *run) prepare(features [][]float32) error {
	n, lim := len(r.d.Meta.Robot.JointNames), r.d.Meta.Limits.Robot()
	held := split(len(r.demos.episodes), r.opt.ValidateShare, r.opt.Seed)
	space, err := r.statistics(held, n, &lim)
	if err != nil {
		return err
	}
	if from := r.opt.begun(); from != nil {
		r.begun = r.opt.taken()
		if r.action, r.proprio, err = from.Stats(); err != nil {
			return err
		}
	}
	actions, err := preprocess.NewActions(space, r.action)
	if err != nil {
		return err
	}
	a := &assembly{features: features, width: r.source.Len(), views: 1 + r.opt.Augment.Views,
		history: r.opt.History, chunk: r.opt.ChunkSize, joints: n, actions: actions, limits: lim}
	if r.opt.Proprioception == preprocess.ProprioPositions {
		a.proprio = &r.proprio
	}
	return r.assemble(a, held)
}

// assemble makes the examples of every stage.
func (r *run) assemble(a *assembly, held []bool) (err error) {
	if r.train, err = a.examples(r.demos, held, false, a.views); err != nil {
		return err
	}
	if r.held, err = a.examples(r.demos, held, true, 1); err != nil {
		return err
	}
	r.wholeTrain, r.wholeHeld = *r.train, *r.held
	if r.opt.Augment.Fresh && r.opt.whole() {
		frames, err := a.examples(r.demos, held, false, 1)
		if err != nil {
			return err
		}
		r.wholeTrain = *frames
	}
	r.report.Episodes, r.report.Excluded = len(r.demos.episodes), r.demos.excluded
	for _, h := range held {
		if h {
			r.report.HeldOut++
		}
	}
	r.report.Examples, r.report.Frames = r.wholeTrain.n, r.train.n/a.views
	return nil
}

// start sets the network's first values, with the features' statistics; a full network's are the base's.
func (r *run) start() error {
	tensors, err := r.net.Init(adapter.Start{Seed: uint64(r.opt.Seed)})
	if err != nil {
		return err
	}
	if r.opt.Full {
		for name, t := range r.opt.Weights {
			tensors[adapter.BasePrefix+name] = t
		}
	}
	if r.begun == nil {
		r.standardise(tensors)
	}
	maps.Copy(tensors, r.begun)
	if r.live, err = floats(tensors); err != nil {
		return err
	}
	r.places, err = r.net.Places()
	return err
}

func (r *run) standardise(tensors map[string]safetensors.Tensor) {
	row := make([]float64, r.train.in)
	stats := moments(r.train.in, r.train.n, featureFloor, func(i int) []float64 {
		for k := range row {
			row[k] = float64(r.train.x[i*r.train.in+k])
		}
		return row
	})
	tensors["head.mean"] = safetensors.Float32([]int{r.net.Head.In}, stats.Mean)
	tensors["head.std"] = safetensors.Float32([]int{r.net.Head.In}, stats.Std)
}

// headStage trains the head on cached features.
func (r *run) headStage() (stage, error) {
	g, err := r.net.Head.Graph()
	if err != nil {
		return stage{}, err
	}
	n, err := newNetwork(g, nil, r.live, r.places, r.opt.BLASThreads)
	s := stage{name: StageHead, n: n, train: r.train, held: r.held, recipe: HeadRecipe(), seed: r.opt.Seed, ended: func(*position) error { return nil }}
	if !r.opt.whole() {
		s.name, s.recipe, s.ended = StageTraining, r.opt.Recipe, r.snapshot
	}
	return s, err
}

// wholeStage trains the whole network, or what of it comes behind layers whose results can be kept. done ends
// the reading of pictures.
func (r *run) wholeStage(ctx context.Context) (s stage, done func() error, err error) {
	s = stage{name: StageTraining, train: &r.wholeTrain, held: &r.wholeHeld, recipe: r.opt.Recipe, seed: r.opt.Seed, ended: r.snapshot}
	g, err := r.net.Graph()
	if err != nil {
		return s, nil, err
	}
	done = func() error { return nil }
	var before *prefix
	if !r.opt.Augment.Fresh && r.opt.CacheBytes > 0 {
		if before, g, err = cutAt(r.net, g, r.opt.Weights); err != nil {
			return s, nil, err
		}
	}
	if before != nil {
		err = r.keepPrefix(ctx, before)
	} else {
		done, err = r.look()
	}
	if err != nil {
		return s, nil, err
	}
	s.n, err = newNetwork(g, r.frozen(g), r.live, r.places, r.opt.BLASThreads)
	if err != nil {
		return s, nil, firstError(err, done())
	}
	return s, done, nil
}

// frozen are the parameters that a graph takes from the base.
func (r *run) frozen(g *graph.Graph) map[string]safetensors.Tensor {
	out := map[string]safetensors.Tensor{}
	for _, p := range g.Params {
		if !p.Swapped() {
			out[p.Name] = r.opt.Weights[p.Name]
		}
	}
	return out
}

// keepPrefix makes the examples show what the layers before the first adapter give.
func (r *run) keepPrefix(ctx context.Context, p *prefix) error {
	frames := 0
	for _, e := range r.demos.episodes {
		frames += len(e.Steps)
	}
	if err := p.afford(frames, r.opt); err != nil {
		return err
	}
	values, err := r.extract(ctx, p, StagePrefix)
	if err != nil {
		return err
	}
	a := &activations{values, p.sizes, p.length, 1 + r.opt.Augment.Views, r.opt.History, r.net.Proprio}
	r.wholeTrain.show, r.wholeHeld.show = a.of(&r.wholeTrain), a.of(&r.wholeHeld)
	r.report.Features += "; " + p.Identity()
	return nil
}

// look makes the examples show pictures instead of features; done ends that.
func (r *run) look() (done func() error, err error) {
	spec := r.opt.spec(&r.d.Meta).One()
	y, err := newEye(spec, r.opt.Augment, len(r.d.Meta.Robot.JointNames))
	if err != nil {
		return nil, err
	}
	p := &pictures{eye: y, one: y.observer.Observation(), episodes: r.demos.episodes, history: r.opt.History, joints: r.net.Proprio,
		fresh: r.opt.Augment.Fresh}
	r.wholeTrain.show, r.wholeHeld.show = p.of(&r.wholeTrain), p.of(&r.wholeHeld)
	return y.close, nil
}
