package train

import (
	"fmt"
	"math"
	"math/rand/v2"

	"sim2reald/model/dataset"
	"sim2reald/model/preprocess"
	"sim2reald/robot"
)

// Floors of standard deviations. What hardly varies in the demonstrations must not be blown up on the robot.
const (
	featureFloor = 1e-3
	actionFloor  = 1e-3 // rad/s, and of the gripper's range
	proprioFloor = 1e-2 // rad
)

// examples are rows of features and of labels, in the order of episodes, steps and views.
type examples struct {
	n, in, out   int
	x, y, weight []float32 // (n, in), (n, out), (n, out); weight 0 where a chunk runs past the episode's end
	of           []origin
	// show copies what example i sees in an epoch into row r of a network's inputs. Validation is no epoch: -1.
	show func(epoch, i, r int, input [][]float32) error
}

// features shows a head its cached features, and the positions.
func (ex *examples) features(_, i, r int, input [][]float32) error {
	copy(input[0][r*ex.in:(r+1)*ex.in], ex.x[i*ex.in:])
	return nil
}

// origin is what an example shows.
type origin struct{ episode, step, view int } // episode counts through demonstrations.episodes

// demonstrations are the successful episodes, with their pictures only where those are asked for.
type demonstrations struct {
	episodes []*dataset.Episode
	excluded int // failures
}

func readDemonstrations(d *dataset.Dataset, pictures bool) (*demonstrations, error) {
	out := &demonstrations{}
	for _, seed := range d.Seeds() {
		e, err := d.Episode(seed)
		if err != nil {
			return nil, err
		}
		if !e.Success {
			out.excluded++
			continue
		}
		for i := range e.Steps {
			if !pictures {
				e.Steps[i].Pictures = nil
			}
		}
		out.episodes = append(out.episodes, e)
	}
	if len(out.episodes) == 0 {
		return nil, fmt.Errorf("%w: no successful episode among %d; collect demonstrations", ErrOptions, out.excluded)
	}
	return out, nil
}

// split draws the held-out episodes; result[i] is true where episode i is held out. At least one is trained on.
func split(n int, share float64, seed int64) []bool {
	held := make([]bool, n)
	count := min(int(math.Round(share*float64(n))), n-1)
	r := rand.New(rand.NewPCG(uint64(seed), streamSplit))
	for _, i := range r.Perm(n)[:count] {
		held[i] = true
	}
	return held
}

// Streams keep the random draws of one seed apart by their purpose.
const (
	streamSplit   = 1
	streamShuffle = 2
	streamNoise   = 3
)

// label clips the teacher's wish to the speed limits of the demonstrations, which the robot will be under too.
func label(s *dataset.Step, n int, lim *robot.Limits) robot.Command {
	c := robot.Command{Mode: robot.Velocity, Gripper: min(max(s.Wanted.Gripper, 0), 1)}
	for j := range n {
		c.DQ[j] = min(max(s.Wanted.DQ[j], -lim.DQMax[j]), lim.DQMax[j])
	}
	return c
}

// moments gives mean and standard deviation of each of width columns, over the rows that row yields.
func moments(width, n int, floor float64, row func(i int) []float64) preprocess.Stats {
	sum, square := make([]float64, width), make([]float64, width)
	for i := range n {
		for k, v := range row(i) {
			sum[k] += v
		}
	}
	for k := range sum {
		sum[k] /= float64(n)
	}
	for i := range n {
		for k, v := range row(i) {
			square[k] += (v - sum[k]) * (v - sum[k])
		}
	}
	s := preprocess.Stats{Mean: make([]float32, width), Std: make([]float32, width)}
	for k := range sum {
		s.Mean[k] = float32(sum[k])
		s.Std[k] = float32(max(math.Sqrt(square[k]/float64(n)), floor))
	}
	return s
}

// assembly puts features, positions and labels side by side.
type assembly struct {
	features [][]float32 // per episode (steps, views, width)
	width    int
	views    int // in features
	history  int // observations side by side, oldest first; before the first step stands the first
	chunk    int
	joints   int
	proprio  *preprocess.Stats // nil for none
	actions  *preprocess.Actions
	limits   robot.Limits
}

// examples takes the episodes where held is as asked, so many views of each frame: the plain one alone to validate.
func (a *assembly) examples(d *demonstrations, held []bool, want bool, views int) (*examples, error) {
	ex := &examples{in: a.history * a.width, out: a.chunk * a.actions.Dim()}
	ex.show = ex.features
	if a.proprio != nil {
		ex.in += a.joints
	}
	for i, e := range d.episodes {
		if held[i] != want {
			continue
		}
		for s := range e.Steps {
			if err := a.append(ex, i, e, s, views); err != nil {
				return nil, fmt.Errorf("episode of seed %d, step %d: %w", e.Seed, s, err)
			}
		}
	}
	return ex, nil
}

func (a *assembly) append(ex *examples, i int, e *dataset.Episode, s, views int) error {
	y, weight := make([]float32, ex.out), make([]float32, ex.out)
	dim := a.actions.Dim()
	for k := range min(a.chunk, len(e.Steps)-s) {
		c := label(&e.Steps[s+k], a.joints, &a.limits)
		if err := a.actions.Encode(&c, &e.Steps[s+k].Q, y[k*dim:(k+1)*dim]); err != nil {
			return err
		}
		for j := range dim {
			weight[k*dim+j] = 1
		}
	}
	for v := range views {
		for back := a.history - 1; back >= 0; back-- {
			at := (max(s-back, 0)*a.views + v) * a.width
			ex.x = append(ex.x, a.features[i][at:at+a.width]...)
		}
		if a.proprio != nil {
			ex.x = append(ex.x, a.positions(&e.Steps[s])...)
		}
		ex.y, ex.weight = append(ex.y, y...), append(ex.weight, weight...)
		ex.of = append(ex.of, origin{i, s, v})
		ex.n++
	}
	return nil
}

// positions standardises as preprocess.Observer does.
func (a *assembly) positions(s *dataset.Step) []float32 {
	out := make([]float32, a.joints)
	for j := range out {
		out[j] = (float32(s.Q[j]) - a.proprio.Mean[j]) / a.proprio.Std[j]
	}
	return out
}
