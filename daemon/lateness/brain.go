package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"sim2reald/camera"
	"sim2reald/daemon/control"
	"sim2reald/model"
	"sim2reald/model/adapter"
	"sim2reald/model/base"
	"sim2reald/model/engine"
	"sim2reald/model/graph"
	"sim2reald/model/preprocess"
	"sim2reald/model/safetensors"
	"sim2reald/model/serving"
	"sim2reald/robot"
)

// The picture that a camera gives, and what the base sees of it.
const (
	sourceWidth, sourceHeight = 640, 480
	side                      = 224
	pause                     = 20 * time.Millisecond // at most, between an inference's end and the next picture
)

// brain is a base with an untrained head, as the daemon would run it, that tells how long each inference took.
type brain struct {
	actor    control.Actor
	policy   model.Policy
	observer *preprocess.Observer
	resident *serving.Resident
	serving  *serving.Base
	runtime  *engine.Runtime
	clock    func() time.Duration
	says     string
	picture  camera.Frame
	done     chan struct{} // capacity 1: an inference has ended

	mu    sync.Mutex
	took  time.Duration
	takes map[time.Duration]time.Duration
}

func openBrain(path, library string, clock func() time.Duration) (*brain, error) {
	b := &brain{clock: clock, done: make(chan struct{}, 1), takes: map[time.Duration]time.Duration{}}
	b.picture = camera.Frame{Camera: "front", Width: sourceWidth, Height: sourceHeight, Pix: make([]byte, 3*sourceWidth*sourceHeight)}
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range b.picture.Pix {
		b.picture.Pix[i] = byte(rng.Uint32())
	}
	if err := b.open(path, library); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *brain) open(path, library string) (err error) {
	from, err := base.Open(path)
	if err != nil {
		return err
	}
	n := adapter.Network{Arch: from.Arch, Cameras: []string{"front"}, Height: side, Width: side}
	actions := preprocess.JointSpace(robot.Panda().N())
	n.Head = adapter.Head{In: n.FeatureLen(), Hidden: []int{256}, Out: actions.Dim(), Activation: graph.ReLU}
	g, err := n.Graph()
	if err != nil {
		return err
	}
	weights, err := from.Arch.Values(from.File, side, side)
	if err != nil {
		return err
	}
	params, err := n.Init(adapter.Start{Seed: 1})
	if err != nil {
		return err
	}
	if b.runtime, err = engine.Open(library); err != nil {
		return err
	}
	if b.serving, err = serving.Open(b.loader(), g, weights, serving.Options{}); err != nil {
		return err
	}
	if b.resident, err = b.serving.Add(g, params); err != nil {
		return err
	}
	d := b.serving.Describe()
	b.says = fmt.Sprintf("%s at %dx%d pixels, %s %s on %s, 1 thread", from.Record.Name, side, side, d.Engine, d.Version, d.Device)
	return b.openActor(actions)
}

func (b *brain) loader() serving.Engine {
	options := engine.Options{Threads: 1, Device: engine.CPU, Batch: 1, OneAtATime: true}
	return serving.Loader(func(g *graph.Graph, values map[string]safetensors.Tensor) (*engine.Model, error) {
		return b.runtime.Load(g, values, options)
	})
}

func (b *brain) openActor(space preprocess.Space) (err error) {
	spec := preprocess.Spec{Proprioception: preprocess.ProprioNone, Cameras: []preprocess.Camera{{
		Name: "front", SourceWidth: sourceWidth, SourceHeight: sourceHeight, Width: side, Height: side,
		Colour: preprocess.ColourRGB, Interpolation: preprocess.InterpolationBox,
		Mean: [3]float64{0.485, 0.456, 0.406}, Std: [3]float64{0.229, 0.224, 0.225},
	}}}
	if b.observer, err = preprocess.NewObserver(spec, robot.Panda().N(), preprocess.Stats{}); err != nil {
		return err
	}
	stats := preprocess.Stats{Mean: make([]float32, space.Dim()), Std: make([]float32, space.Dim())}
	for i := range stats.Std {
		stats.Std[i] = 0.1
	}
	actions, err := preprocess.NewActions(space, stats)
	if err != nil {
		return err
	}
	if b.policy, err = serving.NewPolicy(b.resident, 1, space.Dim()); err != nil {
		return err
	}
	b.actor, err = control.NewPolicyActor(b.observer, b.observer.Observation(), timed{b}, actions, 1)
	return err
}

// timed is the policy with a clock around it: what is before and behind it counts as beyond the inference.
type timed struct{ *brain }

// Predict is the policy's.
func (t timed) Predict(obs *model.Observation, out *model.ActionChunk) error {
	began := t.clock()
	err := t.policy.Predict(obs, out)
	t.took = t.clock() - began
	return err
}

// Act is the policy's actor's, and notes what the inference took.
func (b *brain) Act(frames []*camera.Frame, state *robot.State, plan *control.Plan) error {
	err := b.actor.Act(frames, state, plan)
	b.mu.Lock()
	b.takes[frames[0].Taken] = b.took
	b.mu.Unlock()
	select {
	case b.done <- struct{}{}:
	default:
	}
	return err
}

// actorOr is this brain, or another actor where there is none.
func (b *brain) actorOr(other control.Actor) control.Actor {
	if b == nil {
		return other
	}
	return b
}

// taken are the inferences since it was asked last, by when their picture was seen.
func (b *brain) taken() map[time.Duration]time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.takes
	b.takes = map[time.Duration]time.Duration{}
	return t
}

// show gives a new picture a short and varying while after each inference, so that none waits for the one before and
// none keeps step with the tick.
func (b *brain) show(ctx context.Context, eye *camera.Latest) {
	select {
	case <-b.done: // of a turn before
	default:
	}
	for ctx.Err() == nil {
		b.picture.Seq++
		b.picture.Arrival = b.clock()
		b.picture.Taken = b.picture.Arrival
		eye.Put(&b.picture)
		select {
		case <-b.done:
		case <-ctx.Done():
			return
		}
		rest(ctx)
	}
}

// think does what the loop would have it do, for a turn in which it does not run.
func (b *brain) think(ctx context.Context) error {
	var state robot.State
	var plan control.Plan
	for ctx.Err() == nil {
		if err := b.Act([]*camera.Frame{&b.picture}, &state, &plan); err != nil {
			return err
		}
		rest(ctx)
	}
	return nil
}

func rest(ctx context.Context) {
	select {
	case <-time.After(rand.N(pause)):
	case <-ctx.Done():
	}
}

func (b *brain) close() error {
	if b == nil {
		return nil
	}
	var errs []error
	if b.resident != nil {
		errs = append(errs, b.resident.Close())
	}
	if b.observer != nil {
		errs = append(errs, b.observer.Close())
	}
	if b.serving != nil {
		errs = append(errs, b.serving.Close())
	}
	if b.runtime != nil {
		errs = append(errs, b.runtime.Close())
	}
	return errors.Join(errs...)
}
