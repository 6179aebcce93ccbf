package main

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"sim2reald/calibration"
	"sim2reald/daemon/topic"
	"sim2reald/model/bundle"
	"sim2reald/robot"
)

// factsheetPatience covers a simulator's start: imports, a compiled model, a renderer.
const factsheetPatience = 90 * time.Second

// awaitFactsheet waits as long as it takes for a bridge of somebody else's, and for one of its own as long as
// a start takes.
func (w *workcell) awaitFactsheet(ctx context.Context) error {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	if w.process != nil {
		waiting, cancel = context.WithTimeout(ctx, factsheetPatience)
		defer cancel()
	} else {
		w.log.Info("waiting for the bridge's factsheet", "robot", w.cfg.Robot.Name)
	}
	go func() {
		select {
		case <-w.bridgeDone():
			cancel()
		case <-waiting.Done():
		}
	}()
	fact, err := w.link.AwaitFactsheet(waiting)
	if err != nil {
		return w.whyNoFactsheet(err)
	}
	w.fact = fact
	if err := w.checkRobot(); err != nil {
		return err
	}
	return w.introduce()
}

// introduce says what was found: a user who sees another rig than expected stops here.
func (w *workcell) introduce() error {
	w.log.Info("rig", "robot", w.fact.Robot, "model", w.fact.Model, "serial", w.fact.Serial, "clock", w.fact.Clock, "task", w.fact.Task)
	for _, c := range w.fact.Cameras {
		k, err := calibration.Pinhole(c.Width, c.Height, c.FovyRad)
		if err != nil {
			return fmt.Errorf("camera %s of the factsheet: %w", c.Name, err)
		}
		w.log.Info("rig camera", "name", c.Name, "width", c.Width, "height", c.Height, "focal_length_px", math.Round(10*k.Fx)/10)
	}
	return nil
}

func (w *workcell) whyNoFactsheet(err error) error {
	select {
	case <-w.bridgeDone():
		return w.process.Err()
	default:
		return err
	}
}

// checkRobot finds the table of the robot and holds the factsheet against it.
func (w *workcell) checkRobot() error {
	m, ok := robot.ByName(w.fact.Model)
	if !ok {
		return fmt.Errorf("robot model %q of the factsheet is unknown; this version knows %s", w.fact.Model, strings.Join(robot.Names(), ", "))
	}
	if !slices.Equal(m.Joints, w.fact.JointNames) {
		return fmt.Errorf("joints %v of the factsheet are not %s's %v, base to tip; mend the bridge", w.fact.JointNames, m.Name, m.Joints)
	}
	if !slices.Contains(w.fact.Modes, "velocity") {
		return fmt.Errorf("the bridge understands the modes %v; this version sends velocity", w.fact.Modes)
	}
	if w.fact.Clock != "lockstep" && w.fact.Clock != "realtime" {
		return fmt.Errorf("clock %q of the factsheet is neither lockstep nor realtime; mend the bridge", w.fact.Clock)
	}
	if !(w.fact.ControlRateHz > 0) || !(w.fact.StateRateHz > 0) || w.fact.StateRateHz > 2000 {
		return fmt.Errorf("rates %g and %g Hz of the factsheet are unusable; mend the bridge", w.fact.ControlRateHz, w.fact.StateRateHz)
	}
	enforced, err := factLimits(w.fact.Limits, m.N())
	if err != nil {
		return err
	}
	m.Limits = m.Limits.Within(enforced, m.N())
	w.model = m
	w.space, err = w.around()
	return asMisconfigured(err)
}

// limitsOf are a bundle's limits, with what it does not say, jerk, from the robot's table.
func (w *workcell) limitsOf(m *bundle.Manifest) robot.Limits {
	return m.Limits.Robot().Within(w.model.Limits.Scaled(w.speedScale()), w.model.N())
}

// factLimits reads a factsheet's limits: an arm may be held tighter than its maker's table.
func factLimits(f topic.FactsheetLimits, n int) (robot.Limits, error) {
	var l robot.Limits
	for _, list := range []struct {
		name string
		from []float64
		into *robot.Vector
	}{
		{"position_min", f.PositionMin, &l.QMin}, {"position_max", f.PositionMax, &l.QMax},
		{"velocity_max", f.VelocityMax, &l.DQMax}, {"acceleration_max", f.AccelerationMax, &l.DDQMax},
	} {
		if len(list.from) != n {
			return l, fmt.Errorf("limits.%s of the factsheet has %d numbers for %d joints; mend the bridge", list.name, len(list.from), n)
		}
		copy(list.into[:], list.from)
		if !list.into.Finite(n) {
			return l, fmt.Errorf("limits.%s of the factsheet holds a number that is not finite; mend the bridge", list.name)
		}
	}
	return l, nil
}

// knowsShifts refuses names that the bridge would refuse at a reset, which may be hours away.
func (w *workcell) knowsShifts(names ...string) error {
	for _, name := range names {
		if _, ok := w.fact.Shifts[name]; !ok && name != "" && name != "none" {
			known := slices.Sorted(maps.Keys(w.fact.Shifts))
			return fmt.Errorf("shift %q: the bridge knows %s; use one of these, or leave -shift out", name, strings.Join(known, ", "))
		}
	}
	return nil
}
