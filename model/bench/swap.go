package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sim2reald/model/safetensors"
	"sim2reald/model/serving"
)

// swaps is how often a swap is measured.
const swaps = 5

// swapFigures measure a change from one bundle to another that is not resident yet, its tensors in memory: to
// check and bind them, and what the first answer takes beyond an answer as usual. Asking the new bundle about
// fixed pictures, before it may answer for real, is beside it: the old one goes on answering meanwhile.
func (l *lab) swapFigures(ctx context.Context, m *material, threads int) []figure {
	what := fmt.Sprintf("%s, %s: ", m.label, threadsText(threads))
	swap := figure{What: what + "swap of bundles / inference", Unit: "x", AtMost: asNumber(targetSwap)}
	verify := figure{What: what + "verifying a bundle / inference", Unit: "x"}
	t, err := l.measureSwaps(ctx, m, threads)
	if err == nil && len(t.swap) == 0 {
		err = errors.New("interrupted")
	}
	if err != nil {
		swap.Absent, verify.Absent = oneLine(err.Error()), oneLine(err.Error())
		return []figure{swap, verify}
	}
	took := figure{What: what + "swap of bundles", Unit: "ms", Value: ms(t.swap.median())}
	for f, a := range map[*figure]rounds{&swap: t.swap, &verify: t.verify} {
		r := a.over(t.usual)
		f.Value, f.Spread = r.Median, &r
	}
	return []figure{swap, took, verify}
}

// swapTimes are paired by round.
type swapTimes struct{ usual, swap, verify rounds }

func (l *lab) measureSwaps(ctx context.Context, m *material, threads int) (t swapTimes, err error) {
	base, err := l.openBase(m, threads)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, base.Close()) }()
	old, err := m.serve(base, m.params)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, old.Close()) }()
	for i := range swaps {
		if ctx.Err() != nil {
			return t, nil
		}
		params, err := m.otherParams(l.seed + 1 + uint64(i))
		if err != nil {
			return t, err
		}
		if err := t.one(m, base, old, params); err != nil {
			return t, err
		}
	}
	return t, nil
}

// one swaps once, from a bundle that answers to a new one.
func (t *swapTimes) one(m *material, base *serving.Base, old *served, params map[string]safetensors.Tensor) error {
	usual, err := old.Run(3)
	if err != nil {
		return err
	}
	start := time.Now()
	fresh, err := m.serve(base, params)
	if err != nil {
		return err
	}
	staged := time.Since(start)
	first, err := fresh.Run(1)
	start = time.Now()
	if err = errors.Join(err, fresh.policy.Verify()); err == nil {
		t.verify = append(t.verify, []time.Duration{time.Since(start)})
		t.usual = append(t.usual, usual)
		t.swap = append(t.swap, []time.Duration{staged + max(0, first[0]-rounds{usual}.median())})
	}
	return errors.Join(err, fresh.Close())
}

// otherParams are another bundle's.
func (m *material) otherParams(seed uint64) (map[string]safetensors.Tensor, error) {
	n, err := m.network(everywhere)
	if err != nil {
		return nil, err
	}
	return firstValues(n, m.adapted, seed)
}
