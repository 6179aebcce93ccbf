package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"sim2reald/model/dataset/lerobot"
	"sim2reald/robot"
)

// OpenLeRobot opens a LeRobot dataset by a mapping, whether or not one lies in its folder.
func OpenLeRobot(dir string, m *Mapping) (*Dataset, error) {
	d, err := openForeign(dir, m)
	if err != nil {
		return nil, fmt.Errorf("opening dataset %s: %w", dir, err)
	}
	return d, nil
}

func openForeign(dir string, m *Mapping) (*Dataset, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	set, err := lerobot.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; fetch the whole dataset", err)
	}
	if err != nil {
		return nil, err
	}
	f := &foreign{m: m, set: set, episodes: map[int64]int{}}
	if err := f.fit(); err != nil {
		return nil, err
	}
	d := &Dataset{Meta: m.Meta, dir: dir, foreign: f}
	for i, e := range set.Episodes {
		if _, twice := f.episodes[e.Seed]; twice {
			return nil, fmt.Errorf("%w: two episodes of seed %d", ErrMapping, e.Seed)
		}
		f.episodes[e.Seed] = i
		d.seeds = append(d.seeds, e.Seed)
	}
	slices.Sort(d.seeds)
	return d, nil
}

// foreign reads the episodes of a LeRobot dataset.
type foreign struct {
	m        *Mapping
	set      *lerobot.Set
	episodes map[int64]int // by seed
	position *picked
	velocity *picked // nil: from the positions
	action   *picked
	sent     *picked // nil: the action
}

// picked are columns with their dimensions found.
type picked struct {
	Columns
	width   int
	joints  []int // base to tip
	gripper int
}

// episode reads one and turns it into SI units and velocities.
func (f *foreign) episode(seed int64) (*Episode, error) {
	frames, err := f.set.Frames(f.episodes[seed])
	if err != nil {
		return nil, err
	}
	e, err := f.numbers(frames, seed)
	if err == nil {
		err = f.pictures(frames, e)
	}
	if err := errors.Join(err, frames.Close()); err != nil {
		return nil, err
	}
	if f.action.Kind == KindPosition {
		if e.Steps, err = differences(e.Steps, f.m.Sent == nil, f.m.Meta.ControlRateHz); err != nil {
			return nil, err
		}
	}
	file, err := e.file(&f.m.Meta)
	if err != nil {
		return nil, err
	}
	e.Digest = file.Metadata["digest"]
	return e, nil
}

// numbers reads all but the pictures.
func (f *foreign) numbers(frames *lerobot.Frames, seed int64) (*Episode, error) {
	e := &Episode{Seed: seed, Success: true, Steps: make([]Step, f.set.Episodes[f.episodes[seed]].Length)}
	for _, read := range []func(*lerobot.Frames, *Episode) error{f.measured, f.commands, f.marks} {
		if err := read(frames, e); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// rows hands a feature's joints, in SI units, and gripper to the steps.
func (f *foreign) rows(frames *lerobot.Frames, p *picked, e *Episode, put func(s *Step, joints robot.Vector, gripper float64)) error {
	values, err := frames.Numbers(p.Feature)
	if err != nil {
		return err
	}
	for i := range e.Steps {
		row := values[i*p.width : (i+1)*p.width]
		var joints robot.Vector
		for j, at := range p.joints {
			joints[j] = row[at] * p.scale()
		}
		gripper, err := p.closed(row)
		if err != nil {
			return fmt.Errorf("%w: frame %d: %w", ErrMapping, i, err)
		}
		put(&e.Steps[i], joints, gripper)
	}
	return nil
}

// astray is how far beyond open or closed a gripper may read, as a part of its range, before the mapping is doubted.
const astray = 0.1

// closed is how far the gripper is, from 0 open to 1 closed.
func (p *picked) closed(row []float64) (float64, error) {
	if p.gripper < 0 {
		return 0, nil
	}
	x := (row[p.gripper] - p.Gripper.Open) / (p.Gripper.Closed - p.Gripper.Open)
	if !(x >= -astray && x <= 1+astray) {
		return 0, fmt.Errorf("%s: the gripper reads %g where open is %g and closed %g; mend these", p.Feature, row[p.gripper], p.Gripper.Open, p.Gripper.Closed)
	}
	return x, nil
}

func (f *foreign) measured(frames *lerobot.Frames, e *Episode) error {
	err := f.rows(frames, f.position, e, func(s *Step, q robot.Vector, gripper float64) { s.Q, s.Gripper = q, gripper })
	if err != nil {
		return err
	}
	if f.velocity != nil {
		return f.rows(frames, f.velocity, e, func(s *Step, dq robot.Vector, _ float64) { s.DQ = dq })
	}
	for i := 1; i < len(e.Steps); i++ { // what the arm did until this frame: no policy could know more
		e.Steps[i].DQ = velocity(e.Steps[i-1].Q, e.Steps[i].Q, f.m.Meta.ControlRateHz)
	}
	return nil
}

func velocity(from, to robot.Vector, rate float64) (dq robot.Vector) {
	for j := range dq {
		dq[j] = (to[j] - from[j]) * rate
	}
	return dq
}

func (f *foreign) commands(frames *lerobot.Frames, e *Episode) error {
	err := f.rows(frames, f.action, e, func(s *Step, dq robot.Vector, gripper float64) {
		s.Wanted = robot.Command{Mode: robot.Velocity, DQ: dq, Gripper: gripper}
		s.Sent = s.Wanted
	})
	if err != nil || f.sent == nil {
		return err
	}
	return f.rows(frames, f.sent, e, func(s *Step, dq robot.Vector, gripper float64) {
		s.Sent = robot.Command{Mode: robot.Velocity, DQ: dq, Gripper: gripper}
	})
}

// differences turns targets into the velocities between them. Nobody knows where the arm would have gone from the last
// one, so that frame is left out: a label of rest would be false.
func differences(steps []Step, sent bool, rate float64) ([]Step, error) {
	if len(steps) < 2 {
		return nil, fmt.Errorf("%w: an episode of %d frames has no difference of positions; leave it out", ErrMapping, len(steps))
	}
	for i := range len(steps) - 1 {
		steps[i].Wanted.DQ = velocity(steps[i].Wanted.DQ, steps[i+1].Wanted.DQ, rate)
		if sent {
			steps[i].Sent = steps[i].Wanted
		}
	}
	return steps[:len(steps)-1], nil
}

// marks reads the time and the success.
func (f *foreign) marks(frames *lerobot.Frames, e *Episode) error {
	for i := range e.Steps {
		e.Steps[i].Stamp = time.Duration(float64(i) / f.m.Meta.ControlRateHz * float64(time.Second))
	}
	if f.m.StampNs != "" {
		stamps, err := frames.Whole(f.m.StampNs)
		if err != nil {
			return err
		}
		for i := range stamps {
			e.Steps[i].Stamp = time.Duration(stamps[i])
		}
	}
	if f.m.Success == "" {
		return nil
	}
	marks, err := frames.Numbers(f.m.Success)
	if err == nil {
		e.Success = marks[len(marks)-1] != 0
	}
	return err
}

func (f *foreign) pictures(frames *lerobot.Frames, e *Episode) error {
	for _, c := range f.m.Meta.Cameras {
		all, err := frames.Pictures(f.m.Cameras[c.Name])
		if err != nil {
			return err
		}
		for i := range e.Steps {
			e.Steps[i].Pictures = append(e.Steps[i].Pictures, all[i])
		}
	}
	return nil
}
