package upsample

import (
	"time"

	"sim2reald/robot"
)

// Sample is the wanted command since after the first of rows, of which there must be one, period apart. A position is
// meant for the beginning of its row's period, a velocity for all of it: it is met in the middle. Between two such
// moments it is interpolated, before the first and after the last that row stands, and a hold stands for its period.
// What is not finite stays so: it is for robot/limit to refuse.
func Sample(rows []robot.Command, since, period time.Duration, joints int) robot.Command {
	since = max(since, 0)
	due := int(min(since/period, time.Duration(len(rows)-1)))
	mode := rows[due].Mode
	if mode == robot.Velocity {
		since -= period / 2
	}
	row := int(since / period)
	if since < 0 || row+1 >= len(rows) || mode == robot.Hold || rows[row].Mode != mode || rows[row+1].Mode != mode {
		return still(rows[due], joints)
	}
	from, to := &rows[row], &rows[row+1]
	s := span{f: float64(since-time.Duration(row)*period) / float64(period), h: period.Seconds()}
	out := robot.Command{Mode: mode, Gripper: from.Gripper + s.f*(to.Gripper-from.Gripper)}
	for j := range joints {
		if mode == robot.Position {
			out.Q[j], out.DQ[j] = s.between(around(rows, row, j, position))
		} else {
			out.DQ[j], _ = s.between(around(rows, row, j, velocity))
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
func around(rows []robot.Command, row, j int, of func(*robot.Command, int) float64) (p [4]float64) {
	p[1], p[2] = of(&rows[row], j), of(&rows[row+1], j)
	p[0], p[3] = 2*p[1]-p[2], p[2]
	mode := rows[row].Mode
	if row > 0 && rows[row-1].Mode == mode {
		p[0] = of(&rows[row-1], j)
	}
	if row+2 < len(rows) && rows[row+2].Mode == mode {
		p[3] = of(&rows[row+2], j)
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
