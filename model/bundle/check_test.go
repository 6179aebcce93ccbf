package bundle

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestCheckAcceptsItsOwnRig(t *testing.T) {
	m := testManifest()
	for name, change := range map[string]func(*Rig){
		"same":          func(*Rig) {},
		"newer daemon":  func(r *Rig) { r.Daemon = "v1.0.0-dev" },
		"looser rig":    func(r *Rig) { r.Limits.SpeedScale = 1 },
		"rate rounding": func(r *Rig) { r.ControlRateHz = 12.5 * (1 + 1e-9) },
	} {
		rig := testRig()
		change(rig)
		if err := Check(&m, rig); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckRefusesEachMutation(t *testing.T) {
	cases := map[string]struct {
		change func(*Rig)
		key    string
		remedy string
	}{
		"daemon":         {func(r *Rig) { r.Daemon = "0.0.9" }, "min_daemon", "install sim2reald 0.1.0"},
		"daemon unknown": {func(r *Rig) { r.Daemon = "(devel)" }, "min_daemon", "install"},
		"base":           {func(r *Rig) { r.BaseDigest = "sha256:00" }, "base.digest", "set policy.base"},
		"model":          {func(r *Rig) { r.Robot.Model = "sawyer" }, "robot.model", "trained for a sawyer"},
		"joint order":    {func(r *Rig) { r.Robot.JointNames = []string{"b", "a"} }, "robot.joint_names", "in this order"},
		"joint missing":  {func(r *Rig) { r.Robot.JointNames = []string{"a"} }, "robot.joint_names", "in this order"},
		"gripper":        {func(r *Rig) { r.Robot.Gripper = Gripper{1, 0} }, "robot.gripper", "factsheet"},
		"no camera":      {func(r *Rig) { r.Cameras = r.Cameras[:1] }, "cameras", "add a camera"},
		"size":           {func(r *Rig) { r.Cameras[1].Width = 57 }, "cameras front size", "set the camera"},
		"height":         {func(r *Rig) { r.Cameras[1].Height = 41 }, "cameras front size", "set the camera"},
		"colour":         {func(r *Rig) { r.Cameras[1].Colour = "bgr" }, "cameras front colour", "colour order"},
		"rate":           {func(r *Rig) { r.ControlRateHz = 12.6 }, "action.rate_hz", "control rate"},
		"rate nan":       {func(r *Rig) { r.ControlRateHz = math.NaN() }, "action.rate_hz", "control rate"},
		"position min":   {func(r *Rig) { r.Limits.PositionMin = []float64{-0.9, -2} }, "limits.position_min[0]", "limits"},
		"position max":   {func(r *Rig) { r.Limits.PositionMax = []float64{1, 1.9} }, "limits.position_max[1]", "limits"},
		"velocity":       {func(r *Rig) { r.Limits.VelocityMax = []float64{2, 0.9} }, "limits.velocity_max x speed_scale[1]", "kept this arm's limits"},
		"speed scale":    {func(r *Rig) { r.Limits.SpeedScale = 0.4 }, "limits.velocity_max x speed_scale[0]", "raise robot.speed_scale to 0.5"},
		"acceleration":   {func(r *Rig) { r.Limits.AccelerationMax = []float64{6.9, 8} }, "limits.acceleration_max[0]", "limits"},
		"limits short":   {func(r *Rig) { r.Limits.VelocityMax = []float64{2} }, "limits", "factsheet"},
		"limits nan":     {func(r *Rig) { r.Limits.VelocityMax = []float64{2, math.NaN()} }, "limits", "factsheet"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m, rig := testManifest(), testRig()
			c.change(rig)
			var mismatch *MismatchError
			if err := Check(&m, rig); !errors.As(err, &mismatch) {
				t.Fatalf("accepted, or %v", err)
			}
			if mismatch.Key != c.key || !strings.Contains(mismatch.Remedy, c.remedy) {
				t.Fatalf("got %v, want key %q and remedy %q", mismatch, c.key, c.remedy)
			}
			if strings.Contains(mismatch.Error(), "\n") {
				t.Fatalf("more than one line: %v", mismatch)
			}
		})
	}
}

func TestValidateNamesTheKey(t *testing.T) {
	cases := map[string]func(*Manifest){
		"schema":                func(m *Manifest) { m.Schema = "x" },
		"min_daemon":            func(m *Manifest) { m.MinDaemon = "soon" },
		"name":                  func(m *Manifest) { m.Name = "" },
		"base.digest":           func(m *Manifest) { m.Base.Digest = "sha256:AB" },
		"base.arch":             func(m *Manifest) { m.Base.Arch = []byte(`{"family":"resnet"}`) },
		"robot":                 func(m *Manifest) { m.Robot.JointNames = nil },
		"robot.joint_names":     func(m *Manifest) { m.Robot.JointNames = []string{"a", "a"} },
		"robot.gripper":         func(m *Manifest) { m.Robot.Gripper = Gripper{1, 0} },
		"limits.speed_scale":    func(m *Manifest) { m.Limits.SpeedScale = 1.5 },
		"limits.velocity_max":   func(m *Manifest) { m.Limits.VelocityMax = []float64{2, math.Inf(1)} },
		"limits.position_min":   func(m *Manifest) { m.Limits.PositionMin = []float64{-1, 5} },
		"action":                func(m *Manifest) { m.Action.Unit = "deg/s" },
		"action.rate_hz":        func(m *Manifest) { m.Action.RateHz = math.NaN() },
		"action.chunk_size":     func(m *Manifest) { m.Action.ChunkSize = 0 },
		"action.n_action_steps": func(m *Manifest) { m.Action.NActionSteps = 3 },
		"action.dimensions":     func(m *Manifest) { m.Action.Dimensions = []string{"b", "a", "gripper"} },
		"cameras":               func(m *Manifest) { m.Cameras = nil },
		"history":               func(m *Manifest) { m.History = 0; m.SetVersion() },
		"adapters":              func(m *Manifest) { *m = adaptedManifest(); m.Adapters.Middle.Width = 0 },
		"adapters.kind":         func(m *Manifest) { m.Adapters.Kind = "tree" },
		"adapters.placement":    func(m *Manifest) { m.Adapters.Placement = "middle"; m.SetVersion() },
		"adapters.middle":       func(m *Manifest) { m.Adapters.Placement = "middle,top"; m.SetVersion() },
		"adapters.activation":   func(m *Manifest) { m.Adapters.Activation = "tanh" },
		"adapters.widths":       func(m *Manifest) { m.Adapters.Widths = []int{-1} },
		"result":                func(m *Manifest) { m.Result = &Result{Successes: 2, Episodes: 1} },
		"training.data_digest":  func(m *Manifest) { m.Training.DataDigest = "" },
	}
	for key, change := range cases {
		t.Run(key, func(t *testing.T) {
			m := testManifest()
			change(&m)
			err := m.Validate()
			if !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), ": "+key+": ") {
				t.Fatalf("%v, want key %s", err, key)
			}
		})
	}
}
