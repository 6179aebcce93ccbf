package calibration

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Compared is how a solver's answer differs from the refined one.
type Compared struct {
	Solver string
	RMS    float64 // px, reprojection over all samples; infinite if it sees a corner behind the camera
	Shift  float64 // m
	Turn   float64 // rad
}

// Residual is how well the other samples predict where the board is in this one's view.
type Residual struct {
	Name  string
	Shift float64 // m, of the board's middle
	Turn  float64 // rad
	Z     float64 // the difference in units of its standard deviation, all six numbers of it together; 2.3 is usual
}

// HandEyeResult is where a camera is, and how well that is known.
type HandEyeResult struct {
	Record
	Kind Kind
	Poses
	// SD and Half95 are the standard deviation and half the 95 % interval of TParentCamera: x, y, z in m along the
	// parent's axes, then a rotation vector in rad about the parent's axes. The lens is taken as known.
	SD, Half95 [6]float64
	Noise      ArmNoise // nothing, if pixel noise explains all
	Solvers    []Compared
	Residuals  []Residual // leave-one-out
	Outliers   []LeftOut
	Turned     []string // views whose corners were numbered from the board's other end
}

// FitHandEye finds where the camera is. Starts are what other solvers say, for T_parent_camera by the kind's
// parent; alignAxes is always among them. Samples that contradict the others are left out and named.
func FitHandEye(k Kind, l Lens, b Board, samples []Sample, solve func(k Kind, tBaseFlange, tCameraBoard []Transform) []Start) (HandEyeResult, error) {
	if err := checkHandEye(k, l, b, samples); err != nil {
		return HandEyeResult{}, err
	}
	samples = append([]Sample(nil), samples...)
	arm, board, turned, err := prepare(l, b, samples)
	if err != nil {
		return HandEyeResult{}, err
	}
	starts := []Start{}
	if t, ok := alignAxes(k, arm, board); ok {
		starts = append(starts, Start{"axes", t})
	}
	if solve != nil {
		starts = append(starts, solve(k, arm, board)...)
	}
	out := HandEyeResult{Kind: k, Turned: turned}
	h := &handEyeProblem{kind: k, lens: l, points: b.Points(), samples: samples, board: board}
	if err := h.fit(&out, starts); err != nil {
		return out, err
	}
	for _, s := range starts {
		out.Solvers = append(out.Solvers, h.compare(s, out.TParentCamera))
	}
	return out, nil
}

func checkHandEye(k Kind, l Lens, b Board, samples []Sample) error {
	if err := k.Check(); err != nil {
		return err
	}
	if err := l.Check(); err != nil {
		return err
	}
	if err := b.Check(); err != nil {
		return err
	}
	for _, s := range samples {
		if !s.TBaseFlange.Finite() {
			return fmt.Errorf("%s: the arm's pose is not finite", s.View.Name)
		}
		if err := s.View.Check(b); err != nil {
			return err
		}
	}
	return Richness(armPoses(samples))
}

func armPoses(samples []Sample) []Transform {
	out := make([]Transform, len(samples))
	for i, s := range samples {
		out[i] = s.TBaseFlange
	}
	return out
}

// prepare finds the board in each view, and numbers the corners of all views from one end.
func prepare(l Lens, b Board, samples []Sample) (arm, board []Transform, turned []string, err error) {
	arm = armPoses(samples)
	for _, s := range samples {
		t, err := BoardPose(l, b, s.View)
		if err != nil {
			return nil, nil, nil, err
		}
		board = append(board, t)
	}
	if !b.Turnable() {
		return arm, board, nil, nil
	}
	for i, t := range unturn(b, arm, board) {
		if t {
			samples[i].View = samples[i].View.Turned(b)
			turned = append(turned, samples[i].View.Name)
		}
	}
	return arm, board, turned, nil
}

// fit refines from the best start, and once more without each sample that stands out.
func (h *handEyeProblem) fit(out *HandEyeResult, starts []Start) error {
	if err := h.weigh(); err != nil {
		return err
	}
	p, err := h.bestStart(starts)
	if err != nil {
		return err
	}
	for {
		at, err := h.refine(&p)
		if err != nil {
			return err
		}
		residuals, err := h.leaveOneOut(p, at)
		if err != nil {
			return err
		}
		worst, reason := outlier(residuals)
		if worst < 0 || len(h.samples) <= MinPoses {
			out.Poses, out.Residuals, out.Noise = p, residuals, h.noise
			out.Samples, out.RMS = len(h.samples), h.rms(p)
			return out.intervals(at)
		}
		out.Outliers = append(out.Outliers, LeftOut{h.samples[worst].View.Name, reason})
		h.remove(worst)
		if err := Richness(armPoses(h.samples)); err != nil {
			return fmt.Errorf("without %s (%s): %w", out.Outliers[len(out.Outliers)-1].Name, reason, err)
		}
	}
}

// weigh sets what each corner counts and how much noise the pixels have, from each view by itself.
func (h *handEyeProblem) weigh() error {
	h.weights = make([][]float64, len(h.samples))
	sum, free := 0.0, 0
	for i, s := range h.samples {
		h.weights[i] = cornerWeights(h.lens, h.board[i], h.points, s.View)
		t, err := refineBoardPose(h.lens, h.points, s.View, h.weights[i], h.board[i])
		if err != nil {
			return fmt.Errorf("%s: %w", s.View.Name, err)
		}
		e, _ := gather(h.lens, t, h.points, s.View, h.weights[i])
		h.board[i] = t
		sum += e.sum
		free += e.rows - 6
	}
	if free < 1 {
		return fmt.Errorf("too few corners to tell how noisy they are: want more than 3 of the board in each view")
	}
	// A corner is never better than a thousandth of a pixel; drawn pictures without noise would divide by 0.
	h.pixel = max(math.Sqrt(sum/float64(free)), 1e-3)
	return nil
}

func (h *handEyeProblem) bestStart(starts []Start) (Poses, error) {
	best, least := Poses{}, math.Inf(1)
	for _, s := range starts {
		p := Poses{s.T, otherPose(h.kind, s.T, armPoses(h.samples), h.board)}
		if rms := h.medianRMS(p); rms < least {
			best, least = p, rms
		}
	}
	if math.IsInf(least, 1) {
		return best, fmt.Errorf("no solver found a place of the camera from which the board could be seen: is it really %s, and are the arm's poses T_base_flange?", h.kind)
	}
	return best, nil
}

// refine fits with pixel noise alone, and if the views contradict each other beyond it, with the arm's noise.
func (h *handEyeProblem) refine(p *Poses) (normal, error) {
	h.noise = ArmNoise{}
	q, at, err := h.solve(*p)
	for range 2 {
		if err != nil {
			return at, err
		}
		*p = q
		if h.noise == (ArmNoise{}) && !contradicted(at) {
			return at, nil
		}
		h.noise = h.estimateNoise(*p)
		q, at, err = h.solve(*p)
	}
	*p = q
	return at, err
}

// intervals fills SD and Half95.
func (r *HandEyeResult) intervals(at normal) error {
	var chol mat.Cholesky
	var inv mat.SymDense
	if !chol.Factorize(at.n) || chol.InverseTo(&inv) != nil {
		return ErrUndetermined
	}
	free := float64(at.rows - 6*len(at.terms))
	if r.Noise != (ArmNoise{}) {
		free = float64(6*len(at.terms) - 12)
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: max(free, 1)}.Quantile(0.975)
	for i := range 3 {
		// inv is in the camera's own axes, the turn first.
		axis := Vec{r.TParentCamera.R[3*i], r.TParentCamera.R[3*i+1], r.TParentCamera.R[3*i+2]}
		r.SD[i], r.SD[i+3] = deviation(&inv, axis, 3), deviation(&inv, axis, 0)
		r.Half95[i], r.Half95[i+3] = t*r.SD[i], t*r.SD[i+3]
	}
	return nil
}

// deviation is that of the part along an axis of three entries of a covariance.
func deviation(cov *mat.SymDense, axis Vec, first int) float64 {
	sum := 0.0
	for i := range 3 {
		for j := range 3 {
			sum += axis[i] * axis[j] * cov.At(first+i, first+j)
		}
	}
	return math.Sqrt(sum)
}
