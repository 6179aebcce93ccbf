package space

import (
	"math"

	"sim2reald/robot"
	"sim2reald/robot/kinematics"
	"sim2reald/robot/limit"
)

const (
	// skin is the clearance, m, that is asked for where a way is looked at; between two looks it may be used up.
	skin = 0.0005
	// trifle is by how much, m, the tolerance of a way counts as none, where so much is left: or an arm at rest beside a
	// wall would be held there by what its joints could do differently in the first millisecond.
	trifle = 0.00005
	// rounding is what arithmetic may take from a clearance, m.
	rounding = 1e-12
	// looks is how often one way is looked at before it counts as too long for a place so narrow.
	looks = 24
)

// way is what may happen after a command: from the joint positions from, rad, along velocities v, rad/s, for end s; beside
// the line each joint may be off by tolerances that grow along it.
type way struct {
	from, v robot.Vector
	end     float64
	// Joint j may be off by ramp[j] rad, by |v[j]| times how far the way has got but no more than uneven s, and by gain[j]
	// rad/s times how far it has got.
	ramp, gain robot.Vector
	uneven     float64
}

// after is the way after a command of velocities v, rad/s, at position q: its period h (s), then blind s of the same, then
// a stop.
//
// Joints that brake each by itself get as far, in units of their own speed, as some time on the line; at one moment these
// times differ by no more than half the longest stop, so that all are within a quarter of it of their middle: uneven.
// Where jerk is known, a stop begins later by what it takes to turn the acceleration round, and meanwhile a joint that
// accelerates gains what letting go of that takes. A bridge that ramps from the velocity before gets farther by what the
// ramp takes, or less far.
func (s *Space) after(q, v *robot.Vector, sent *limit.Sent, h float64, lim *robot.Limits) way {
	w := way{from: *q, v: *v}
	longest, late := 0.0, 0.0
	for j := range s.cfg.Chain.N() {
		longest = max(longest, math.Abs(v[j])/lim.DDQMax[j])
		change := v[j] - sent.DQ[j]
		if s.cfg.Ramps {
			w.ramp[j] = change * change / (2 * lim.DDQMax[j])
		}
		if jerk := lim.DDDQMax[j]; jerk > 0 {
			late = max(late, 2*lim.DDQMax[j]/jerk)
			a := change / h
			w.gain[j] = a * a / (2 * jerk)
		}
	}
	w.end = h + s.cfg.Blind.Seconds() + longest/2 + late
	w.uneven = (longest + 2*late) / 4
	return w
}

// at is the point of the line after f s.
func (w *way) at(f float64, n int) robot.Vector {
	q := w.from
	for j := range n {
		q[j] += w.v[j] * f
	}
	return q
}

// bounds are what a way can do to a clearance: by how much, m, its tolerance takes from it, and how far its change bends
// from a straight one, m/s².
type bounds struct{ ramp, uneven, gain, bend float64 }

// of sums up joints from first to the part's own. A point moves by reach per rad of a joint; its acceleration on the line
// is that of joints i and k turning about each other, which is no more than the reach of the outer of the two.
func (w *way) of(p *part, first int) bounds {
	var b bounds
	inner := 0.0
	for j := first; j < p.Joint; j++ {
		r, v := p.reach[j], math.Abs(w.v[j])
		b.ramp += r * w.ramp[j]
		b.uneven += r * v
		b.gain += r * w.gain[j]
		b.bend += r * v * (v + 2*inner)
		inner += v
	}
	return b
}

// taken is what the tolerance takes from a clearance after f s, m.
func (w *way) taken(b *bounds, f float64) float64 {
	return b.ramp + b.uneven*min(f, w.uneven) + b.gain*f
}

// growth is how fast that grows from there, m/s.
func (w *way) growth(b *bounds, f float64) float64 {
	if f < w.uneven {
		return b.uneven + b.gain
	}
	return b.gain
}

// clear reports whether no clearance falls below zero anywhere on a way; at an arm that is outside, none below what it is.
// Look was asked about where the arm is.
func (s *Space) clear(w *way) bool {
	for i := range s.parts {
		s.byPart[i] = w.of(&s.parts[i], 0)
	}
	for i, p := range s.pairs {
		s.byPair[i] = w.of(&s.parts[p.outer], s.parts[p.inner].Joint)
	}
	f := 0.0
	for range looks {
		q := w.at(f, s.cfg.Chain.N())
		if s.place(&q) != nil {
			return false
		}
		moves := s.moves(w)
		ahead := s.ahead(w, &moves, f)
		if ahead <= 0 {
			return false
		}
		if f += ahead; f >= w.end {
			return true
		}
	}
	return false
}

// ahead is for how long, s, a way stays clear from where the capsules are placed, f s along it; 0 where it is not clear
// here.
func (s *Space) ahead(w *way, m *motions, f float64) float64 {
	step := w.end - f
	for i := range s.parts {
		if step = min(step, s.aheadOfBox(w, m, f, i, step)); step <= 0 {
			return 0
		}
	}
	for i, p := range s.pairs {
		if step = min(step, s.aheadOfPair(w, m, f, i, p, step)); step <= 0 {
			return 0
		}
	}
	return step
}

func (s *Space) aheadOfBox(w *way, all *motions, f float64, i int, step float64) float64 {
	p := &s.parts[i]
	if !p.boxed {
		return step
	}
	b := &s.byPart[i]
	taken, growth, m := w.taken(b, f), w.growth(b, f), &all[p.Joint]
	for end := range 2 {
		v := m.of(s.ends[i][end])
		for k := range 6 {
			speed := v[k/2]
			if k%2 == 1 {
				speed = -speed
			}
			if step = soon(s.toSide(i, end, k), s.floors[12*i+6*end+k], taken, speed-growth, b.bend, step); step <= 0 {
				return 0
			}
		}
	}
	return step
}

// aheadOfPair sees the outer part from the inner one's coordinate frame, in which the plane between them stands still.
func (s *Space) aheadOfPair(w *way, all *motions, f float64, i int, p pair, step float64) float64 {
	b := &s.byPair[i]
	direction, room := s.apart(p)
	taken, growth := w.taken(b, f), w.growth(b, f)
	m := all.between(s.parts[p.inner].Joint, s.parts[p.outer].Joint)
	first := direction.Dot(s.ends[p.outer][0])
	second := direction.Dot(s.ends[p.outer][1])
	for end, along := range [2]float64{first, second} {
		speed := direction.Dot(m.of(s.ends[p.outer][end])) - growth
		here := room + along - min(first, second) // the nearer end has no more than what the capsules have
		if step = soon(here, s.floors[12*len(s.parts)+i], taken, speed, b.bend, step); step <= 0 {
			return 0
		}
	}
	return step
}

// soon is how much of step a clearance lasts that is room now, less what a tolerance takes, was floor where the arm is,
// and changes at speed, m/s, bending by no more than bend, m/s²; 0 where it does not last at all.
func soon(room, floor, taken, speed, bend, step float64) float64 {
	keep := min(skin, floor)
	free := min(trifle, keep) // and what a clearance may sink to: with it taken, to zero
	end := free
	if keep < 0 { // outside: no deeper than by a trifle
		free, end = trifle, keep-trifle
	}
	room -= max(0, taken-free)
	if !(room >= keep-rounding) {
		return 0
	}
	spare := max(room, keep) - end
	if spare+step*(speed-bend*step/2) >= 0 {
		return step
	}
	// The positive root of spare + speed·t - bend·t²/2, which does not cancel for a speed below zero.
	root := math.Sqrt(speed*speed + 2*bend*spare)
	if speed > 0 {
		return min(step, (speed+root)/bend)
	}
	return min(step, 2*spare/(root-speed))
}

// motion is a twist about the base's origin: a point p moves with turn × p + shift, m/s.
type motion struct{ turn, shift kinematics.Point }

func (m *motion) of(p kinematics.Point) kinematics.Point { return m.turn.Cross(p).Plus(m.shift) }

// motions are those of what hangs on each joint, counted from 1, on a way; 0 is the base, which stands.
type motions [robot.MaxJoints + 1]motion

// moves adds up the joints' motions where the capsules are placed.
func (s *Space) moves(w *way) (all motions) {
	for j := range s.cfg.Chain.N() {
		f := &s.frames[j]
		axis := kinematics.Point{f.R[2], f.R[5], f.R[8]}.Times(w.v[j])
		all[j+1] = motion{all[j].turn.Plus(axis), all[j].shift.Plus(f.P.Cross(axis))}
	}
	return all
}

// between is the motion of what hangs on a joint, seen from what hangs on one before it.
func (all *motions) between(from, to int) motion {
	return motion{all[to].turn.Minus(all[from].turn), all[to].shift.Minus(all[from].shift)}
}
