package main

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"sim2reald/calibration"
	"sim2reald/calibration/live"
	"sim2reald/calibration/tour"
	"sim2reald/daemon/control"
	"sim2reald/daemon/control/supervisor"
	"sim2reald/robot"
)

// restLimit is how long the arm waits at a pose for a view to be kept.
const restLimit = 5 * time.Second

// driver moves an armed arm from pose to pose, each at a word of its own to the loop: what ends a way home ends this.
type driver struct {
	arm  driven
	next func(n int, samples []calibration.Sample) (q robot.Vector, at int, err error)
	of   int // poses that there may be

	mu      sync.Mutex
	going   bool
	moving  bool
	n       int // of the pose
	goal    robot.Vector
	since   time.Duration // at rest
	kept    int           // views before this pose
	skipped int
	said    string
}

// driven is what a driver asks of the loop.
type driven interface {
	Machine() supervisor.Machine
	GoTo(q robot.Vector) error
}

// drivenFacts are what is known when a picture has been looked at.
type drivenFacts struct {
	now     time.Duration
	q       robot.Vector
	joints  int
	why     live.Why
	samples []calibration.Sample
}

// begin starts a tour from where the arm stands.
func (d *driver) begin(now time.Duration, kept int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.going {
		return errors.New("drive: the arm is on its tour already; hold or stop ends it")
	}
	if m := d.arm.Machine().Mode; m != supervisor.Armed {
		return fmt.Errorf("drive: the daemon is %s; arm it first", m)
	}
	d.going, d.moving, d.n, d.since, d.kept, d.skipped = true, false, 0, now, kept, 0
	d.said = "at the start"
	return nil
}

// end is a person's wish for rest. Afterwards the driver moves nothing until it begins again; whether it was on a tour
// is said, for an armed arm that rests at a pose has nothing else to hold.
func (d *driver) end(why string) (was bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stop(why)
}

func (d *driver) stop(why string) (was bool) {
	was = d.going
	if was {
		d.going, d.said = false, fmt.Sprintf("ended at pose %d: %s", d.n, why)
	}
	return was
}

// see decides what follows from a picture. A pose is planned without the lock, for which a person's wish would wait.
func (d *driver) see(f *drivenFacts) {
	n, goOn := d.decide(f)
	if !goOn {
		return
	}
	q, at, err := d.next(n, f.samples)
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.going { // somebody wished for rest meanwhile
		return
	}
	if errors.Is(err, tour.ErrOver) {
		d.going, d.said = false, fmt.Sprintf("done: %d views, %d poses without one", len(f.samples), d.skipped)
		return
	}
	if err == nil {
		err = d.arm.GoTo(q)
	}
	if err != nil {
		d.stop(err.Error())
		return
	}
	d.n, d.goal, d.moving, d.kept = at, q, true, len(f.samples)
	d.said = fmt.Sprintf("on the way to pose %d of %d", at, d.of)
}

// decide says whether the arm should go on, to the n-th pose.
func (d *driver) decide(f *drivenFacts) (n int, goOn bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.going {
		return 0, false
	}
	mode := d.arm.Machine().Mode
	switch {
	case d.moving && mode == supervisor.Homing:
	case mode != supervisor.Armed:
		d.stop(fmt.Sprintf("the daemon is %s", mode))
	case d.moving && !control.At(&f.q, &d.goal, f.joints):
		d.stop("the arm did not arrive: it was held, or something was wrong with it")
	case d.moving:
		d.moving, d.since = false, f.now
		d.said = fmt.Sprintf("at pose %d of %d", d.n, d.of)
	case len(f.samples) > d.kept:
		return d.n + 1, true
	case f.why.Reason == live.Alike || f.now-d.since > restLimit:
		d.skipped++
		return d.n + 1, true
	}
	return 0, false
}

// words are for the page.
func (d *driver) words() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.said
}

// chosen are poses that a person chose.
func chosen(poses []robot.Vector) func(int, []calibration.Sample) (robot.Vector, int, error) {
	return func(n int, _ []calibration.Sample) (robot.Vector, int, error) {
		if n > len(poses) {
			return robot.Vector{}, n, tour.ErrOver
		}
		return poses[n-1], n, nil
	}
}
