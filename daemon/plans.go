package main

import (
	"fmt"

	"sim2reald/daemon/config"
	"sim2reald/daemon/control"
	"sim2reald/model/bundle"
)

// rows is how many actions of a bundle's answer become a plan: as many as its training says, or in an ensemble all for
// which a plan is followed, because those are where answers overlap.
func (b *brain) rows(m *bundle.Manifest) (int, error) {
	if b.cfg.Policy.Ensemble == 1 {
		return m.Action.NActionSteps, nil
	}
	if m.Action.ChunkSize == 1 {
		return 0, fmt.Errorf("policy.ensemble: %d answers are to be averaged, and each of bundle %s is one action, so that none overlap; train with -chunk, or set it to 1",
			b.cfg.Policy.Ensemble, m.Name)
	}
	followed := 1 + int(config.Milliseconds(b.cfg.Ages.ActionMs).Seconds()*m.Action.RateHz+0.5)
	rows := min(m.Action.ChunkSize, followed)
	if rows > control.MaxPlan {
		return 0, fmt.Errorf("ages.action_ms: %d follows an answer of bundle %s for %d actions, and an ensemble has %d at most; make it shorter, or set policy.ensemble to 1",
			b.cfg.Ages.ActionMs, m.Name, rows, control.MaxPlan)
	}
	return rows, nil
}

// plans says how a bundle's answers are followed.
func (b *brain) plans(m *bundle.Manifest) string {
	p, ms := b.cfg.Policy, b.cfg.Ages.ActionMs
	rows, err := b.rows(m)
	switch {
	case err != nil:
		return err.Error() // no loop has been made for it
	case p.Ensemble == 1:
		return fmt.Sprintf("the newest answer alone, %d of its %d actions, for %d ms after its picture", rows, m.Action.ChunkSize, ms)
	}
	return fmt.Sprintf("mean of the newest %d answers, %d of %d actions each, weights exp(-%g i) from the oldest, none for more than %d ms after its picture",
		p.Ensemble, rows, m.Action.ChunkSize, p.EnsembleDecay, ms)
}
