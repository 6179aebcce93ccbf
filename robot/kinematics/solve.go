package kinematics

import (
	"math"

	"sim2reald/robot"
)

// damped solves J·dq = twist for the joints that are free, by damped least squares:
//
//	dq = Jᵀ · Σ u uᵀ / max(σ², floor²) · twist,  over the singular values σ and left vectors u of J.
//
// Each direction has a damping of its own, λ² = max(0, floor²-σ²) (Maciejewski and Klein 1988): where the arm
// can move, the answer is exact; where it nearly cannot, at most 1/floor rad/s are spent per m/s or rad/s.
type damped struct {
	n       int
	free    [robot.MaxJoints]bool
	values  [6]float64 // σ²
	vectors square
	floor   float64
	jac     *Jacobian
}

// factor prepares for the joints in free.
func (d *damped) factor() {
	var a square
	for r := range 6 {
		for s := range r + 1 {
			for j := range d.n {
				if d.free[j] {
					a[r][s] += d.jac[r][j] * d.jac[s][j]
				}
			}
			a[s][r] = a[r][s]
		}
	}
	d.values, d.vectors = a.eigen()
}

// solve gives the free joints' velocities; those of the others are zero.
func (d *damped) solve(t *Twist) robot.Vector {
	var force Twist
	for k := range 6 {
		u := &d.vectors[k]
		share := 0.0
		for i := range 6 {
			share += u[i] * t[i]
		}
		share /= math.Max(d.values[k], d.floor*d.floor)
		for i := range 6 {
			force[i] += share * u[i]
		}
	}
	var dq robot.Vector
	for j := range d.n {
		if !d.free[j] {
			continue
		}
		for i := range 6 {
			dq[j] += d.jac[i][j] * force[i]
		}
	}
	return dq
}

// null gives what of a wanted motion z of the free joints leaves the tool where it is.
func (d *damped) null(z robot.Vector) robot.Vector {
	for j := range d.n {
		if !d.free[j] {
			z[j] = 0
		}
	}
	t := d.jac.Twist(&z, d.n)
	back := d.solve(&t)
	for j := range d.n {
		z[j] -= back[j]
	}
	return z
}

// window is what each joint may do: lo ≤ 0 ≤ hi keeps it inside its range, fast bounds its magnitude.
type window struct{ lo, hi, fast robot.Vector }

// Motion is an answer of the inverse kinematics.
type Motion struct {
	DQ robot.Vector // joint velocity, rad/s
	// Scale is 1, or by how much the wanted twist was slowed as a whole to keep joints within their speeds.
	Scale float64
	// Stopped has bit j set for a joint that is near its end and was not moved towards it as the twist alone
	// would: the others do what they can, and the tool may turn off its way.
	Stopped uint16
}

// within solves for a twist inside a window, with posture where the twist leaves room for it. A joint that would
// leave its range is held to the window's edge, and the rest solve what remains (saturation in the null space,
// Flacco, De Luca and Khatib 2012); too fast a motion is slowed as a whole, which keeps its direction.
func within(jac *Jacobian, n int, t Twist, posture robot.Vector, w *window, floor float64) Motion {
	d := damped{n: n, floor: floor, jac: jac}
	for j := range n {
		d.free[j] = true
	}
	m := Motion{Scale: 1}
	var dq, held robot.Vector
	for range n + 1 {
		d.factor()
		rest, moved := t, jac.Twist(&held, n)
		for i := range rest {
			rest[i] -= moved[i]
		}
		dq = d.solve(&rest)
		add(&dq, 1, &held, n)
		worst := w.worst(&dq, &d)
		if worst < 0 {
			break
		}
		held[worst] = min(max(dq[worst], w.lo[worst]), w.hi[worst])
		d.free[worst] = false
		m.Stopped |= 1 << worst
	}
	m.Scale = w.scale(&dq, n)
	for j := range n {
		dq[j] = m.Scale * min(max(dq[j], w.lo[j]), w.hi[j])
	}
	if null := d.null(posture); m.Scale == 1 {
		add(&dq, w.room(&dq, &null, n), &null, n)
	}
	m.DQ = dq
	return m
}

// worst is the free joint that leaves its range the fastest, -1 for none.
func (w *window) worst(dq *robot.Vector, d *damped) int {
	worst, most := -1, 1e-12
	for j := range d.n {
		if over := max(dq[j]-w.hi[j], w.lo[j]-dq[j]); d.free[j] && over > most {
			worst, most = j, over
		}
	}
	return worst
}

// scale is the largest in (0, 1] that keeps every joint within its speed.
func (w *window) scale(dq *robot.Vector, n int) float64 {
	s := 1.0
	for j := range n {
		if v := math.Abs(dq[j]); v*s > w.fast[j] {
			s = w.fast[j] / v
		}
	}
	return s
}

// room is how much of extra, 0 to 1, fits beside dq into the window.
func (w *window) room(dq, extra *robot.Vector, n int) float64 {
	s := 1.0
	for j := range n {
		hi, lo := min(w.hi[j], w.fast[j])-dq[j], max(w.lo[j], -w.fast[j])-dq[j]
		switch {
		case extra[j]*s > hi:
			s = max(hi, 0) / extra[j]
		case extra[j]*s < lo:
			s = min(lo, 0) / extra[j]
		}
	}
	return s
}

// add puts scale times extra on dq.
func add(dq *robot.Vector, scale float64, extra *robot.Vector, n int) {
	for j := range n {
		dq[j] += scale * extra[j]
	}
}
