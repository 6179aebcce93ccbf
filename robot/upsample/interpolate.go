package upsample

import (
	"time"

	"sim2reald/robot"
)

// covers reports whether a chunk has a row for now; its last row counts for one period.
func (c *chunk) covers(now, period, lookAhead time.Duration) bool {
	since := now - c.at
	return since >= 0 && since < lookAhead && since < time.Duration(c.n)*period
}

// sample is the command at now, which must not be before the first row: between two rows interpolated, from the last
// on that one.
func (c *chunk) sample(now, period time.Duration, joints int) robot.Command {
	row := int((now - c.at) / period)
	if row >= c.n-1 {
		return still(c.rows[c.n-1], joints)
	}
	from, to := &c.rows[row], &c.rows[row+1]
	if from.Mode != to.Mode || from.Mode == robot.Hold {
		return still(*from, joints)
	}
	s := span{f: float64(now-c.at-time.Duration(row)*period) / float64(period), h: period.Seconds()}
	out := robot.Command{Mode: from.Mode, Gripper: from.Gripper + s.f*(to.Gripper-from.Gripper)}
	for j := range joints {
		if from.Mode == robot.Position {
			out.Q[j], out.DQ[j] = s.between(c.around(row, j, position))
		} else {
			out.DQ[j], _ = s.between(c.around(row, j, velocity))
		}
	}
	return out
}

// still is a row that nothing follows: a position that is not moved on from.
func still(row robot.Command, joints int) robot.Command {
	if row.Mode != robot.Velocity {
		row.DQ = robot.Vector{}
	}
	for j := joints; j < robot.MaxJoints; j++ {
		row.Q[j], row.DQ[j] = 0, 0
	}
	return row
}

func position(r *robot.Command, j int) float64 { return r.Q[j] }
func velocity(r *robot.Command, j int) float64 { return r.DQ[j] }

// around is what a joint does at the row before, at row, at the next and at the one after that. Where there is none of
// the same mode before, the line through the next two goes on backwards, and where there is none after, the last stands.
func (c *chunk) around(row, j int, of func(*robot.Command, int) float64) (p [4]float64) {
	p[1], p[2] = of(&c.rows[row], j), of(&c.rows[row+1], j)
	p[0], p[3] = 2*p[1]-p[2], p[2]
	mode := c.rows[row].Mode
	if row > 0 && c.rows[row-1].Mode == mode {
		p[0] = of(&c.rows[row-1], j)
	}
	if row+2 < c.n && c.rows[row+2].Mode == mode {
		p[3] = of(&c.rows[row+2], j)
	}
	return p
}

// span is a place between two rows: f of the way, which takes h seconds.
type span struct{ f, h float64 }

// between is the cubic between p[1] and p[2] that is monotone where they are (Fritsch and Butland 1984: slopes are the
// harmonic mean of those of both sides, zero at a turn), and its derivative by time.
func (s span) between(p [4]float64) (x, dx float64) {
	before, here, after := p[1]-p[0], p[2]-p[1], p[3]-p[2]
	m0, m1 := slope(before, here), slope(here, after)
	f := s.f
	x = p[1] + f*(m0+f*((3*here-2*m0-m1)+f*(m0+m1-2*here)))
	dx = m0 + f*(2*(3*here-2*m0-m1)+3*f*(m0+m1-2*here))
	return min(max(x, min(p[1], p[2])), max(p[1], p[2])), dx / s.h
}

func slope(a, b float64) float64 {
	if (a > 0) != (b > 0) || a == 0 || b == 0 {
		return 0
	}
	return 2 * a * b / (a + b)
}
