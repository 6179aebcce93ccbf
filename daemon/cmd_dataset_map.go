package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sim2reald/model/bundle"
	"sim2reald/model/dataset"
	"sim2reald/model/dataset/lerobot"
	"sim2reald/robot"
)

// mapFlags say what the columns of a LeRobot dataset mean.
type mapFlags struct {
	robot, task, success       string
	position, velocity, action columnFlags
	cameras                    map[string]string // by name, the feature
	scale                      float64
}

// columnFlags are of one feature.
type columnFlags struct{ feature, kind, unit, joints, gripper string }

func (c *columnFlags) set(fs *flag.FlagSet, what, feature, unit, says string) {
	fs.StringVar(&c.feature, what, feature, "`feature` "+says)
	fs.StringVar(&c.unit, what+"-unit", unit, "rad or deg; of velocities rad/s or deg/s")
	fs.StringVar(&c.joints, what+"-joints", "", "its `dimensions` that are the joints, base to tip, a,b,...: names, or numbers from 0 where it has none; by default those called as the joints are")
	fs.StringVar(&c.gripper, what+"-gripper", "", "its `dimension,open,closed`: which is the gripper, and what it reads when open and when closed")
}

func (f *mapFlags) set(fs *flag.FlagSet) {
	fs.StringVar(&f.robot, "robot", "panda", "`name` of the arm: "+strings.Join(robot.Names(), ", "))
	fs.StringVar(&f.task, "task", "", "`name` of the task; by default the dataset's first sentence")
	fs.StringVar(&f.success, "success", "", "`feature` that is true in an episode's last frame when it went well; without it, every episode did")
	f.position.set(fs, "position", "observation.state", "rad", "of the measured joint positions")
	f.velocity.set(fs, "velocity", "", "rad/s", "of the measured joint velocities; without it, the positions' differences")
	f.action.set(fs, "action", "action", "", "that is to be learned")
	fs.StringVar(&f.action.kind, "action-kind", dataset.KindVelocity, dataset.KindVelocity+"; or "+dataset.KindPosition+", targets: their differences are learned")
	fs.Float64Var(&f.scale, "speed-scale", 1, "`part` of the robot's speed limits that the bundle will be held to")
	fs.Func("camera", "`name=feature`, repeated; by default every camera, called as behind its last dot", func(s string) error {
		name, feature, ok := strings.Cut(s, "=")
		if !ok || name == "" || feature == "" {
			return errors.New("want name=feature")
		}
		if f.cameras == nil {
			f.cameras = map[string]string{}
		}
		f.cameras[name] = feature
		return nil
	})
}

// mapDataset writes the mapping once every episode could be read by it.
func mapDataset(_ context.Context, args []string) error {
	var f mapFlags
	fs := flag.NewFlagSet("dataset map", flag.ContinueOnError)
	f.set(fs)
	dir, err := oneFolder(fs, args)
	if err != nil {
		return err
	}
	if old, err := dataset.ReadMapping(dir); err == nil && old.Exported != nil {
		return fmt.Errorf("dataset map: %s was exported by sim2reald, and has its mapping", dir)
	}
	set, err := lerobot.Open(dir)
	if err != nil {
		return err
	}
	m, err := f.mapping(set)
	if err != nil {
		return fmt.Errorf("dataset map: %w", err)
	}
	d, err := dataset.OpenLeRobot(dir, m)
	if err != nil {
		return err
	}
	s, err := d.Summary()
	if err != nil {
		return err
	}
	if err := m.Write(dir); err != nil {
		return err
	}
	fmt.Println(s)
	fmt.Printf("wrote %s; `sim2reald train -data %s` reads it\n", dataset.MappingFile, dir)
	return nil
}

func (f *mapFlags) mapping(set *lerobot.Set) (*dataset.Mapping, error) {
	arm, ok := robot.ByName(f.robot)
	if !ok {
		return nil, fmt.Errorf("-robot %q; this version knows %s", f.robot, strings.Join(robot.Names(), ", "))
	}
	m := &dataset.Mapping{Schema: dataset.MappingSchema, Version: dataset.MappingVersion, Success: f.success, Meta: dataset.Meta{
		Schema: dataset.Schema, Version: dataset.Version, Source: dataset.SourceLeRobot, ControlRateHz: set.Info.FPS,
		Robot: bundle.Robot{Model: arm.Name, JointNames: arm.Joints, Gripper: bundle.Gripper{Open: 0, Closed: 1}},
		Task:  cmp.Or(f.task, set.Tasks[0]), Jitter: "unknown", Limits: bundle.LimitsOf(arm.Limits, arm.N(), f.scale), Daemon: version,
	}}
	f.position.kind, f.velocity.kind = dataset.KindPosition, dataset.KindVelocity
	f.action.unit = cmp.Or(f.action.unit, map[string]string{dataset.KindPosition: "rad", dataset.KindVelocity: "rad/s"}[f.action.kind])
	for _, c := range []struct {
		flags columnFlags
		into  *dataset.Columns
	}{{f.position, &m.Position}, {f.action, &m.Action}} {
		columns, err := c.flags.columns(set, arm.Joints)
		if err != nil {
			return nil, err
		}
		*c.into = *columns
	}
	if f.velocity.feature != "" {
		var err error
		if m.Velocity, err = f.velocity.columns(set, arm.Joints); err != nil {
			return nil, err
		}
	}
	return m, f.addCameras(m, set)
}

// columns finds the joints by the dimensions given, or by their own names.
func (c *columnFlags) columns(set *lerobot.Set, joints []string) (*dataset.Columns, error) {
	spec, ok := set.Info.Features[c.feature]
	if !ok {
		return nil, fmt.Errorf("the dataset has no feature %q; it has %s", c.feature, strings.Join(features(set), ", "))
	}
	dimensions := strings.Split(c.joints, ",")
	if c.joints == "" {
		dimensions = nil
		for _, j := range joints {
			dimensions = append(dimensions, alike(spec.Names, j))
		}
	}
	if len(dimensions) != len(joints) || slices.Contains(dimensions, "") {
		return nil, fmt.Errorf("%q has the dimensions %v of %d numbers: say which are %s, base to tip", c.feature, []string(spec.Names), spec.Width(), strings.Join(joints, ", "))
	}
	out := &dataset.Columns{Feature: c.feature, Kind: c.kind, Unit: c.unit, Joints: map[string]string{}}
	for i, j := range joints {
		out.Joints[j] = dimensions[i]
	}
	var err error
	out.Gripper, err = gripperColumn(c.gripper)
	return out, err
}

// alike finds a dimension that is called as a joint is, with or without what LeRobot appends.
func alike(names []string, joint string) string {
	for _, suffix := range []string{"", ".pos", ".vel"} {
		if slices.Contains(names, joint+suffix) {
			return joint + suffix
		}
	}
	return ""
}

func gripperColumn(text string) (*dataset.GripperColumn, error) {
	if text == "" {
		return nil, nil
	}
	parts := strings.Split(text, ",")
	if len(parts) != 3 {
		return nil, fmt.Errorf("gripper %q; want dimension,open,closed, such as gripper.pos,0.08,0", text)
	}
	open, errOpen := strconv.ParseFloat(parts[1], 64)
	closed, errClosed := strconv.ParseFloat(parts[2], 64)
	if err := errors.Join(errOpen, errClosed); err != nil {
		return nil, fmt.Errorf("gripper %q: want two numbers behind the dimension", text)
	}
	return &dataset.GripperColumn{Dimension: parts[0], Open: open, Closed: closed}, nil
}

func features(set *lerobot.Set) (out []string) {
	for name := range set.Info.Features {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func (f *mapFlags) addCameras(m *dataset.Mapping, set *lerobot.Set) error {
	m.Cameras = f.cameras
	if m.Cameras == nil {
		m.Cameras = map[string]string{}
		for _, name := range features(set) {
			if spec := set.Info.Features[name]; spec.Pictures() {
				m.Cameras[name[strings.LastIndex(name, ".")+1:]] = name
			}
		}
	}
	names := make([]string, 0, len(m.Cameras))
	for name := range m.Cameras {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		spec, ok := set.Info.Features[m.Cameras[name]]
		if !ok || !spec.Pictures() {
			return fmt.Errorf("-camera %s: the dataset has no pictures %q; it has %s", name, m.Cameras[name], strings.Join(features(set), ", "))
		}
		w, h := spec.Size()
		m.Meta.Cameras = append(m.Meta.Cameras, dataset.Camera{Name: name, Width: w, Height: h, Encoding: "png", Colour: "rgb"})
	}
	return nil
}
