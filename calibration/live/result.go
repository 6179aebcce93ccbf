package live

import (
	"fmt"

	"sim2reald/calibration"
)

// Result is what the views came to, in a person's words and units.
type Result struct {
	Title string            `json:"title"`
	Rows  []Row             `json:"rows"`
	Notes map[string]string `json:"-"` // of views that it does without
	Left  []string          `json:"left"`
	More  []string          `json:"more"` // what else there is to know

	Errors map[string]string `json:"-"` // of each view: its reprojection error, or of a pose how far it is off by all others
}

// Row is one parameter.
type Row struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Spread string `json:"spread"` // how well it is known
}

// Lens is a result in words. poses are T_camera_board of the views that were used.
func Lens(r calibration.LensResult, b calibration.Board, used []calibration.View, poses []calibration.Transform, left []calibration.LeftOut) *Result {
	out := &Result{
		Title:  fmt.Sprintf("%d views, reprojection error %.3f px", r.Samples, r.RMS),
		Errors: map[string]string{}, Notes: map[string]string{}, Left: []string{}, More: []string{},
	}
	p := r.Lens.Parameters()
	for i, name := range r.Lens.Names() {
		unit, format := "", "%.5f"
		if i < 4 {
			unit, format = " px", "%.2f"
		}
		row := Row{Name: name, Value: fmt.Sprintf(format, p[i]) + unit}
		if i < len(r.SD) {
			row.Spread = "± " + fmt.Sprintf(format, 1.96*r.SD[i]) + unit
		}
		out.Rows = append(out.Rows, row)
	}
	for i, v := range used {
		out.Errors[v.Name] = fmt.Sprintf("%.2f px", calibration.ReprojectionRMS(r.Lens, poses[i], b, v))
	}
	out.leave(left)
	out.More = append(out.More, "± is half a 95 % interval")
	if r.Serial == "" {
		out.More = append(out.More, "no serial was given: nothing can tell this camera from another later")
	}
	return out
}

func (r *Result) leave(left []calibration.LeftOut) {
	for _, o := range left {
		r.Notes[o.Name] = o.Reason
		r.Left = append(r.Left, fmt.Sprintf("%s left out: %s", o.Name, o.Reason))
	}
}

// Hand is where a camera is, in words.
func Hand(r calibration.HandEyeResult) *Result {
	out := &Result{
		Title:  fmt.Sprintf("the camera in the %s, of %d poses, reprojection error %.3f px", r.Kind.Parent(), r.Samples, r.RMS),
		Errors: map[string]string{}, Notes: map[string]string{}, Left: []string{}, More: []string{},
	}
	turned := calibration.Log(r.TParentCamera.R)
	for i, axis := range []string{"x", "y", "z"} {
		out.Rows = append(out.Rows, Row{axis, fmt.Sprintf("%.2f mm", 1e3*r.TParentCamera.T[i]), fmt.Sprintf("± %.2f mm", 1e3*r.Half95[i])})
	}
	for i, axis := range []string{"turn x", "turn y", "turn z"} {
		out.Rows = append(out.Rows, Row{axis, fmt.Sprintf("%.3f°", degrees(turned[i])), fmt.Sprintf("± %.3f°", degrees(r.Half95[i+3]))})
	}
	out.leave(r.Outliers)
	worst := calibration.Residual{}
	for _, s := range r.Residuals {
		out.Errors[s.Name] = fmt.Sprintf("%.2f mm", 1e3*s.Shift)
		if s.Shift > worst.Shift {
			worst = s
		}
	}
	out.More = append(out.More,
		fmt.Sprintf("± is half a 95 %% interval along and about the %s's axes; the lens is taken as known", r.Kind.Parent()),
		fmt.Sprintf("each pose against all others: at most %.2f mm and %.3f° (%s)", 1e3*worst.Shift, degrees(worst.Turn), worst.Name))
	if r.Noise != (calibration.ArmNoise{}) {
		out.More = append(out.More, fmt.Sprintf("the arm seems off by %.2f mm and %.3f° from where it says", 1e3*r.Noise.Shift, degrees(r.Noise.Turn)))
	}
	for _, s := range r.Solvers {
		out.More = append(out.More, fmt.Sprintf("solver %s: %.2f mm and %.3f° from the refined, %.2f px", s.Solver, 1e3*s.Shift, degrees(s.Turn), s.RMS))
	}
	return out
}
