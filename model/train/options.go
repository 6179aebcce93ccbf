package train

import (
	"errors"
	"fmt"
	"runtime"
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
	// Weights are the base's frozen parameters for pictures of Height by Width. Only adapters need them.
	Weights map[string]safetensors.Tensor

	Width, Height  int        // px, of the model's input
	Mean, Std      [3]float64 // of pixels in 0..1, per channel, as the base was pretrained with
	Proprioception string     // preprocess.ProprioNone or ProprioPositions

	History    int               // observations seen at once, the newest included
	Adapters   adapter.Placement // inside the base; none trains the head alone, on cached features
	Widths     []int             // of the head's hidden layers; none for a linear head
	Activation string            // "relu" or "gelu"
	ChunkSize  int               // actions in one answer
	NSteps     int               // of which so many are carried out

	Augment       Augment
	Epochs        int // each sees every view of every frame once
	Batch         int
	LearningRate  float64 // peak
	WarmUp        float64 // share of the steps in which the rate rises
	WeightDecay   float64
	ValidateShare float64 // share of the episodes that is held out
	Seed          int64

	CacheDir    string // of features
	Workers     int    // that compute features side by side
	BLASThreads int    // of a step, 1 to 256
}

// DefaultOptions is how the project trains unless told otherwise; what to train is left empty.
func DefaultOptions() Options {
	return Options{
		Proprioception: preprocess.ProprioNone, History: 1,
		Widths: []int{256, 256}, Activation: "relu", ChunkSize: 1, NSteps: 1,
		Augment: Augment{Views: 1, ShiftPx: 4, Brightness: 0.05, Contrast: 0.05, Saturation: 0.05},
		Epochs:  60, Batch: 256, LearningRate: 1e-3, WarmUp: 0.05, WeightDecay: 1e-4, ValidateShare: 0.1,
		CacheDir: "build/cache", Workers: runtime.NumCPU(), BLASThreads: 1,
	}
}

// AdapterOptions is how the project trains adapters unless told otherwise: a pass takes a hundred times as
// long as one over cached features.
func AdapterOptions() Options {
	o := DefaultOptions()
	o.Epochs, o.Batch, o.LearningRate, o.BLASThreads = 12, 16, 3e-4, runtime.NumCPU()
	return o
}

// Validate checks what the manifest does not. A comparison with NaN is false, so each says what must hold.
func (o *Options) Validate() error {
	if o.Epochs < 1 || o.Batch < 1 || o.Workers < 1 || o.BLASThreads < 1 || o.Seed < 0 {
		return fmt.Errorf("%w: epochs %d, batch %d, workers %d, threads %d: want 1 or more; seed %d: 0 or more",
			ErrOptions, o.Epochs, o.Batch, o.Workers, o.BLASThreads, o.Seed)
	}
	if !(o.LearningRate > 0 && o.LearningRate < 1) || !(o.WeightDecay >= 0 && o.WeightDecay < 1) {
		return fmt.Errorf("%w: learning rate %g, weight decay %g: want between 0 and 1", ErrOptions, o.LearningRate, o.WeightDecay)
	}
	if !(o.WarmUp >= 0 && o.WarmUp < 1) || !(o.ValidateShare >= 0 && o.ValidateShare < 1) {
		return fmt.Errorf("%w: warm-up share %g, held-out share %g: want 0 to below 1", ErrOptions, o.WarmUp, o.ValidateShare)
	}
	if o.ChunkSize < 1 {
		return fmt.Errorf("%w: chunk size %d, want 1 or more", ErrOptions, o.ChunkSize)
	}
	if !o.Adapters.None() && len(o.Weights) == 0 {
		return fmt.Errorf("%w: adapters %s without the base's weights, through which they learn", ErrOptions, o.Adapters)
	}
	return o.Augment.Validate()
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
		Name: o.Name, Task: m.Task, Base: o.Base,
		Adapters: bundle.Adapters{Placement: o.Adapters.String(), Kind: bundle.KindMLP, Widths: o.Widths,
			Activation: o.Activation, Middle: o.Adapters.Middle},
		Robot: m.Robot, Limits: m.Limits, Cameras: o.spec(m).Cameras, Proprioception: o.Proprioception, History: o.History,
		Action: bundle.Action{Kind: bundle.ActionVelocity, Unit: bundle.UnitVelocity, RateHz: m.ControlRateHz,
			ChunkSize: o.ChunkSize, NActionSteps: o.NSteps, Dimensions: bundle.Dimensions(m.Robot.JointNames)},
		Training: bundle.Training{Seed: o.Seed, Commit: o.Commit, Daemon: o.Daemon, Software: m.Software},
	}
	if !o.Adapters.None() {
		out.Training.Trainer = methodWhole
	}
	out.SetVersion()
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
)

// Progress is one line of news.
type Progress struct {
	Stage       string // "features" or "training"
	Done, Total int    // episodes or epochs
	Loss        float64
	Validation  float64 // NaN without held-out episodes
	Left        time.Duration
}

// String is the line.
func (p Progress) String() string {
	s := fmt.Sprintf("%s %d/%d", p.Stage, p.Done, p.Total)
	if p.Stage == StageTraining {
		s += fmt.Sprintf("  loss %.4f  validation %.4f", p.Loss, p.Validation)
	}
	return s + fmt.Sprintf("  %.0f s left", p.Left.Seconds())
}

// Stages of Progress.
const (
	StageFeatures = "features"
	StageTraining = "training"
)

// Report is what a run did.
type Report struct {
	Episodes, HeldOut, Excluded int // held-out ones count among Episodes; failures are excluded
	Frames, Examples            int // frames of the training episodes; with their views
	Epochs                      int // finished
	FirstLoss, LastLoss         float64
	ValidationLoss              float64 // NaN without held-out episodes
	Cancelled                   bool
	Method                      string // what was trained on what
	BLAS, Features              string // what really computed
	Elapsed                     time.Duration
}
