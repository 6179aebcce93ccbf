package calibration

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
	"gonum.org/v1/gonum/stat/distuv"
)

// contradicted reports whether the views contradict each other by more than pixel noise can: not one time in a
// thousand would it do so by chance. Then the arm is not where it says, the flange yields, or a corner is biased.
func contradicted(at normal) bool {
	free, within := float64(6*len(at.terms)-12), float64(at.rows-6*len(at.terms))
	if free < 1 || within < 1 {
		return false
	}
	return at.between/free > distuv.F{D1: free, D2: within}.Quantile(0.999)
}

// estimateNoise gives the arm's noise that makes the contradictions most likely, by restricted maximum
// likelihood around the poses.
func (h *handEyeProblem) estimateNoise(p Poses) ArmNoise {
	seen, ok := h.sights(p)
	if !ok {
		return ArmNoise{}
	}
	problem := *h
	cost := func(x []float64) float64 {
		problem.noise = ArmNoise{Turn: math.Exp(x[0]), Shift: math.Exp(x[1])}
		return problem.assemble(seen).unlikeliness()
	}
	start := []float64{math.Log(5e-4), math.Log(2e-4)}
	best, err := optimize.Minimize(optimize.Problem{Func: cost}, start,
		&optimize.Settings{FuncEvaluations: 200, Converger: &optimize.FunctionConverge{Absolute: 0.02, Iterations: 15}}, &optimize.NelderMead{})
	if best == nil || (err != nil && math.IsInf(best.F, 1)) {
		return ArmNoise{}
	}
	return ArmNoise{Turn: math.Exp(best.X[0]), Shift: math.Exp(best.X[1])}
}

// unlikeliness is -2 log of the restricted likelihood, less a constant.
func (n normal) unlikeliness() float64 {
	var chol mat.Cholesky
	var x mat.VecDense
	if !chol.Factorize(n.n) {
		return math.Inf(1)
	}
	if err := chol.SolveVecTo(&x, n.b); err != nil {
		return math.Inf(1)
	}
	sum := chol.LogDet() + n.between - mat.Dot(&x, n.b)
	for _, t := range n.terms {
		det, _ := mat.LogDet(t.w)
		sum -= det
	}
	return sum
}
