package reference

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Reference is what a camera showed in the demonstrations, as a bundle keeps it, and how far those agree with it.
type Reference struct {
	Camera    string    `json:"camera"`
	Pictures  int       `json:"pictures"`           // of which it is the mean
	Episodes  int       `json:"episodes,omitempty"` // that these are of; 0: older, not counted
	RGB       []byte    `json:"rgb"`                // 3 x Side x Side, row by row from the top
	Deviation []byte    `json:"deviation"`          // Side x Side, of the logarithm of a cell's light between pictures, in 1/255
	Fit       float64   `json:"fit"`                // least agreement of a demonstration's picture, 1 at most
	Leads     []float64 `json:"leads"`              // by how much, at least, that was above its agreement with the reference turned, for each Turn but Upright
	Hue       float64   `json:"hue"`                // least agreement in colour
	// Moves is how far, at most, a demonstration's picture lay from the mean, in widths of it (Mount.Far); 0: older, not measured.
	Moves float64 `json:"moves,omitempty"`
}

// Maker gathers views of one camera's demonstrations.
type Maker struct {
	views    []View
	episodes int
}

// Begin says that the next views are of another episode.
func (m *Maker) Begin() { m.episodes++ }

// Add takes one more.
func (m *Maker) Add(v *View) { m.views = append(m.views, *v) }

// Make makes the reference of them.
func (m *Maker) Make(camera string) (Reference, error) {
	if len(m.views) == 0 {
		return Reference{}, errors.New("no pictures to make a reference of")
	}
	r := Reference{Camera: camera, Pictures: len(m.views), Episodes: m.episodes}
	mean, deviation := m.statistics()
	for i := range Side * Side {
		y, x := i/Side, i%Side
		for c := range 3 {
			r.RGB = append(r.RGB, byte(math.Round(mean[y][x][c])))
		}
		r.Deviation = append(r.Deviation, byte(math.Round(min(255*deviation[y][x], 255))))
	}
	return r, m.measure(&r)
}

// statistics are the mean picture, and the deviations of the logarithm of light.
func (m *Maker) statistics() (mean picture, deviation [Side][Side]float64) {
	n := float64(len(m.views))
	var sum, squares [Side][Side]float64
	for i := range m.views {
		p := m.views[i].at(0, 0)
		for y := range Side {
			for x := range Side {
				for c, v := range p[y][x] {
					mean[y][x][c] += v / n
				}
				l := light(&p[y][x])
				sum[y][x], squares[y][x] = sum[y][x]+l/n, squares[y][x]+l*l/n
			}
		}
	}
	for y := range Side {
		for x := range Side {
			deviation[y][x] = math.Sqrt(max(0, squares[y][x]-sum[y][x]*sum[y][x]))
		}
	}
	return mean, deviation
}

// measure finds how well every picture of the demonstrations agrees.
func (m *Maker) measure(r *Reference) error {
	c, err := r.comparer()
	if err != nil {
		return err
	}
	r.Fit, r.Hue, r.Leads = 1, 1, slices.Repeat([]float64{2}, int(turns)-1)
	for i := range m.views {
		fits, hue := c.compare(&m.views[i])
		r.Fit, r.Hue = min(r.Fit, fits[Upright]), min(r.Hue, hue)
		for t := range r.Leads {
			r.Leads[t] = min(r.Leads[t], fits[Upright]-fits[t+1])
		}
		if m.episodes > 0 {
			mount := c.scene.mount(&m.views[i])
			r.Moves = max(r.Moves, min(rounded(mount.Far()), 1), 0.001)
		}
	}
	for t := range r.Leads {
		r.Leads[t] = rounded(r.Leads[t])
	}
	r.Fit, r.Hue = rounded(r.Fit), rounded(r.Hue)
	return nil
}

// rounded keeps a manifest readable.
func rounded(x float64) float64 { return math.Round(1000*x) / 1000 }

// Validate says what is wrong with a reference that a file holds.
func (r *Reference) Validate() error {
	if len(r.RGB) != 3*Side*Side || len(r.Deviation) != Side*Side || len(r.Leads) != int(turns)-1 {
		return fmt.Errorf("picture of %d bytes, %d deviations, %d leads; want %d, %d and %d",
			len(r.RGB), len(r.Deviation), len(r.Leads), 3*Side*Side, Side*Side, int(turns)-1)
	}
	if r.Camera == "" || r.Pictures < 1 {
		return fmt.Errorf("camera %q, mean of %d pictures; want a name, and 1 or more", r.Camera, r.Pictures)
	}
	if r.Episodes < 0 || !(r.Moves >= 0 && r.Moves <= 1) { // NaN too
		return fmt.Errorf("%d episodes, %g of the picture between them; want 0 or more, and 0 to 1", r.Episodes, r.Moves)
	}
	for _, x := range append([]float64{r.Fit, r.Hue}, r.Leads...) {
		if !(x >= -2 && x <= 2) { // NaN too
			return fmt.Errorf("agreement %g, want -2 to 2", x)
		}
	}
	return nil
}
