package dataset

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sim2reald/model/bundle"
	"sim2reald/robot"
)

// recorded was made by LeRobot's own writer; dataset/lerobot/testdata/record.py has the formulas.
const recorded = "lerobot/testdata/recorded"

func recordedMapping() *Mapping {
	joints := map[string]string{"a": "shoulder.pos", "b": "elbow.pos"}
	gripper := &GripperColumn{Dimension: "gripper.pos", Open: 100, Closed: 0}
	return &Mapping{
		Schema: MappingSchema, Version: MappingVersion,
		Meta: Meta{
			Schema: Schema, Version: Version, Source: SourceLeRobot, ControlRateHz: 10, Task: "pick", Jitter: "unknown",
			Robot:   bundle.Robot{Model: "panda", JointNames: []string{"a", "b"}, Gripper: bundle.Gripper{Open: 0, Closed: 1}},
			Cameras: []Camera{{"front", 48, 32, "png", "rgb"}, {"wrist", 48, 32, "png", "rgb"}},
			Limits: bundle.LimitsOf(robot.Limits{QMin: robot.Vector{-1, -1}, QMax: robot.Vector{1, 1},
				DQMax: robot.Vector{2, 2}, DDQMax: robot.Vector{9, 9}}, 2, 1),
		},
		Cameras:  map[string]string{"front": "observation.images.front", "wrist": "observation.images.wrist"},
		Position: Columns{Feature: "observation.state", Kind: KindPosition, Unit: "deg", Joints: joints, Gripper: gripper},
		Action:   Columns{Feature: "action", Kind: KindPosition, Unit: "deg", Joints: joints, Gripper: gripper},
	}
}

// TestForeignEpisodes: targets in degrees become velocities in rad/s by the next difference, the gripper of 100 open
// becomes 0 open, and the last frame, whose way is not known, is left out.
func TestForeignEpisodes(t *testing.T) {
	d, err := OpenLeRobot(recorded, recordedMapping())
	if err != nil {
		t.Fatal(err)
	}
	const degree = math.Pi / 180
	for index, frames := range []int{6, 4, 5} {
		e, err := d.Episode(int64(index))
		if err != nil {
			t.Fatal(err)
		}
		if len(e.Steps) != frames-1 || !e.Success || len(e.Digest) != 71 {
			t.Errorf("episode %d: %d steps, success %v, digest %s", index, len(e.Steps), e.Success, e.Digest)
		}
		for i, s := range e.Steps {
			x, moved := float64(i), math.Min(1, float64(i))
			want := Step{
				Stamp: time.Duration(i) * 100 * time.Millisecond, Q: robot.Vector{(10*float64(index) + x) * degree, -0.5 * x * degree},
				DQ: robot.Vector{10 * moved * degree, -5 * moved * degree}, Gripper: 0.05 * x,
				Wanted: robot.Command{Mode: robot.Velocity, DQ: robot.Vector{10 * degree, -5 * degree}, Gripper: 0.05 * (x + 1)},
			}
			want.Sent = want.Wanted
			near(t, &s, &want)
			if len(s.Pictures) != 2 || difference(t, s.Pictures[0], s.Pictures[1]) > 40 {
				t.Errorf("episode %d step %d: the film does not show what the PNG shows", index, i)
			}
		}
	}
	if _, err := d.Episode(7); !errors.Is(err, ErrEpisode) {
		t.Errorf("an episode that is not there: %v", err)
	}
	if err := d.Write(testEpisode(t, 9, 3)); !errors.Is(err, ErrEpisode) || !strings.Contains(err.Error(), "only read") {
		t.Errorf("written to: %v", err)
	}
}

func near(t *testing.T, got, want *Step) {
	t.Helper()
	const tolerance = 1e-6 // of float32 numbers up to 25°
	numbers := func(s *Step) []float64 {
		return []float64{s.Q[0], s.Q[1], s.DQ[0], s.DQ[1], s.Gripper, s.Wanted.DQ[0], s.Wanted.DQ[1], s.Wanted.Gripper,
			s.Sent.DQ[0], s.Sent.DQ[1], s.Sent.Gripper, s.Q[2], s.Wanted.DQ[2]}
	}
	for i, x := range numbers(want) {
		if math.Abs(numbers(got)[i]-x) > tolerance {
			t.Errorf("%+v\nwant %+v", got, want)
			return
		}
	}
	if got.Stamp != want.Stamp || got.Wanted.Mode != want.Wanted.Mode {
		t.Errorf("stamp %v, want %v", got.Stamp, want.Stamp)
	}
}

// TestOpenFindsTheMapping goes the way of `sim2reald train -data`.
func TestOpenFindsTheMapping(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(recorded)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); !errors.Is(err, ErrMapping) || !strings.Contains(err.Error(), "sim2reald dataset map") {
		t.Fatalf("without a mapping: %v", err)
	}
	if err := recordedMapping().Write(dir); err != nil {
		t.Fatal(err)
	}
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Summary()
	if err != nil || s.Episodes != 3 || s.Steps != 12 || s.Successes != 3 {
		t.Errorf("%+v, %v", s, err)
	}
	again, err := d.Digest()
	if err != nil || again != s.Digest {
		t.Errorf("digests %s and %s, %v", s.Digest, again, err)
	}
}

func TestForeignIsRefused(t *testing.T) {
	cases := map[string]struct {
		change func(*Mapping)
		says   string
	}{
		"other joints":       {func(m *Mapping) { m.Position.Joints = map[string]string{"a": "shoulder.pos", "c": "elbow.pos"} }, "position.joints"},
		"a joint too few":    {func(m *Mapping) { m.Action.Joints = map[string]string{"a": "shoulder.pos"} }, "action.joints"},
		"no such dimension":  {func(m *Mapping) { m.Position.Joints["b"] = "wrist.pos" }, "shoulder.pos, elbow.pos, gripper.pos"},
		"one twice":          {func(m *Mapping) { m.Position.Joints["b"] = "shoulder.pos" }, "already"},
		"no such feature":    {func(m *Mapping) { m.Action.Feature = "act" }, "observation.state"},
		"pictures as action": {func(m *Mapping) { m.Action.Feature = "observation.images.wrist" }, "no feature"},
		"numbers as camera":  {func(m *Mapping) { m.Cameras["wrist"] = "action" }, "cameras.wrist"},
		"a camera too few":   {func(m *Mapping) { delete(m.Cameras, "wrist") }, "cameras"},
		"other size":         {func(m *Mapping) { m.Meta.Cameras[0].Width = 64 }, "48x32"},
		"other rate":         {func(m *Mapping) { m.Meta.ControlRateHz = 12.5 }, "10 frames in a second"},
		"other unit":         {func(m *Mapping) { m.Position.Unit = "turns" }, "rad or deg"},
		"unit of a speed":    {func(m *Mapping) { m.Action.Unit = "rad/s" }, "rad or deg"},
		"other kind":         {func(m *Mapping) { m.Action.Kind = "torque" }, "joint_velocity or joint_position"},
		"no success":         {func(m *Mapping) { m.Success = "next.success" }, "success"},
		"gripper backwards":  {func(m *Mapping) { m.Position.Gripper = &GripperColumn{"gripper.pos", 0, 1} }, "the gripper reads 100"},
		"gripper of no size": {func(m *Mapping) { m.Action.Gripper = &GripperColumn{"gripper.pos", 1, 1} }, "action.gripper"},
		"schema":             {func(m *Mapping) { m.Schema = "x" }, "schema"},
		"meta":               {func(m *Mapping) { m.Meta.Task = "" }, "meta"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m := recordedMapping()
			m.Action.Joints = map[string]string{"a": "shoulder.pos", "b": "elbow.pos"}
			c.change(m)
			d, err := OpenLeRobot(recorded, m)
			if err == nil {
				_, err = d.Digest()
			}
			if !errors.Is(err, ErrMapping) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
	if _, err := OpenLeRobot(t.TempDir(), recordedMapping()); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "fetch") {
		t.Errorf("an empty folder: %v", err)
	}
}

func FuzzMapping(f *testing.F) {
	good, err := json.Marshal(recordedMapping())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"schema":"sim2reald.lerobot","version":1,"meta":{},"position":{"gripper":{"open":1e308,"closed":-1e308}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseMapping(text)
		if err != nil {
			return
		}
		again, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseMapping(again); err != nil {
			t.Fatalf("accepted %q, but not %q: %v", text, again, err)
		}
		if _, err := OpenLeRobot(recorded, m); err == nil && len(m.Meta.Robot.JointNames) > 3 {
			t.Fatalf("%d joints in 3 numbers: %q", len(m.Meta.Robot.JointNames), text)
		}
	})
}

// TestMappingFile keeps the file's bounds and strictness.
func TestMappingFile(t *testing.T) {
	dir := t.TempDir()
	if err := recordedMapping().Write(dir); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(filepath.Join(dir, MappingFile))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"unknown key": strings.Replace(string(good), `"success"`, `"sukzess"`, 1),
		"more text":   string(good) + "{}",
		"too long":    string(good) + strings.Repeat(" ", maxMapping),
	} {
		if err := os.WriteFile(filepath.Join(dir, MappingFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadMapping(dir); !errors.Is(err, ErrMapping) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
