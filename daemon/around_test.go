package main

import (
	"math"
	"strings"
	"testing"

	"sim2reald/daemon/config"
	"sim2reald/daemon/topic"
	"sim2reald/model/bundle"
	"sim2reald/robot"
)

func someRig(edit func(*workcell)) *workcell {
	w := &workcell{cfg: config.Default(), model: robot.Panda(), link: new(topic.Link), fact: topic.Factsheet{Model: "panda", Serial: simulated, Clock: "realtime", CommandTimeoutMs: 200}}
	w.cfg.Cameras = nil
	edit(w)
	return w
}

// TestSpeedScale: a real arm gets three tenths unless somebody says another part, and a simulated one its own.
func TestSpeedScale(t *testing.T) {
	for _, c := range []struct {
		serial     string
		said, want float64
	}{{simulated, 0, 1}, {simulated, 0.5, 0.5}, {"295341", 0, 0.3}, {"295341", 0.6, 0.6}, {"", 0, 0.3}} {
		w := someRig(func(w *workcell) { w.fact.Serial, w.cfg.Robot.SpeedScale = c.serial, c.said })
		if got := w.speedScale(); got != c.want {
			t.Errorf("serial %q with %g: %g, want %g", c.serial, c.said, got, c.want)
		}
	}
}

// TestRealArmIsSlow: a bundle of half speed is refused on a real arm, with a remedy, and fits once somebody said so; what is
// sent is held to the scale as well.
func TestRealArmIsSlow(t *testing.T) {
	half := bundle.LimitsOf(robot.Panda().Limits, 7, 0.5)
	for _, c := range []struct {
		said float64
		want string
	}{{0, "raise robot.speed_scale to 0.5"}, {0.5, ""}} {
		w := someRig(func(w *workcell) { w.fact.Serial, w.cfg.Robot.SpeedScale = "295341", c.said })
		w.fact.Limits = topic.FactsheetLimits{PositionMin: half.PositionMin, PositionMax: half.PositionMax, VelocityMax: half.VelocityMax, AccelerationMax: half.AccelerationMax}
		m := bundle.Manifest{Limits: half, Robot: bundle.Robot{JointNames: robot.Panda().Joints}}
		rig := w.rigOf("")
		said := ""
		for _, mismatch := range bundle.Mismatches(&m, &rig) {
			if strings.HasPrefix(mismatch.Key, "limits.") {
				said = mismatch.Error()
			}
		}
		if (said == "") != (c.want == "") || !strings.Contains(said, c.want) {
			t.Errorf("with %g: %q, want %q", c.said, said, c.want)
		}
		if got, most := w.limitsOf(&m).DQMax[0], w.speedScale()*2.175; math.Abs(got-most) > 1e-12 {
			t.Errorf("with %g the first joint may do %g rad/s, want %g", c.said, got, most)
		}
	}
}

// TestWorkspace takes the narrower of what both say.
func TestWorkspace(t *testing.T) {
	theirs := &topic.WorkspaceFact{MinM: [3]float64{-1, -1, -0.1}, MaxM: [3]float64{1, 1, 1}}
	for name, c := range map[string]struct {
		edit func(*workcell)
		want string // of the error; empty for none
		zMin float64
	}{
		"simulated, nobody says":  {func(*workcell) {}, "", math.Inf(-1)},
		"real, nobody says":       {func(w *workcell) { w.fact.Serial = "295341" }, "robot.workspace_m: is empty, and the bridge of this real arm (serial 295341) says no workspace", 0},
		"real, the bridge says":   {func(w *workcell) { w.fact.Serial, w.fact.Workspace = "295341", theirs }, "", -0.1},
		"real, the user says":     {func(w *workcell) { w.fact.Serial, w.cfg.Robot.Workspace = "295341", []float64{-1, 1, -1, 1, 0, 1} }, "", 0},
		"both, the narrower":      {func(w *workcell) { w.fact.Workspace, w.cfg.Robot.Workspace = theirs, []float64{-1, 1, -1, 1, -0.5, 1} }, "", -0.1},
		"both, nothing in common": {func(w *workcell) { w.fact.Workspace, w.cfg.Robot.Workspace = theirs, []float64{2, 3, -1, 1, 0, 1} }, "robot.workspace_m and the bridge's workspace have nothing in common", 0},
		"the bridge says nonsense": {func(w *workcell) {
			w.fact.Workspace = &topic.WorkspaceFact{MinM: [3]float64{1, 0, 0}, MaxM: [3]float64{0, 1, 1}}
		}, "workspace of the factsheet: the workspace ends at x from 1 to 0 m", 0},
		"no such arm": {func(w *workcell) { w.model.Name = "ur5" }, `robot model "ur5" has no kinematics or shape here`, 0},
	} {
		w := someRig(c.edit)
		_, err := w.around()
		if err == nil {
			err = w.needWorkspace()
		}
		box, _ := w.box()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if err == nil && box.Min[2] != c.zMin {
			t.Errorf("%s: z_min %g, want %g", name, box.Min[2], c.zMin)
		}
	}
}

// TestToolReachesFurther: a longer hand has less room to the table.
func TestToolReachesFurther(t *testing.T) {
	home := robot.Panda().Home
	rooms := map[string]float64{}
	for name, tool := range map[string][]float64{"usual": nil, "long": {0.4, 0.05}} {
		w := someRig(func(w *workcell) { w.cfg.Robot.Tool, w.cfg.Robot.Workspace = tool, []float64{-2, 2, -2, 2, 0, 3} })
		s, err := w.around()
		if err != nil {
			t.Fatal(err)
		}
		box, _ := s.Look(&home)
		rooms[name] = box.M
	}
	// A Franka Hand's capsule ends 0.123 m from the flange, which is 0.59 m high in this pose.
	if rooms["usual"]-rooms["long"] < 0.2 {
		t.Errorf("%v", rooms)
	}
}
