package train

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"

	"sim2reald/model/adapter"
	"sim2reald/model/bundle"
	"sim2reald/model/dataset"
	"sim2reald/model/preprocess"
	"sim2reald/model/safetensors"
)

// ErrOptions is wrapped when options make no sense, or none with the dataset.
var ErrOptions = errors.New("training options")

// Options say what to train and how. DefaultOptions fills in the how.
type Options struct {
	Name   string      // of the bundle
	Daemon string      // version of this daemon
	Commit string      // of the source that trains
	Base   bundle.Base // the frozen model
	// Weights are the base's parameters for pictures of Height by Width. Only training through the base needs
	// them; they are not written to.
	Weights map[string]safetensors.Tensor

	Width, Height  int        // px, of the model's input
	Mean, Std      [3]float64 // of pixels in 0..1, per channel, as the base was pretrained with
	Proprioception string     // preprocess.ProprioNone or ProprioPositions

	Arm        string            // one of Arms, for the record; empty for a placement of one's own
	History    int               // observations seen at once, the newest included
	Adapters   adapter.Placement // inside the base; none, and not Full, trains the head alone, on cached features
	Full       bool              // trains the whole base instead of adapters
	Widths     []int             // of the head's hidden layers; none for a linear head
	Activation string            // "relu" or "gelu"
	Tool       *Tool             // whose motion is learned; nil learns the joints' velocities
	ChunkSize  int               // actions in one answer
	NSteps     int               // of which so many are carried out

	Augment Augment
	Recipe
	// HeadFirst trains the head on cached features before the whole network is trained, by HeadRecipe. Head is a
	// bundle whose head is taken instead, with the scale of its answers; Init is one of the same parts, which is
	// gone on from as a whole. nil for none; at most one of them.
	HeadFirst     bool
	Head, Init    *bundle.Bundle
	ValidateShare float64 // share of the episodes that is held out
	Seed          int64

	CacheDir    string // of features
	CacheBytes  int64  // of memory for what the layers before the first adapter give; 0 computes it at each step
	Workers     int    // that compute features side by side
	BLASThreads int    // of a step, 1 to 256

	Checkpoint      string        // file to go on from and to keep; empty for none
	CheckpointEvery time.Duration // between two writes of it
	// Every is the epochs between two snapshots, which go to Snapshot; 0 for none. A run that goes on from a
	// checkpoint does not repeat those before it.
	Every    int
	Snapshot func(epoch int, b *bundle.Bundle) error
}

// DefaultOptions is how the project trains a head unless told otherwise; what to train is left empty.
func DefaultOptions() Options {
	return Options{
		Proprioception: preprocess.ProprioNone, History: 1,
		Widths: []int{256, 256}, Activation: "relu", ChunkSize: 1, NSteps: 1,
		Augment: Augment{Views: 1, ShiftPx: 4, Brightness: 0.05, Contrast: 0.05, Saturation: 0.05},
		Recipe:  HeadRecipe(), ValidateShare: 0.1,
		CacheDir: "build/cache", CacheBytes: 2 << 30, Workers: runtime.NumCPU(), BLASThreads: runtime.NumCPU(),
		CheckpointEvery: 2 * time.Minute,
	}
}

// Validate checks what the manifest does not. A comparison with NaN is false, so each says what must hold.
func (o *Options) Validate() error {
	if o.Workers < 1 || o.BLASThreads < 1 || o.Seed < 0 || o.Every < 0 || o.CacheBytes < 0 {
		return fmt.Errorf("%w: workers %d, threads %d: want 1 or more; seed %d, snapshots every %d epochs, cache of %d bytes: 0 or more",
			ErrOptions, o.Workers, o.BLASThreads, o.Seed, o.Every, o.CacheBytes)
	}
	if err := o.Recipe.validate(o.places()); err != nil {
		return err
	}
	if !(o.ValidateShare >= 0 && o.ValidateShare < 1) {
		return fmt.Errorf("%w: held-out share %g, want 0 to below 1", ErrOptions, o.ValidateShare)
	}
	if o.ChunkSize < 1 {
		return fmt.Errorf("%w: chunk size %d, want 1 or more", ErrOptions, o.ChunkSize)
	}
	if o.whole() && len(o.Weights) == 0 {
		return fmt.Errorf("%w: arm %q, adapters %s without the base's weights, through which they learn", ErrOptions, o.Arm, o.Adapters)
	}
	if o.Head != nil && o.Init != nil {
		return fmt.Errorf("%w: a head of bundle %s and all of bundle %s to begin with: want one", ErrOptions, o.Head.Manifest.Name, o.Init.Manifest.Name)
	}
	return o.Augment.Validate()
}

// validate wants a rate for each place that is trained and for no other.
func (r *Recipe) validate(places []string) error {
	if r.Epochs < 1 || r.Batch < 1 {
		return fmt.Errorf("%w: epochs %d, batch %d: want 1 or more", ErrOptions, r.Epochs, r.Batch)
	}
	for _, place := range places {
		if rate, ok := r.Rates[place]; !ok || !(rate >= 0 && rate < 1) {
			return fmt.Errorf("%w: learning rate %g of %s, want 0 to below 1", ErrOptions, rate, place)
		}
	}
	for _, place := range slices.Sorted(maps.Keys(r.Rates)) {
		if !slices.Contains(places, place) {
			return fmt.Errorf("%w: a learning rate of %s, where nothing is trained", ErrOptions, place)
		}
	}
	if !(r.WeightDecay >= 0 && r.WeightDecay < 1) || !(r.WarmUp >= 0 && r.WarmUp < 1) {
		return fmt.Errorf("%w: weight decay %g, warm-up share %g: want 0 to below 1", ErrOptions, r.WeightDecay, r.WarmUp)
	}
	return nil
}

// spec is the preprocessing that the bundle will ask for.
func (o *Options) spec(m *dataset.Meta) preprocess.Spec {
	s := preprocess.Spec{Proprioception: o.Proprioception}
	for _, c := range m.Cameras {
		s.Cameras = append(s.Cameras, preprocess.Camera{
			Name: c.Name, SourceWidth: c.Width, SourceHeight: c.Height, Width: o.Width, Height: o.Height,
			Colour: c.Colour, Interpolation: preprocess.InterpolationBox, Mean: o.Mean, Std: o.Std,
		})
	}
	return s
}

// manifest describes the bundle to be; its training figures are filled in at the end.
func (o *Options) manifest(m *dataset.Meta) bundle.Manifest {
	out := bundle.Manifest{
		Name: o.Name, Task: m.Task, Base: o.Base, Kind: bundle.KindAdapter,
		Adapters: bundle.Adapters{Placement: o.Adapters.String(), Kind: bundle.KindMLP, Widths: o.Widths,
			Activation: o.Activation, Middle: o.Adapters.Middle},
		Robot: m.Robot, Limits: m.Limits, Cameras: o.spec(m).Cameras, Proprioception: o.Proprioception, History: o.History,
		Action:   o.action(m),
		Training: bundle.Training{Seed: o.Seed, Commit: o.Commit, Daemon: o.Daemon, Software: m.Software, Recipe: o.recipe(m)},
	}
	if o.Full {
		out.Kind = bundle.KindFull
	}
	if o.whole() {
		out.Training.Trainer = o.method()
	}
	out.SetVersion()
	return out
}

// recipe is the options' record in the bundle.
func (o *Options) recipe(m *dataset.Meta) *bundle.Recipe {
	a := o.Augment
	out := &bundle.Recipe{Arm: o.Arm, Batch: o.Batch, Rates: o.Rates, WarmUp: o.WarmUp, WeightDecay: o.WeightDecay,
		Shift: m.Shift, Head: bundle.HeadRandom, Augment: bundle.Augment{Fresh: a.Fresh && o.whole(), Views: a.Views, ShiftPx: a.ShiftPx,
			Brightness: a.Brightness, Contrast: a.Contrast, Saturation: a.Saturation, Noise: a.Noise, Seed: a.Seed}}
	switch {
	case o.Init != nil:
		out.Init, out.Head = o.Init.Digest(), o.Init.Digest()
	case o.Head != nil:
		out.Head = o.Head.Digest()
	case o.HeadFirst && o.whole():
		out.Head = bundle.HeadFitted
	}
	return out
}

// Network is what will be trained.
func (o *Options) Network(m *dataset.Meta) (adapter.Network, error) {
	manifest := o.manifest(m)
	return manifest.Network()
}

// What is trained on what, for Report.Method and the manifest.
const (
	methodHead  = "gorgonia, the head on cached features"
	methodWhole = "gorgonia, end to end through the frozen base"
	methodFull  = "gorgonia, end to end, the base as well"
)

func (o *Options) method() string {
	switch {
	case o.Full:
		return methodFull
	case o.whole():
		return methodWhole
	}
	return methodHead
}
