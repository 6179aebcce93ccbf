package dataset

import (
	"fmt"
	"math"
	"slices"
)

// fit holds the mapping against what is there.
func (f *foreign) fit() error {
	if rate := f.m.Meta.ControlRateHz; math.Abs(rate-f.set.Info.FPS) > 1e-6*rate {
		return fmt.Errorf("%w: meta.control_rate_hz is %g, the dataset has %g frames in a second; a label is for the next frame, so write that rate",
			ErrMapping, rate, f.set.Info.FPS)
	}
	for _, c := range f.m.Meta.Cameras {
		feature, ok := f.set.Info.Features[f.m.Cameras[c.Name]]
		if !ok || !feature.Pictures() {
			return fmt.Errorf("%w: cameras.%s: no pictures %q; the dataset has %s", ErrMapping, c.Name, f.m.Cameras[c.Name], f.names(true))
		}
		if w, h := feature.Size(); w != c.Width || h != c.Height {
			return fmt.Errorf("%w: cameras.%s: pictures of %dx%d px, meta says %dx%d", ErrMapping, c.Name, w, h, c.Width, c.Height)
		}
	}
	for _, c := range []struct {
		key  string
		from *Columns
		into **picked
	}{
		{"position", &f.m.Position, &f.position}, {"velocity", f.m.Velocity, &f.velocity},
		{"action", &f.m.Action, &f.action}, {"sent", f.m.Sent, &f.sent},
	} {
		if c.from == nil {
			continue
		}
		var err error
		if *c.into, err = f.pick(c.from); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrMapping, c.key, err)
		}
	}
	return f.fitMarks()
}

// fitMarks finds what marks a success and the time.
func (f *foreign) fitMarks() error {
	for key, name := range map[string]string{"success": f.m.Success, "stamp_ns": f.m.StampNs} {
		if spec, ok := f.set.Info.Features[name]; name != "" && (!ok || spec.Pictures() || spec.Width() != 1) {
			return fmt.Errorf("%w: %s: no single number %q; the dataset has %s", ErrMapping, key, name, f.names(false))
		}
	}
	return nil
}

func (f *foreign) pick(c *Columns) (*picked, error) {
	spec, ok := f.set.Info.Features[c.Feature]
	if !ok || spec.Pictures() {
		return nil, fmt.Errorf("no feature %q; the dataset has %s", c.Feature, f.names(false))
	}
	p := &picked{Columns: *c, width: spec.Width(), gripper: -1}
	taken := map[int]string{}
	find := func(what, dimension string) (int, error) {
		at, err := spec.Index(dimension)
		if err != nil {
			return 0, fmt.Errorf("%s: %q %w", what, c.Feature, err)
		}
		if other, twice := taken[at]; twice {
			return 0, fmt.Errorf("%s: dimension %q is %s's already", what, dimension, other)
		}
		taken[at] = what
		return at, nil
	}
	for _, j := range f.m.Meta.Robot.JointNames {
		at, err := find(j, c.Joints[j])
		if err != nil {
			return nil, err
		}
		p.joints = append(p.joints, at)
	}
	var err error
	if c.Gripper != nil {
		p.gripper, err = find("gripper", c.Gripper.Dimension)
	}
	return p, err
}

// names lists the features that are seen, or those that are not.
func (f *foreign) names(pictures bool) (out []string) {
	for name, spec := range f.set.Info.Features {
		if spec.Pictures() == pictures {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
