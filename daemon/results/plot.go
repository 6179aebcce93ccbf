package results

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Size of a picture, and its resolution.
const (
	pictureWidth  = 16 * vg.Centimeter
	pictureHeight = 9 * vg.Centimeter
	pictureDPI    = 144
)

// draw adds an experiment's pictures to the page.
func (w *writer) draw(s section) error {
	for _, picture := range []struct {
		file, about string
		make        func(section) (*plot.Plot, error)
	}{
		{s.Name + "-success.png", "success of each arm", successPlot},
		{s.Name + "-parameters.png", "success by trained parameters", parametersPlot},
		{s.Name + "-shifts.png", "success under shifts", shiftsPlot},
	} {
		p, err := picture.make(s)
		if err != nil {
			return fmt.Errorf("%s: %w", picture.file, err)
		}
		if p == nil {
			continue
		}
		if w.pictures[picture.file], err = png(p); err != nil {
			return fmt.Errorf("%s: %w", picture.file, err)
		}
		w.printf("![%s: %s](%s)\n\n", s.Title, picture.about, picture.file)
	}
	return nil
}

func png(p *plot.Plot) ([]byte, error) {
	c := vgimg.NewWith(vgimg.UseWH(pictureWidth, pictureHeight), vgimg.UseDPI(pictureDPI))
	const margin = 8
	p.Draw(draw.Crop(draw.New(c), vg.Points(margin), -vg.Points(margin), vg.Points(margin), -vg.Points(margin)))
	var out bytes.Buffer
	_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(&out)
	return out.Bytes(), err
}

// newPlot has success in per cent upwards.
func newPlot(title string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.Padding = vg.Points(6)
	p.Y.Label.Text = "success, %"
	p.Y.Min, p.Y.Max = 0, 100
	sans(&p.Title.TextStyle.Font, 11)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		sans(&a.Label.TextStyle.Font, 10)
		sans(&a.Tick.Label.Font, 9)
	}
	sans(&p.Legend.TextStyle.Font, 9)
	p.Y.Tick.Marker = plot.ConstantTicks{{Value: 0, Label: "0"}, {Value: 25, Label: "25"}, {Value: 50, Label: "50"}, {Value: 75, Label: "75"}, {Value: 100, Label: "100"}}
	grid := plotter.NewGrid()
	grid.Vertical.Width = 0
	p.Add(grid)
	return p
}

func sans(f *font.Font, points float64) { f.Variant, f.Size = "Sans", vg.Points(points) }

// colours are Okabe and Ito's, which the colour-blind can tell apart.
func colours(i int) color.Color {
	all := []color.RGBA{
		{0, 114, 178, 255}, {213, 94, 0, 255}, {0, 158, 115, 255}, {204, 121, 167, 255}, {230, 159, 0, 255}, {86, 180, 233, 255}, {90, 90, 90, 255},
	}
	return all[i%len(all)]
}

// series are figures with their intervals, in per cent.
type series struct {
	x []float64
	f []Figure
}

// Len, XY and YError are what gonum's plotters ask for.
func (s series) Len() int { return len(s.x) }

// XY is one point.
func (s series) XY(i int) (x, y float64) { return s.x[i], 100 * s.f[i].Rate }

// YError is how far the interval reaches down and up.
func (s series) YError(i int) (low, high float64) {
	return 100 * math.Max(0, s.f[i].Rate-s.f[i].Low), 100 * math.Max(0, s.f[i].High-s.f[i].Rate)
}

// add draws a series, and gives its points for a legend.
func (s series) add(p *plot.Plot, c color.Color) (*plotter.Scatter, error) {
	bars, err := plotter.NewYErrorBars(s)
	if err != nil {
		return nil, err
	}
	bars.Color, bars.Width, bars.CapWidth = c, vg.Points(1.5), vg.Points(7)
	dots, err := plotter.NewScatter(s)
	if err != nil {
		return nil, err
	}
	dots.GlyphStyle = draw.GlyphStyle{Color: c, Radius: vg.Points(4), Shape: draw.CircleGlyph{}}
	p.Add(bars, dots)
	return dots, nil
}

// successPlot shows each arm with its interval, and each of its training seeds beside it; nil without a figure, and
// where shiftsPlot shows the same and more.
func successPlot(s section) (*plot.Plot, error) {
	if s.shifted() {
		return nil, nil
	}
	p := newPlot(s.Title)
	var names []string
	for _, r := range s.rows {
		f, ok := r.Success(r.shift())
		if !ok {
			continue
		}
		at := float64(len(names))
		names = append(names, strings.ReplaceAll(r.Label, ", ", ",\n")) // a long one beside another
		var each plotter.XYs
		for _, v := range r.bySeed(r.shift()) {
			each = append(each, plotter.XY{X: at + 0.15, Y: 100 * v})
		}
		dots, err := plotter.NewScatter(each)
		if err != nil {
			return nil, err
		}
		dots.GlyphStyle = draw.GlyphStyle{Color: color.Gray{130}, Radius: vg.Points(2), Shape: draw.CircleGlyph{}}
		p.Add(dots)
		if _, err := (series{[]float64{at}, []Figure{f}}).add(p, colours(0)); err != nil {
			return nil, err
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	p.NominalX(names...)
	p.X.Min, p.X.Max = -0.6, float64(len(names))-0.4
	p.X.Label.Text = "95 % intervals; grey: each training seed"
	return p, nil
}

// parametersPlot shows success by the number of trained parameters, which spans decades; nil below three arms.
func parametersPlot(s section) (*plot.Plot, error) {
	var points series
	var labels []string
	for _, r := range s.rows {
		n, _ := r.cost()
		if f, ok := r.Success(r.shift()); ok && n > 0 {
			points.x, points.f, labels = append(points.x, float64(n)), append(points.f, f), append(labels, r.Label)
		}
	}
	if len(labels) < 3 {
		return nil, nil
	}
	p := newPlot(s.Title)
	p.X.Label.Text = "trained parameters"
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, decades{}
	if _, err := points.add(p, colours(0)); err != nil {
		return nil, err
	}
	at, err := plotter.CopyXYs(points)
	if err != nil {
		return nil, err
	}
	names, err := plotter.NewLabels(plotter.XYLabels{XYs: at, Labels: labels})
	if err != nil {
		return nil, err
	}
	for i := range names.TextStyle {
		sans(&names.TextStyle[i].Font, 9)
	}
	names.Offset = vg.Point{X: vg.Points(6), Y: vg.Points(3)}
	p.Add(names)
	p.X.Min, p.X.Max = slices.Min(points.x)/2, slices.Max(points.x)*6 // room for the last label
	return p, nil
}

// decades are ticks at powers of ten.
type decades struct{}

// Ticks are those between two numbers.
func (decades) Ticks(low, high float64) []plot.Tick {
	var out []plot.Tick
	for e := math.Ceil(math.Log10(low)); math.Pow(10, e) <= high; e++ {
		v := math.Pow(10, e)
		label := thousands(int(v))
		if v >= 1e6 {
			label = thousands(int(v/1e6)) + " M"
		}
		out = append(out, plot.Tick{Value: v, Label: label})
	}
	return out
}

// shifted reports whether any row is evaluated under more than one shift.
func (s section) shifted() bool {
	return slices.ContainsFunc(s.rows, func(r *Standing) bool { return len(r.Experiment.Evaluation.Shifts) > 1 })
}

// shiftsPlot shows each row under each shift, rows side by side; nil where no shift was evaluated.
func shiftsPlot(s section) (*plot.Plot, error) {
	if !s.shifted() {
		return nil, nil
	}
	p := newPlot(s.Title)
	var names []string
	var rows []*Standing
	for _, r := range s.rows {
		if len(r.underShifts(&names, 0).x) > 0 {
			rows = append(rows, r)
		}
	}
	const apart = 0.16
	for shown, r := range rows {
		points := r.underShifts(&names, apart*(float64(shown)-float64(len(rows)-1)/2))
		dots, err := points.add(p, colours(shown))
		if err != nil {
			return nil, err
		}
		p.Legend.Add(r.Label, dots)
	}
	if len(names) == 0 {
		return nil, nil
	}
	p.NominalX(names...)
	p.X.Min, p.X.Max = -0.6, float64(len(names))-0.4+0.4*float64(len(names)) // room for the legend
	if len(names) > 5 {
		p.X.Tick.Label.Rotation, p.X.Tick.Label.XAlign = math.Pi/6, draw.XRight
	}
	p.Legend.Top = true
	return p, nil
}

// underShifts are a row's figures, each above the place of its shift in names, to which new ones are added.
func (s *Standing) underShifts(names *[]string, aside float64) (out series) {
	for _, shift := range s.Experiment.Evaluation.Shifts {
		f, ok := s.Success(shift)
		if !ok {
			continue
		}
		at := slices.Index(*names, shift)
		if at < 0 {
			at = len(*names)
			*names = append(*names, shift)
		}
		out.x, out.f = append(out.x, float64(at)+aside), append(out.f, f)
	}
	return out
}
