package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"sim2reald/model/adapter"
	"sim2reald/model/backbone"
	"sim2reald/model/graph"
	"sim2reald/model/tape"
)

// Names of the contenders of a training step.
const (
	nameStepTape  = "step-tape"
	nameStepTorch = "step-torch"
)

// stepBatch is the number of observations in one training step.
const stepBatch = 8

// training loads both trainers of every adapter and the head. A step is forward, backward and the update.
func (l *lab) training(m *material, threads int) *bout {
	b := &bout{title: fmt.Sprintf("%s, training step of batch %d, %s", m.label, stepBatch, threadsText(threads)),
		about: "all adapters and head: forward, backward, update"}
	b.enter(place{&entry{name: nameStepTape, label: "tape: Gorgonia"}, func() (contender, string, error) {
		t, err := newTrainer(m, threads)
		if err != nil {
			return nil, "", err
		}
		return t, "gorgonia", nil
	}}, place{&entry{name: nameStepTorch, label: "PyTorch"}, func() (contender, string, error) {
		p, err := l.startTorchStep(m.subject, threads)
		if err != nil {
			return nil, "", err
		}
		return p, p.says, nil
	}})
	return b
}

// startTorchStep starts the project's own PyTorch package, which greets with what it has loaded.
func (l *lab) startTorchStep(s subject, threads int) (*peer, error) {
	if l.python == nil {
		return nil, fmt.Errorf("%s", l.noPeers)
	}
	arch, err := backbone.Preset(s.preset)
	if err != nil {
		return nil, err
	}
	places := strings.TrimSuffix(everywhere(arch).String(), ","+adapter.PlaceTop)
	c := command{args: []string{l.python[0], "-m", "sim2real_torch", "step", "--model", s.preset,
		"--threads", strconv.Itoa(threads), "--batch", strconv.Itoa(stepBatch), "--size", strconv.Itoa(s.side),
		"--actions", strconv.Itoa(actions), "--adapters", places, "--head", "256,256", "--activation", "gelu"},
		env: []string{"PYTHONPATH=" + l.torch}, log: l.log, greets: true}
	return c.start(ask{Do: "load", Threads: threads})
}

// trainer is Gorgonia's training step.
type trainer struct {
	objective *tape.Objective
	learned   []learned
	steps     int
}

// learned is one trained parameter with AdamW's two moments.
type learned struct {
	values, mean, square []float32
	decays               bool
}

func newTrainer(m *material, threads int) (*trainer, error) {
	live := map[string][]float32{}
	for _, p := range m.adapted.Swapped() {
		v, err := m.params[p.Name].Float32s()
		if err != nil {
			return nil, err
		}
		live[p.Name] = v
	}
	o, err := tape.NewObjective(m.adapted, m.values, live, tape.Options{Threads: threads, Batch: stepBatch}, true)
	if err != nil {
		return nil, err
	}
	t := &trainer{objective: o}
	for _, p := range o.Learned() {
		t.learned = append(t.learned, newLearned(p, live[p.Name]))
	}
	copy(o.Input(0), noise(len(o.Input(0)), 1))
	copy(o.Target(), noise(len(o.Target()), 2))
	for i := range o.Weight() {
		o.Weight()[i] = 1
	}
	return t, nil
}

func newLearned(p *graph.Param, values []float32) learned {
	return learned{values, make([]float32, len(values)), make([]float32, len(values)), len(p.Shape) > 1}
}

// Run is a contender's. A loss that is not finite is an error: such steps may take any time.
func (t *trainer) Run(n int) ([]time.Duration, error) {
	times := make([]time.Duration, n)
	for i := range times {
		start := time.Now()
		loss, err := t.objective.Run()
		if err != nil {
			return nil, err
		}
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return nil, fmt.Errorf("the loss of step %d is %g", t.steps, loss)
		}
		t.steps++
		for k := range t.learned {
			t.learned[k].update(t.objective.Gradient(k), t.steps)
		}
		times[i] = time.Since(start)
	}
	return times, nil
}

// update is AdamW's, at the rate and decay that PyTorch's side of the comparison has.
func (l learned) update(gradient []float32, step int) {
	const rate, decay, beta1, beta2, epsilon = 1e-4, 1e-4, 0.9, 0.999, 1e-8
	stride := float32(rate / (1 - math.Pow(beta1, float64(step))))
	root := float32(1 / math.Sqrt(1-math.Pow(beta2, float64(step))))
	keep := float32(1)
	if l.decays {
		keep = 1 - rate*decay
	}
	for i, g := range gradient {
		l.mean[i] = beta1*l.mean[i] + (1-beta1)*g
		l.square[i] = beta2*l.square[i] + (1-beta2)*g*g
		l.values[i] = keep*l.values[i] - stride*l.mean[i]/(root*float32(math.Sqrt(float64(l.square[i])))+epsilon)
	}
}

// Output is a contender's: losses are held to PyTorch's by model/train's tests, on equal weights.
func (t *trainer) Output() ([]float32, error) { return nil, nil }

// Close is a contender's.
func (t *trainer) Close() error { return t.objective.Close() }
