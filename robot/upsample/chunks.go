package upsample

import (
	"fmt"
	"math"
	"time"

	"sim2reald/robot"
)

// MaxRows bounds the rows of a chunk, MaxChunks how many chunks are kept, so that nothing is allocated after New.
const (
	MaxRows   = 32
	MaxChunks = 16
)

// Options say how rows become commands.
type Options struct {
	Joints    int
	Period    time.Duration // from row to row
	Steps     bool          // a row stands for the whole of its period, and nothing is between two
	LookAhead time.Duration // after the time of its first row, for which a chunk is followed at most
	Chunks    int           // how many of the newest are averaged where they overlap; 1 for none
	Decay     float64       // m of the weights exp(-m·i), i counting from the oldest chunk; ACT has 0.01
}

func (o Options) check() error {
	switch {
	case o.Joints < 1 || o.Joints > robot.MaxJoints:
		return fmt.Errorf("upsampling %d joints; a robot has 1 to %d", o.Joints, robot.MaxJoints)
	case o.Period <= 0 || o.LookAhead <= 0:
		return fmt.Errorf("upsampling rows %v apart with a look-ahead of %v; both must be above 0", o.Period, o.LookAhead)
	case o.Chunks < 1 || o.Chunks > MaxChunks:
		return fmt.Errorf("ensembling %d chunks; 1 to %d can be", o.Chunks, MaxChunks)
	case math.IsNaN(o.Decay) || math.IsInf(o.Decay, 0) || o.Decay < 0:
		return fmt.Errorf("a decay of %g between chunks; it must be a number of at least 0", o.Decay)
	}
	return nil
}

// chunk is rows of commands, the first meant for the moment at.
type chunk struct {
	at   time.Duration
	n    int
	rows [MaxRows]robot.Command
}

// covers reports whether a chunk has a row for now; its last row counts for one period.
func (c *chunk) covers(now time.Duration, o *Options) bool {
	since := now - c.at
	return since >= 0 && since <= o.LookAhead && c.due(since, o) < c.n
}

// due is the row of a time after the first. Where rows are steps, time is counted in whole ones, and rounding is not.
func (c *chunk) due(since time.Duration, o *Options) int {
	if o.Steps {
		since += o.Period / 2
	}
	return int(since / o.Period)
}

func (c *chunk) sample(now time.Duration, o *Options) robot.Command {
	if o.Steps {
		return c.rows[min(c.due(now-c.at, o), c.n-1)]
	}
	return Sample(c.rows[:c.n], now-c.at, o.Period, o.Joints)
}

// Chunks are the newest chunks of a policy. Not for several goroutines.
type Chunks struct {
	opt    Options
	weight [MaxChunks]float64 // of the i-th oldest
	kept   int
	newest int // index into ring
	ring   [MaxChunks]chunk
}

// New makes an empty one; errors are those of the options, each a line.
func New(o Options) (*Chunks, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	c := &Chunks{opt: o}
	for i := range c.weight {
		c.weight[i] = math.Exp(-o.Decay * float64(i))
	}
	return c, nil
}

// Reset forgets every chunk: at a swap of policies, and where time or the scene begins anew.
func (c *Chunks) Reset() { c.kept = 0 }

// KeepNewest forgets all but the newest chunk: at a start and at a resume.
func (c *Chunks) KeepNewest() { c.kept = min(c.kept, 1) }

// Put takes rows whose first is meant for at, on whatever clock At is asked by. They are copied. None, too many, or
// some from before what is there are refused, and leave all as it was.
func (c *Chunks) Put(at time.Duration, rows []robot.Command) error {
	if len(rows) < 1 || len(rows) > MaxRows {
		return fmt.Errorf("a chunk of %d rows; 1 to %d can be followed", len(rows), MaxRows)
	}
	if c.kept > 0 && at < c.ring[c.newest].at {
		return fmt.Errorf("a chunk for %v after one for %v; chunks come in order of time", at, c.ring[c.newest].at)
	}
	c.newest = (c.newest + 1) % MaxChunks
	c.kept = min(c.kept+1, c.opt.Chunks)
	next := &c.ring[c.newest]
	next.at, next.n = at, copy(next.rows[:], rows)
	return nil
}

// At is the wanted command at now, false before the first row of the newest chunk and after its look-ahead. In
// position mode its DQ is the speed at which the interpolated position moves. A hold among the rows around now, in
// the newest chunk, is a hold: nothing is blended into it. Older chunks count while they have rows for now, in the
// newest one's mode.
func (c *Chunks) At(now time.Duration) (robot.Command, bool) {
	if c.kept == 0 {
		return robot.Command{}, false
	}
	newest := &c.ring[c.newest]
	if now < newest.at || now-newest.at > c.opt.LookAhead {
		return robot.Command{}, false
	}
	wanted := newest.sample(now, &c.opt)
	if c.kept > 1 && wanted.Mode != robot.Hold {
		c.blend(&wanted, now)
	}
	return wanted, true
}

// blend averages the older chunks into what the newest wants.
func (c *Chunks) blend(wanted *robot.Command, now time.Duration) {
	mean := robot.Command{Mode: wanted.Mode}
	sum, i, least, most := 0.0, 0, wanted.Gripper, wanted.Gripper
	for age := c.kept - 1; age >= 0; age-- { // oldest first
		old := &c.ring[(c.newest-age+MaxChunks)%MaxChunks]
		if age > 0 && !old.covers(now, &c.opt) {
			continue
		}
		sample := old.sample(now, &c.opt)
		if sample.Mode != wanted.Mode {
			continue
		}
		accumulate(&mean, &sample, c.weight[i], c.opt.Joints)
		least, most = min(least, sample.Gripper), max(most, sample.Gripper)
		sum += c.weight[i]
		i++
	}
	*wanted = robot.Command{Mode: wanted.Mode}
	accumulate(wanted, &mean, 1/sum, c.opt.Joints)
	wanted.Gripper = min(max(wanted.Gripper, least), most) // rounding must not take it out of its range
}

func accumulate(into, from *robot.Command, weight float64, joints int) {
	into.Gripper += weight * from.Gripper
	for j := range joints {
		into.Q[j] += weight * from.Q[j]
		into.DQ[j] += weight * from.DQ[j]
	}
}
