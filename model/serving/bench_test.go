package serving

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"sim2reald/model"
	"sim2reald/model/adapter"
	"sim2reald/model/base"
	"sim2reald/model/graph"
)

// realBase is the base that `make setup` converts, at 112 pixels.
func realBase(b *testing.B) tiny {
	b.Helper()
	path := filepath.Join("..", "..", "build", "base", "vit_small_patch14_dinov2.safetensors")
	if _, err := os.Stat(path); err != nil {
		b.Skipf("needs the real base (run `make setup`): %v", err)
	}
	opened, err := base.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	return tiny{opened.Arch, opened.File, 112}
}

func everything() adapter.Placement {
	return adapter.Placement{Bottom: true, Norms: true, Middle: &adapter.Middle{Width: 64}}
}

// one is the network that the benchmarks run: one camera.
func one(y tiny, p adapter.Placement) adapter.Network {
	n := y.network(p, 256, 256)
	n.Cameras = n.Cameras[:1]
	n.Head = adapter.Head{In: n.FeatureLen(), Hidden: []int{256, 256}, Out: 12, Activation: graph.GELU}
	return n
}

func openOne(b *testing.B, y tiny, p adapter.Placement) *Base {
	b.Helper()
	values, err := y.arch.Values(y.weights, y.side, y.side)
	if err != nil {
		b.Fatal(err)
	}
	served, err := Open(onnx(b, cpu()), graphOf(b, one(y, p)), values, Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { closed(b, served) })
	return served
}

// memory is this process's, in MB, after what can be given back has been.
func memory(b *testing.B) float64 {
	b.Helper()
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip(err)
	}
	for line := range strings.Lines(string(text)) {
		if kb, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.Atoi(strings.Fields(kb)[0])
			if err != nil {
				b.Fatal(err)
			}
			return float64(n) / 1024
		}
	}
	b.Fatal("no VmRSS")
	return 0
}

// BenchmarkResident is what bundles with every adapter cost in memory beside the base.
func BenchmarkResident(b *testing.B) {
	for _, count := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("bundles=%d", count), func(b *testing.B) {
			y := realBase(b)
			served := openOne(b, y, everything())
			n := one(y, everything())
			first := add0(b, served, n, 0)
			obs := observation(n, 1)
			var out model.ActionChunk
			predict := func(p *Policy) {
				if err := p.Predict(obs, &out); err != nil {
					b.Fatal(err)
				}
			}
			predict(first)
			before := memory(b)
			for i := range count {
				predict(add0(b, served, n, uint64(i)))
			}
			for b.Loop() {
				predict(first)
			}
			b.ReportMetric((memory(b)-before)/float64(count), "MB/bundle")
			b.ReportMetric(float64(first.bundle.Bytes())/(1<<20), "MB-of-weights")
			b.ReportMetric(before, "MB-of-process")
		})
	}
}

func add0(b *testing.B, served *Base, n adapter.Network, seed uint64) *Policy {
	b.Helper()
	return add(b, served, n, trained(b, n, seed))
}

// BenchmarkSwap is the time to stage a bundle, in inferences, and what the first inference after a commit takes
// more than the others.
func BenchmarkSwap(b *testing.B) {
	y := realBase(b)
	served := openOne(b, y, everything())
	n := one(y, everything())
	g, params := graphOf(b, n), trained(b, n, 1)
	old, obs := add0(b, served, n, 0), observation(n, 1)
	var out model.ActionChunk
	least := func(best *time.Duration, f func() error) {
		began := time.Now()
		if err := f(); err != nil {
			b.Fatal(err)
		}
		if took := time.Since(began); *best == 0 || took < *best {
			*best = took
		}
	}
	var alone, staging, after time.Duration
	for b.Loop() {
		least(&alone, func() error { return old.Predict(obs, &out) })
		var fresh *Policy
		least(&staging, func() error {
			r, err := served.Add(g, params)
			if err == nil {
				fresh, err = NewPolicy(r, 3, 4)
			}
			return err
		})
		least(&after, func() error { return fresh.Predict(obs, &out) })
		closed(b, fresh.bundle)
	}
	b.ReportMetric(float64(staging)/float64(alone), "inferences-to-stage")
	b.ReportMetric(float64(after)/float64(alone), "first-inference-after")
}

// BenchmarkTogether is what further bundles cost on one picture: heads on the frozen base, and adapters in the
// last third of the blocks.
func BenchmarkTogether(b *testing.B) {
	late := adapter.Placement{Middle: &adapter.Middle{Blocks: []int{8, 9, 10, 11}, Width: 64}}
	for what, p := range map[string]adapter.Placement{"head": {}, "late": late} {
		b.Run(what, func(b *testing.B) {
			y := realBase(b)
			served := openOne(b, y, p)
			n := one(y, p)
			var policies []*Policy
			for i := range 8 {
				policies = append(policies, add0(b, served, n, uint64(i)))
			}
			obs, out := observation(n, 1), make([]model.ActionChunk, 8)
			best := map[int]time.Duration{}
			for b.Loop() {
				for _, k := range []int{1, 2, 8} {
					began := time.Now()
					if err := Together(policies[:k], obs, out[:k]); err != nil {
						b.Fatal(err)
					}
					if took := time.Since(began); best[k] == 0 || took < best[k] {
						best[k] = took
					}
				}
			}
			b.ReportMetric(float64(best[2])/float64(best[1]), "x-for-2")
			b.ReportMetric(float64(best[8])/float64(best[1]), "x-for-8")
		})
	}
}

// BenchmarkCut is what the cut and the places for adapters cost: each against the same network in one piece
// with nothing else in it.
func BenchmarkCut(b *testing.B) {
	y := realBase(b)
	e := onnx(b, cpu())
	values, err := y.arch.Values(y.weights, y.side, y.side)
	if err != nil {
		b.Fatal(err)
	}
	obs := observation(one(y, adapter.Placement{}), 1)
	type runner struct {
		name string
		run  func() error
	}
	var runners []runner
	whole := func(name string, p adapter.Placement) {
		n := one(y, p)
		m, err := e.Load(graphOf(b, n), values)
		if err != nil {
			b.Fatal(err)
		}
		s, err := m.Session(trained(b, n, 1))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { closed(b, s); closed(b, m) })
		copy(s.Input(0), obs.Images[0])
		runners = append(runners, runner{name, s.Run})
	}
	cutUp := func(name string, room, p adapter.Placement) {
		served, err := Open(e, graphOf(b, one(y, room)), values, Options{})
		if err != nil {
			b.Fatal(err)
		}
		policy := add0(b, served, one(y, p), 1)
		b.Cleanup(func() { closed(b, served) })
		var out model.ActionChunk
		runners = append(runners, runner{name, func() error { return policy.Predict(obs, &out) }})
	}
	whole("frozen", adapter.Placement{})
	whole("adapted", everything())
	cutUp("frozen-cut", adapter.Placement{}, adapter.Placement{})
	cutUp("adapted-cut", everything(), everything())
	cutUp("detached", everything(), adapter.Placement{})
	best := make([]time.Duration, len(runners))
	for b.Loop() {
		for i, r := range runners {
			began := time.Now()
			if err := r.run(); err != nil {
				b.Fatal(err)
			}
			if took := time.Since(began); best[i] == 0 || took < best[i] {
				best[i] = took
			}
		}
	}
	for i, r := range runners[1:] {
		b.ReportMetric(float64(best[i+1])/float64(best[0]), r.name)
	}
}
