package train

import (
	"bytes"
	"errors"
	"maps"
	"strings"
	"testing"

	"sim2reald/model/adapter"
	"sim2reald/model/bundle"
)

// TestGoesOnFromABundle: with all rates at zero the bundle that is made is the one that was begun with, in every
// parameter; one that learns begins with less than half of the loss; and other parts are refused.
func TestGoesOnFromABundle(t *testing.T) {
	for name, place := range map[string]adapter.Placement{
		"adapters": {Bottom: true, Middle: &adapter.Middle{Width: 4}, Norms: true},
		"full":     {},
	} {
		t.Run(name, func(t *testing.T) {
			d, l := testData(t), newLesson(t, "vit_token", place)
			if name == "full" {
				l.opt.Full = true
			}
			l.opt.Rates = map[string]float64{}
			for _, p := range l.opt.places() {
				l.opt.Rates[p] = 1e-3
			}
			first, before := mustRun(t, t.Context(), d, l.source, l.opt)
			l.opt.Init, l.opt.Epochs, l.opt.Seed, l.opt.WeightDecay = first, 1, 5, 0
			on, after := mustRun(t, t.Context(), d, l.source, l.opt)
			if !(after.FirstLoss < 0.5*before.FirstLoss) {
				t.Errorf("loss %g at first, %g when gone on from", before.FirstLoss, after.FirstLoss)
			}
			if m := on.Manifest; m.Version != bundle.VersionInit || m.MinDaemon != "0.7.0" || first.Manifest.Version >= m.Version {
				t.Errorf("version %d for daemons from %s on, begun as one of version %d", m.Version, m.MinDaemon, first.Manifest.Version)
			}
			if r := on.Manifest.Training.Recipe; r.Init != first.Digest() || r.Head != first.Digest() {
				t.Errorf("the bundle says that it began as %q, its head as %q", r.Init, r.Head)
			}
			for p := range maps.Keys(l.opt.Rates) {
				l.opt.Rates[p] = 0
			}
			still, _ := mustRun(t, t.Context(), d, l.source, l.opt)
			want, got := l.opt.taken(), still.Params()
			for param, v := range still.Backbone() {
				got[adapter.BasePrefix+param] = v
			}
			if len(want) != len(got) || len(want) < 6 {
				t.Fatalf("%d parameters, of %d", len(got), len(want))
			}
			for param := range want {
				if !bytes.Equal(want[param].Data, got[param].Data) {
					t.Errorf("parameter %s is another", param)
				}
			}
			anew := l.opt
			anew.Init = nil
			if said, err := anew.plan("", "").difference(l.opt.plan("", "")); err != nil || !strings.HasPrefix(said, "init is ") {
				t.Errorf("a run that begins anew goes on from this one's checkpoint: %q, %v", said, err)
			}
			l.opt.Widths = []int{3}
			if _, _, err := Run(t.Context(), d, l.source, l.opt, func(p Progress) { t.Errorf("%+v before it was refused", p) }); !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), "with a head of [3]") {
				t.Errorf("%v", err)
			}
			l.opt.Widths, l.opt.Head = first.Manifest.Adapters.Widths, first
			if err := l.opt.Validate(); !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), "want one") {
				t.Errorf("%v", err)
			}
		})
	}
}
