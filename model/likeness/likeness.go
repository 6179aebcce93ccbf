// Package likeness says how like live pictures are to those of the demonstrations, as numbers: by their colours, and by
// what the frozen base makes of them.
//
// What belongs here: the statistics of both that a bundle keeps, how they and their bounds are made, and the distances,
// which are pure functions. What does not: whether a camera shows the right scene at all (model/reference), what computes
// features (model/serving, model/train), and what is done about a distance (daemon), which is to warn: a policy may
// well manage what looks new, and may fail at what looks the same.
//
// The features' distance is Mahalanobis's, as Lee et al. take it for a network's features ("A Simple Unified Framework
// for Detecting Out-of-Distribution Samples and Adversarial Attacks", NeurIPS 2018, arXiv:1807.03888), of one class and
// with the covariance of probabilistic principal components (Tipping and Bishop, J. R. Stat. Soc. B 61, 1999): a few
// directions in which the demonstrations vary, and one variance for all others. Few pictures suffice for that.
package likeness

import (
	"fmt"
	"math"
)

// Likeness is what a bundle knows of one camera's demonstrations.
type Likeness struct {
	Camera   string    `json:"camera"`
	Pictures int       `json:"pictures"` // that the colours are of
	Colours  Colours   `json:"colours"`
	Features *Features `json:"features,omitempty"` // nil where nobody computed them
}

// Validate says what is wrong with one that a file holds, but for the tensors.
func (l *Likeness) Validate() error {
	if l.Camera == "" || l.Pictures < 1 {
		return fmt.Errorf("camera %q, of %d pictures; want a name, and 1 or more", l.Camera, l.Pictures)
	}
	if err := l.Colours.validate(); err != nil {
		return fmt.Errorf("colours: %w", err)
	}
	if l.Features == nil {
		return nil
	}
	if err := l.Features.validate(); err != nil {
		return fmt.Errorf("features: %w", err)
	}
	return nil
}

// margin is how far above the farthest held-out window a bound lies: a day's other seeds must not warn.
const margin = 1.25

// bound is it for the distances of windows that had no part in the statistics.
func bound(distances []float64) float64 {
	farthest := 0.0
	for _, d := range distances {
		farthest = max(farthest, d)
	}
	return rounded(margin * farthest)
}

// rounded keeps a manifest readable.
func rounded(x float64) float64 { return math.Round(1000*x) / 1000 }

func positive(values ...float64) error {
	for _, v := range values {
		if !(v > 0 && v < 1e9) { // NaN too
			return fmt.Errorf("%g; want above 0", v)
		}
	}
	return nil
}
