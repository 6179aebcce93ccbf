package calibration

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Record is what every result says about how it came about.
type Record struct {
	Date    time.Time // when it was measured
	Serial  string    // of the camera; empty if nobody said
	Robot   string    // of hand-eye: model and serial of the arm, as its factsheet has them; empty if nobody said
	Samples int       // views or poses that were used
	RMS     float64   // px, root mean square of the distance between seen and predicted corners
}

// Solution is what a solver of intrinsics found.
type Solution struct {
	Lens         Lens
	SD           []float64   // standard deviation of each of Lens.Parameters
	RMS          float64     // px
	TCameraBoard []Transform // of each view
}

// LensSolver fits a lens to views of a board.
type LensSolver interface {
	Solve(b Board, views []View, width, height int, m Model) (Solution, error)
}

// LensResult is a camera's intrinsics and how well they are known.
type LensResult struct {
	Record
	Name string // of the camera
	Lens Lens
	SD   []float64 // standard deviation of each of Lens.Parameters; none if not known
}

// LeftOut is a view that was not used.
type LeftOut struct {
	Name, Reason string
}

// Criteria say which views are good enough.
type Criteria struct {
	MinCorners   int     // of a view
	MinViews     int     // that must be left
	MaxEdgeWidth float64 // px over which an edge may rise
	MaxRatio     float64 // of a view's reprojection error by the median view's
	MinRMS       float64 // px below which no view is left out for its reprojection error
}

// DefaultCriteria are what the command uses.
func DefaultCriteria() Criteria {
	return Criteria{MinCorners: 8, MinViews: 5, MaxEdgeWidth: 6, MaxRatio: 3, MinRMS: 0.2}
}

// Usable says why a view cannot be used, or "". edgeWidth is EdgeWidth's, px.
func (c Criteria) Usable(v View, edgeWidth float64) string {
	switch {
	case len(v.Corners) == 0:
		return "the board was not found"
	case len(v.Corners) < c.MinCorners:
		return fmt.Sprintf("too few corners: %d, want %d", len(v.Corners), c.MinCorners)
	case edgeWidth > c.MaxEdgeWidth:
		return fmt.Sprintf("blurred: edges rise over %.1f px, want at most %g", edgeWidth, c.MaxEdgeWidth)
	}
	return ""
}

// ErrTooFewViews says that not enough is left to calibrate with.
var ErrTooFewViews = errors.New("too few views")

// FitLens fits a lens, leaves out the worst view as long as its reprojection error stands out, and fits again.
// The order of the views does not matter.
func FitLens(s LensSolver, b Board, views []View, width, height int, m Model, c Criteria) (Solution, []View, []LeftOut, error) {
	used := slices.Clone(views)
	var out []LeftOut
	for {
		if len(used) < c.MinViews {
			return Solution{}, used, out, fmt.Errorf("%w: %d are usable, want %d", ErrTooFewViews, len(used), c.MinViews)
		}
		found, err := s.Solve(b, used, width, height, m)
		if err != nil {
			return Solution{}, used, out, err
		}
		if err := found.Lens.Check(); err != nil {
			return Solution{}, used, out, fmt.Errorf("the views do not fix the lens: %w", err)
		}
		worst, rms, typical := worstView(found, b, used)
		if rms <= max(c.MinRMS, c.MaxRatio*typical) {
			return found, used, out, nil
		}
		out = append(out, LeftOut{used[worst].Name, fmt.Sprintf("outlier: reprojection error %.2f px, the median view's is %.2f px", rms, typical)})
		used = slices.Delete(used, worst, worst+1)
	}
}

// worstView gives the view with the largest reprojection error, that error, and the median of all, px.
func worstView(s Solution, b Board, views []View) (worst int, rms, typical float64) {
	errs := make([]float64, len(views))
	for i, v := range views {
		errs[i] = ReprojectionRMS(s.Lens, s.TCameraBoard[i], b, v)
		if errs[i] > errs[worst] {
			worst = i
		}
	}
	return worst, errs[worst], median(errs)
}

// ReprojectionRMS is the root mean square of the distance between seen and predicted corners in px; infinite if
// one of them cannot be seen from there.
func ReprojectionRMS(l Lens, tCameraBoard Transform, b Board, v View) float64 {
	points, sum := b.Points(), 0.0
	for _, c := range v.Corners {
		u, w, ok := l.Project(tCameraBoard.Apply(points[c.ID]))
		if !ok {
			return math.Inf(1)
		}
		sum += (u-c.U)*(u-c.U) + (w-c.V)*(w-c.V)
	}
	return math.Sqrt(sum / float64(max(1, len(v.Corners))))
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(v))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}
