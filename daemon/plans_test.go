package main

import (
	"slices"
	"strings"
	"testing"

	"sim2reald/daemon/config"
	"sim2reald/daemon/topic"
	"sim2reald/model/bundle"
)

func TestRowsOfPlans(t *testing.T) {
	for name, c := range map[string]struct {
		ensemble, actionMs, chunk, steps int
		rows                             int
		says                             string
	}{
		"newest alone":     {1, 400, 8, 3, 3, "the newest answer alone, 3 of its 8 actions, for 400 ms after its picture"},
		"all that overlap": {4, 400, 8, 1, 6, "mean of the newest 4 answers, 6 of 8 actions each, weights exp(-0.5 i) from the oldest, none for more than 400 ms after its picture"},
		"all there are":    {4, 4000, 8, 1, 8, "mean of the newest 4 answers, 8 of 8 actions"},
		"one action":       {2, 400, 1, 1, 0, "policy.ensemble: 2 answers are to be averaged, and each of bundle b is one action, so that none overlap; train with -chunk, or set it to 1"},
		"too many":         {2, 4000, 64, 1, 0, "ages.action_ms: 4000 follows an answer of bundle b for 51 actions, and an ensemble has 32 at most"},
	} {
		b := brain{cfg: config.Default()}
		b.cfg.Policy.Ensemble, b.cfg.Policy.EnsembleDecay, b.cfg.Ages.ActionMs = c.ensemble, 0.5, c.actionMs
		m := &bundle.Manifest{Name: "b", Action: bundle.Action{RateHz: 12.5, ChunkSize: c.chunk, NActionSteps: c.steps}}
		rows, err := b.rows(m)
		if rows != c.rows || (err == nil) != (c.rows > 0) || !strings.HasPrefix(b.plans(m), c.says) {
			t.Errorf("%s: %d rows, %v, says %q", name, rows, err, b.plans(m))
		}
	}
}

// TestLockstepEnsemble runs a policy whose answers overlap, averaged, beside the real bridge: the same seed sends the same
// commands, those of the newest answer alone are others, and the report says which it was.
func TestLockstepEnsemble(t *testing.T) {
	t.Parallel()
	cfg := rigConfig(t)
	cfg.Bridge.Horizon = 12
	cfg.Policy.Bundle = untrainedBundle(t, cfg, func(m *bundle.Manifest) { m.Action.ChunkSize = 4 })
	alone := evaluateTyped(t, cfg, evaluateFlags{episodes: 1})
	cfg.Policy.Ensemble = 4
	first, second := evaluateTyped(t, cfg, evaluateFlags{episodes: 1}), evaluateTyped(t, cfg, evaluateFlags{episodes: 1})
	sameCommands(t, second.commands, first.commands)
	if len(first.commands) != 12 || len(alone.commands) != 12 || !slices.Equal(first.commands[0].Velocity, alone.commands[0].Velocity) {
		t.Errorf("%d and %d commands, which must begin alike:\n%+v\n%+v", len(first.commands), len(alone.commands), first.commands[:1], alone.commands[:1])
	}
	others := func(a, b topic.JointCommand) bool { return !slices.Equal(a.Velocity, b.Velocity) }
	if !others(first.commands[1], alone.commands[1]) || !others(first.commands[11], alone.commands[11]) {
		t.Errorf("an ensemble sends what the newest answer alone wants: %+v", first.commands[1])
	}
	if want := "\n  plans              mean of the newest 4 answers, 4 of 4 actions each"; !strings.Contains(first.text, want) || first.report.Arms[0].Plans == "" {
		t.Errorf("the report does not say%s", want)
	}
}

// TestEnsembleOfSingleActions is refused before anything is started.
func TestEnsembleOfSingleActions(t *testing.T) {
	cfg := rigConfig(t)
	cfg.Policy.Bundle, cfg.Policy.Ensemble, cfg.Bridge.Command = untrainedBundle(t, cfg, nil), 3, []string{"/nowhere"}
	text, err := quietly(t.Context(), t, cfg, evaluateFlags{episodes: 1, first: seedOfTests})
	if err == nil || !strings.Contains(err.Error(), "policy.ensemble: 3 answers are to be averaged") {
		t.Errorf("%v\n%s", err, text)
	}
}
