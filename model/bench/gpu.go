package main

import (
	"context"
	"errors"

	"sim2reald/model/engine"
)

// Names of the contenders on a GPU.
const (
	nameCUDA        = "cuda"
	nameCUDAAdapted = "cuda+adapters"
	nameEagerCUDA   = "torch-eager-cuda"
)

// gpu loads what computes on a GPU, and this project's engine on the CPU, to which their outputs are held. A
// picture begins and its result ends in the computer's own memory, as a robot needs it.
func (l *lab) gpu(m *material) *bout {
	b := &bout{title: m.label + ", batch 1, on the GPU", about: "TF32 off; times include both copies"}
	cpu, cuda := l.loadEngine(engine.Options{Device: engine.CPU}), l.loadEngine(engine.Options{Device: engine.CUDA})
	b.enter(
		m.ours(nameEngine, "engine: ONNX Runtime from Go, on the CPU", false, 1, cpu),
		m.ours(nameEngineAdapted, "engine, all adapters and head, on the CPU", true, 1, cpu),
		m.ours(nameCUDA, "engine: ONNX Runtime from Go, on cuda", false, 1, cuda),
		m.ours(nameCUDAAdapted, "engine, all adapters and head, on cuda", true, 1, cuda),
		place{&entry{name: nameEagerCUDA, label: "PyTorch eager, on cuda", group: "features", flops: m.flops(false), exact: true},
			func() (contender, string, error) { return l.loadPeer(m, "eager-cuda", 1) }},
	)
	return b
}

// gpuBout measures one backbone on the GPU.
func (c *course) gpuBout(ctx context.Context, m *material) error {
	c.progress(m.label + ", on the GPU: loading")
	b := c.gpu(m)
	b.run(ctx, c.pace(), c.progress)
	rows := b.rows(b.outputs())
	c.note(rows)
	of := func(text string) string { return b.title + ": " + text }
	figures := []figure{
		b.compare(rows, of("engine on cuda / PyTorch eager on cuda"), nameCUDA, nameEagerCUDA, targetEager),
		b.compare(rows, of("engine on cuda with all adapters / frozen"), nameCUDAAdapted, nameCUDA, targetAdapters),
		b.compare(rows, of("engine on cuda / on one thread of the CPU"), nameCUDA, nameEngine, 0),
	}
	return errors.Join(b.close(), c.report(b, rows, figures))
}
