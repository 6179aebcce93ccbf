package train

import (
	"fmt"
	"time"
)

// Stages of Progress, in order. Those that a run does not need are left out.
const (
	StageFeatures = "features" // of the frozen base
	StageHead     = "head"     // on them
	StagePrefix   = "layers before the first adapter"
	StageTraining = "training"
)

// Progress is one line of news: an episode whose features are there, or a step of training.
type Progress struct {
	Stage       string
	Done, Total int     // episodes, or epochs
	Step, Steps int     // within the stage; 0 while features are computed
	Loss        float64 // of this step
	Mean        float64 // of the epoch's steps so far
	Rate        float64 // as a share of its peak
	Validation  float64 // of the last finished epoch; NaN before it, and without held-out episodes
	EpochEnd    bool
	Left        time.Duration // of the stage
}

// String is the line.
func (p Progress) String() string {
	s := fmt.Sprintf("%s %d/%d", p.Stage, p.Done, p.Total)
	if p.Steps > 0 {
		s += fmt.Sprintf("  step %d/%d  loss %.4f  validation %.4f  rate %.2f", p.Step, p.Steps, p.Mean, p.Validation, p.Rate)
	}
	return s + "  " + p.Left.Round(time.Second).String() + " left"
}

// Report is what a run did, with what it went on from.
type Report struct {
	Episodes, HeldOut, Excluded int // held-out ones count among Episodes; failures are excluded
	Frames, Examples            int // frames of the training episodes; examples of an epoch
	Epochs, Steps               int // finished
	Losses, Validations         []float64
	FirstLoss, LastLoss         float64 // means of the first and of the last epoch, finished or not
	ValidationLoss              float64 // NaN without held-out episodes
	HeadLosses                  []float64
	Trained                     map[string]int // parameters by place
	Cancelled                   bool
	Resumed                     int    // steps that a checkpoint gave
	Method                      string // what was trained on what
	BLAS, Features              string // what really computed
	Elapsed                     time.Duration
}
