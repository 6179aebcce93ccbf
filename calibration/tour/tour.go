// Package tour decides to which poses an arm goes for hand-eye, and reads poses that a person chose.
//
// What belongs here: geometry, as pure functions of what was seen so far. What does not: how the arm goes there and
// what may stop it (daemon/control), and when a view is good enough (calibration/live).
package tour

import (
	"errors"
	"fmt"
	"math"

	"sim2reald/calibration"
	"sim2reald/robot"
	"sim2reald/robot/kinematics"
)

const (
	// Poses is how many a tour has.
	Poses = 20
	// first is by how much the hand is turned while nothing is known of where the camera is, rad: the board stays in
	// the picture, and it is enough for a rough calibration.
	first = 9 * math.Pi / 180
	// tilt is by how much the board is then seen tilted, rad.
	tilt = 25 * math.Pi / 180
	// spin is by how much it is turned in the picture, rad, to either side.
	spin = 20 * math.Pi / 180
	// farthest a joint goes from where the tour began, rad, and the flange, m.
	farthest      = 1.0
	farthestShift = 0.4
	// margin is how far a joint stays from the ends of its range, rad.
	margin = 0.05
)

// Planner makes poses around where the arm stands.
type Planner struct {
	Kind   calibration.Kind
	Lens   calibration.Lens
	Board  calibration.Board
	Chain  kinematics.Chain
	Limits robot.Limits // of the joints
	Start  robot.Vector // rad, where the board is in the middle of the picture, or nearly
}

// ErrOver says that there is no further pose.
var ErrOver = errors.New("the tour is over")

// Next gives the n-th pose of the tour, rad, from 1 up, after samples that were taken at poses before. A pose that the
// arm cannot reach is passed over: the number that comes back is that of the pose.
func (p *Planner) Next(n int, samples []calibration.Sample) (robot.Vector, int, error) {
	for ; n < Poses; n++ {
		target, err := p.target(n, samples)
		if err != nil {
			return robot.Vector{}, n, err
		}
		if q, ok := p.reach(target); ok {
			return q, n, nil
		}
	}
	return robot.Vector{}, n, ErrOver
}

// turns are those of the hand while nothing is known: about each of its axes, both ways.
func turns() []calibration.Vec {
	return []calibration.Vec{{first, 0, 0}, {-first, 0, 0}, {0, first, 0}, {0, -first, 0}, {0, 0, 1.5 * first}, {first / 2, first / 2, -1.5 * first}}
}

// target is T_base_flange of the n-th pose.
func (p *Planner) target(n int, samples []calibration.Sample) (calibration.Transform, error) {
	if small := turns(); n <= len(small) {
		at, err := p.Chain.Forward(&p.Start)
		if err != nil {
			return calibration.Transform{}, err
		}
		turn := small[n-1]
		return transformOf(at).Moved([6]float64{turn[0], turn[1], turn[2]}), nil
	}
	known, err := calibration.FitHandEye(p.Kind, p.Lens, p.Board, samples, nil)
	if err != nil {
		return calibration.Transform{}, fmt.Errorf("the first poses do not show where the camera is: %w", err)
	}
	seen, err := calibration.BoardPose(p.Lens, p.Board, samples[0].View)
	if err != nil {
		return calibration.Transform{}, err
	}
	return flangeFor(p.Kind, known.Poses, p.wanted(n, seen)), nil
}

// wanted is T_camera_board of the n-th pose: the board's middle before the camera, as far away as it was, tilted
// another way each time.
func (p *Planner) wanted(n int, seen calibration.Transform) calibration.Transform {
	middle := centre(p.Board)
	away := seen.Apply(middle)
	distance := math.Hypot(away[0], math.Hypot(away[1], away[2])) * (1 + 0.1*float64(n%3-1))
	about := 2.4 * float64(n) // the golden angle
	turn := calibration.Exp(calibration.Vec{tilt * math.Cos(about), tilt * math.Sin(about), 0})
	turn = turn.Mul(calibration.Exp(calibration.Vec{0, 0, spin * float64(n%3-1)}))
	at := calibration.Transform{R: turn.Mul(seen.R), T: calibration.Vec{0, 0, distance}}
	return at.Mul(calibration.Transform{R: calibration.Identity().R, T: calibration.Vec{-middle[0], -middle[1], -middle[2]}})
}

// flangeFor gives T_base_flange at which the camera sees the board there.
func flangeFor(k calibration.Kind, known calibration.Poses, tCameraBoard calibration.Transform) calibration.Transform {
	// T_parent_other, where the board is on other: T_base_flange, or its inverse for a camera in the hand.
	between := known.TParentCamera.Mul(tCameraBoard).Mul(known.TOtherBoard.Inverse())
	if k == calibration.EyeInHand {
		return between.Inverse()
	}
	return between
}

// reach gives joints for a pose of the flange that is near enough to the start.
func (p *Planner) reach(tBaseFlange calibration.Transform) (robot.Vector, bool) {
	limits := p.Limits
	n := p.Chain.N()
	for j := range n {
		limits.QMin[j] = max(limits.QMin[j]+margin, p.Start[j]-farthest)
		limits.QMax[j] = min(limits.QMax[j]-margin, p.Start[j]+farthest)
	}
	solver, err := kinematics.NewSolver(p.Chain, limits, p.Start)
	if err != nil {
		return robot.Vector{}, false
	}
	from, err := p.Chain.Forward(&p.Start)
	if err != nil {
		return robot.Vector{}, false
	}
	d := calibration.Vec{tBaseFlange.T[0] - from.P[0], tBaseFlange.T[1] - from.P[1], tBaseFlange.T[2] - from.P[2]}
	if !(math.Hypot(d[0], math.Hypot(d[1], d[2])) <= farthestShift) {
		return robot.Vector{}, false
	}
	q, err := solver.Reach(&p.Start, &kinematics.Pose{R: kinematics.Rotation(tBaseFlange.R), P: kinematics.Point(tBaseFlange.T)})
	return q, err == nil
}

func transformOf(p kinematics.Pose) calibration.Transform {
	return calibration.Transform{R: calibration.Rotation(p.R), T: calibration.Vec(p.P)}
}

func centre(b calibration.Board) (m calibration.Vec) {
	points := b.Points()
	for _, p := range points {
		for i := range m {
			m[i] += p[i] / float64(len(points))
		}
	}
	return m
}
