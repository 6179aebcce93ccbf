package train

import (
	"context"
	"fmt"
	"time"

	"sim2reald/model/adapter"
	"sim2reald/model/graph"
	"sim2reald/model/preprocess"
	"sim2reald/model/safetensors"
)

// network reads the data and makes what is trained on it: the head alone, or with adapters the whole network.
// done ends the reading of pictures.
func (r *run) network(ctx context.Context) (n *network, done func() error, err error) {
	net, err := r.manifest.Network()
	if err != nil {
		return nil, nil, err
	}
	if want := len(net.Cameras) * net.Arch.FeatureLen(); r.source.Len() != want {
		return nil, nil, fmt.Errorf("%w: the source gives %d features, the base %d", ErrOptions, r.source.Len(), want)
	}
	whole := !net.Adapters.None()
	demos, err := readDemonstrations(r.d, whole)
	if err != nil {
		return nil, nil, err
	}
	if err := r.prepare(ctx, demos); err != nil {
		return nil, nil, err
	}
	g, err := net.Head.Graph()
	if whole {
		g, err = net.Graph()
	}
	if err != nil {
		return nil, nil, err
	}
	if n, err = r.start(net, g); err != nil || !whole {
		return n, func() error { return nil }, err
	}
	done, err = r.look(demos, net)
	return n, done, err
}

// look makes the examples show pictures instead of features; done ends that.
func (r *run) look(demos *demonstrations, net adapter.Network) (done func() error, err error) {
	spec := r.opt.spec(&r.d.Meta).One()
	y, err := newEye(spec, r.opt.Augment, len(r.d.Meta.Robot.JointNames))
	if err != nil {
		return nil, err
	}
	p := &pictures{eye: y, one: y.observer.Observation(), episodes: demos.episodes, history: r.opt.History, joints: net.Proprio}
	r.train.show, r.held.show = p.of(r.train), p.of(r.held)
	return y.close, nil
}

// prepare extracts features and assembles. A whole network needs them too: they say what the head standardises
// by, because an untrained adapter changes none of them.
func (r *run) prepare(ctx context.Context, demos *demonstrations) error {
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
	a := &assembly{features: features, width: r.source.Len(), views: 1 + r.opt.Augment.Views,
		history: r.opt.History, chunk: r.opt.ChunkSize, joints: n, actions: actions, limits: lim}
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

// start is the network's first values, with the features' statistics.
func (r *run) start(net adapter.Network, g *graph.Graph) (*network, error) {
	tensors, err := net.Init(adapter.Start{Seed: uint64(r.opt.Seed)})
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
	tensors["head.mean"] = safetensors.Float32([]int{net.Head.In}, stats.Mean)
	tensors["head.std"] = safetensors.Float32([]int{net.Head.In}, stats.Std)
	return newNetwork(g, r.opt.Weights, tensors, r.opt.BLASThreads)
}
