package train

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sim2reald/model/adapter"
	"sim2reald/model/backbone"
)

// Arms of the comparison that the project makes, by name. On a vision transformer the middle arms train the
// LayerNorms' scales and offsets too; the convolutional families have no such layers.
const (
	ArmProbe  = "probe"      // a linear head on frozen features
	ArmTop    = "top"        // an MLP head on frozen features, which every later arm has too
	ArmBottom = "bottom+top" // and the layer that sees the picture
	ArmMiddle = "middle+top" // and residual adapters in every block
	ArmAll    = "all"        // bottom, middle and top
	ArmFull   = "full"       // the whole base instead of adapters
)

// Arms lists them from the smallest to the largest.
func Arms() []string { return []string{ArmProbe, ArmTop, ArmBottom, ArmMiddle, ArmAll, ArmFull} }

// Recipe says how long and how fast something is trained.
type Recipe struct {
	Epochs      int // each sees every view of every frame once
	Batch       int
	Rates       map[string]float64 // peak learning rates by adapter's places and PlaceBase
	WarmUp      float64            // share of the steps in which rates rise
	WeightDecay float64
}

// HeadRecipe is how a head is trained on cached features.
func HeadRecipe() Recipe {
	return Recipe{Epochs: 60, Batch: 256, Rates: map[string]float64{adapter.PlaceTop: 1e-3}, WarmUp: 0.05, WeightDecay: 1e-4}
}

// adaptersRecipe is how adapters are trained end to end: longer than the base itself, and with a slow start, because
// what is fast at once leaves what the base knew in the first steps and does not come back (model/results/tuning).
func adaptersRecipe() Recipe {
	return Recipe{Epochs: 60, Batch: 32, WarmUp: 0.2, WeightDecay: 1e-4, Rates: map[string]float64{
		adapter.PlaceTop: 3e-4, adapter.PlaceMiddle: 1e-3, adapter.PlaceNorms: 2e-4, adapter.PlaceBottom: 5e-5}}
}

// fullRecipe is how the base itself is trained.
func fullRecipe() Recipe {
	return Recipe{Epochs: 60, Batch: 32, WarmUp: 0.05, WeightDecay: 1e-4, Rates: map[string]float64{
		adapter.PlaceTop: 5e-4, adapter.PlaceBase: 5e-5}}
}

// SetArm fills in what an arm trains and how: places, head, recipe and augmentation, over what is there.
func (o *Options) SetArm(arm string, arch backbone.Arch) error {
	if !slices.Contains(Arms(), arm) {
		return fmt.Errorf("%w: arm %q, want one of %s", ErrOptions, arm, strings.Join(Arms(), ", "))
	}
	o.Arm, o.Full, o.Adapters = arm, arm == ArmFull, adapter.Placement{}
	if arm == ArmProbe {
		o.Widths = []int{}
	}
	o.Adapters.Bottom = arm == ArmBottom || arm == ArmAll
	if arm == ArmMiddle || arm == ArmAll {
		o.Adapters.Middle = &adapter.Middle{Width: adapter.DefaultWidth(arch)}
		_, transformer := arch.(*backbone.ViT)
		o.Adapters.Norms = transformer
	}
	o.SetRecipe()
	return nil
}

// SetRecipe fills in how the project trains what Adapters and Full say.
func (o *Options) SetRecipe() {
	if !o.whole() {
		o.Recipe = HeadRecipe()
		return
	}
	o.Recipe = adaptersRecipe()
	if o.Full {
		o.Recipe = fullRecipe()
	}
	o.Rates = o.learning(o.Rates)
	o.HeadFirst = true
	o.Augment.Fresh = true
}

// learning keeps the rates of what is trained.
func (o *Options) learning(rates map[string]float64) map[string]float64 {
	out := maps.Clone(rates)
	maps.DeleteFunc(out, func(place string, _ float64) bool { return !slices.Contains(o.places(), place) })
	return out
}

// places are those that are trained.
func (o *Options) places() []string {
	if o.Full {
		return []string{adapter.PlaceTop, adapter.PlaceBase}
	}
	return strings.Split(o.Adapters.String(), ",")
}

// whole says whether training goes through the base.
func (o *Options) whole() bool { return o.Full || !o.Adapters.None() }
