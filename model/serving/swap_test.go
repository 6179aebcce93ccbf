package serving

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"sim2reald/model"
	"sim2reald/model/adapter"
)

// TestThousandSwaps changes bundles at random, and now and then lets one go and another come. Every answer must
// be the bundle's own, bit for bit, and at the end the detached base must give what it gave at the beginning.
func TestThousandSwaps(t *testing.T) { onBoth(t, thousandSwaps) }

func thousandSwaps(t *testing.T, e Engine) {
	y := loadTiny(t, "vit_dinov2")
	all := placements("vit")
	before := y.weights.Digest()
	b := y.open(t, e, Options{}, slices.Collect(values(all))...)
	head := y.network(adapter.Placement{}, 16)
	obs := observation(head, 7)
	plain := add(t, b, head, trained(t, head, 100))
	features := func() []float32 {
		var out model.ActionChunk
		if err := plain.Predict(obs, &out); err != nil {
			t.Fatal(err)
		}
		var all []float32
		for i := range b.network.part[adaptedPart].Outputs {
			all = append(all, b.detached.Output(i)...)
		}
		return all
	}
	frozen := features()
	type bundle struct {
		p    *Policy
		want []float32
	}
	var resident []bundle
	for i, p := range slices.Collect(values(all)) {
		n := y.network(p, 8+i)
		policy := add(t, b, n, trained(t, n, uint64(i)))
		var out model.ActionChunk
		if err := policy.Predict(obs, &out); err != nil {
			t.Fatal(err)
		}
		resident = append(resident, bundle{policy, out.Data})
	}
	rng := rand.New(rand.NewPCG(1, 1))
	var out model.ActionChunk
	for i := range 1000 {
		at := resident[rng.IntN(len(resident))]
		if err := at.p.Predict(obs, &out); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(out.Data, at.want) {
			t.Fatalf("swap %d: %v, alone %v", i, out.Data, at.want)
		}
		if i%50 == 0 { // one that comes and goes
			n := y.network(all["everything"], 16)
			r, err := b.Add(graphOf(t, n), trained(t, n, uint64(i)))
			if err != nil {
				t.Fatal(err)
			}
			closed(t, r)
		}
	}
	if got := features(); !slices.Equal(got, frozen) {
		t.Error("the detached features are not what they were before a thousand swaps")
	}
	if after := y.weights.Digest(); after != before {
		t.Errorf("the base was %s and is %s", before, after)
	}
}

// TestAddWhileRunning lets bundles come and go while another answers, which must not notice.
func TestAddWhileRunning(t *testing.T) { onBoth(t, addWhileRunning) }

func addWhileRunning(t *testing.T, e Engine) {
	y := loadTiny(t, "vit_dinov2")
	all := placements("vit")
	b := y.open(t, e, Options{}, all["everything"])
	n := y.network(all["everything"], 16)
	p, obs := add(t, b, n, trained(t, n, 1)), observation(n, 1)
	var want model.ActionChunk
	if err := p.Predict(obs, &want); err != nil {
		t.Fatal(err)
	}
	var coming sync.WaitGroup
	coming.Go(func() {
		for i := range 30 {
			other := y.network(all["narrow"], 8+i)
			r, err := b.Add(graphOf(t, other), trained(t, other, uint64(i)))
			if err != nil {
				t.Error(err)
				return
			}
			if q, err := NewPolicy(r, 3, 4); err != nil {
				t.Error(err)
			} else if err := q.Verify(); err != nil {
				t.Error(err)
			}
			closed(t, r)
		}
	})
	var out model.ActionChunk
	for range 200 {
		if err := p.Predict(obs, &out); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(out.Data, want.Data) {
			t.Fatalf("%v, before the others came %v", out.Data, want.Data)
		}
	}
	coming.Wait()
}
