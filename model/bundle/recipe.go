package bundle

import (
	"slices"

	"sim2reald/model/adapter"
)

// Kinds of bundles.
const (
	KindAdapter = "adapter" // adapters and a head over a base that is left as it is
	KindFull    = "full"    // the whole base trained too, every tensor of it in the file
)

// Recipe is how a bundle was trained: with data, base and seed it decides the tensors.
type Recipe struct {
	Arm         string             `json:"arm"` // its name on the command line; empty for a placement of one's own
	Batch       int                `json:"batch"`
	Rates       map[string]float64 `json:"rates"`          // peak learning rate of each group of Groups that is trained
	WarmUp      float64            `json:"warm_up"`        // share of the steps
	WeightDecay float64            `json:"weight_decay"`   // decoupled, per step and unit of rate
	Head        string             `json:"head"`           // how the head began: HeadRandom, HeadFitted or a bundle's digest
	Init        string             `json:"init,omitempty"` // digest of the bundle that all of this one began as; absent before VersionInit
	Augment     Augment            `json:"augment"`
	Shift       string             `json:"shift"` // of the simulator under the demonstrations; empty for none
}

// How a head begins.
const (
	HeadRandom = "random"
	HeadFitted = "trained first, on frozen features"
)

// Augment is how pictures were varied. Strengths are those of model/train.
type Augment struct {
	Fresh      bool    `json:"fresh"` // each epoch drew new views; else the same Views of each frame returned
	Views      int     `json:"views"`
	ShiftPx    int     `json:"shift_px"` // source pixels
	Brightness float64 `json:"brightness"`
	Contrast   float64 `json:"contrast"`
	Saturation float64 `json:"saturation"`
	Noise      float64 `json:"noise"`
	Seed       int64   `json:"seed"`
}

// checkRecipe wants a kind that is known, and numbers that can be read again.
func (m *Manifest) checkRecipe() error {
	if m.Version < VersionRecipe {
		return nil // neither is there, or the version would be another
	}
	if m.Kind != KindAdapter && m.Kind != KindFull {
		return invalid("kind", "%q, want %q or %q", m.Kind, KindAdapter, KindFull)
	}
	if m.Kind == KindFull && m.Adapters.Placement != PlacementTop {
		return invalid("adapters.placement", "%q in a bundle of kind full, want %q", m.Adapters.Placement, PlacementTop)
	}
	r := m.Training.Recipe
	if r == nil {
		return nil
	}
	a := r.Augment
	for _, x := range []float64{r.WarmUp, r.WeightDecay, a.Brightness, a.Contrast, a.Saturation, a.Noise} {
		if !finite(x) || x < 0 {
			return invalid("training.recipe", "%g, want numbers of 0 or more", x)
		}
	}
	if r.Batch < 1 || a.Views < 0 || a.ShiftPx < 0 {
		return invalid("training.recipe", "batch %d, %d views, shift %d px", r.Batch, a.Views, a.ShiftPx)
	}
	return checkRates(r.Rates)
}

func checkRates(rates map[string]float64) error {
	for group, rate := range rates {
		if !slices.Contains(Groups(), group) {
			return invalid("training.recipe.rates", "group %q is none of %v", group, Groups())
		}
		if !finite(rate) || rate < 0 {
			return invalid("training.recipe.rates", "%s is %g, want 0 or more", group, rate)
		}
	}
	return nil
}

// Groups are the groups of parameters that have a rate of their own: the places of adapters, and the base itself.
func Groups() []string {
	return []string{adapter.PlaceTop, adapter.PlaceMiddle, adapter.PlaceNorms, adapter.PlaceBottom, adapter.PlaceBase}
}
