package bundle

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"sim2reald/model/reference"
)

// Rig is what a bundle meets: the loaded base, the bridge's factsheet, the cameras and the daemon itself.
type Rig struct {
	Daemon        string // version of this daemon
	BaseDigest    string // canonical, of the loaded base
	Robot         Robot
	Limits        Limits // enforced on this arm
	Cameras       []RigCamera
	ControlRateHz float64

	// Views are what the cameras show now, by name: compared before arming. With a nil map nobody looks, as when a bundle
	// is loaded, or when an evaluation changes on purpose what is seen.
	Views            map[string]*reference.View
	RequireReference bool // refuse a bundle that does not say what its cameras should show
}

// RigCamera is a camera as its source says it is.
type RigCamera struct {
	Name          string
	Width, Height int // pixels
	Colour        string
}

// MismatchError is one reason why a bundle may not move this arm, with its remedy.
type MismatchError struct {
	Key         string // of the manifest
	Bundle, Rig string
	Remedy      string
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("bundle does not fit: %s: bundle has %s, rig has %s; %s", e.Key, e.Bundle, e.Rig, e.Remedy)
}

// Check is nil when the bundle may move this arm, and otherwise the first of Mismatches.
func Check(m *Manifest, rig *Rig) error {
	if all := Mismatches(m, rig); len(all) > 0 {
		return all[0]
	}
	return nil
}

// Mismatches lists every reason against, the most basic first. It is pure: manifest and rig are all it sees.
func Mismatches(m *Manifest, rig *Rig) []*MismatchError {
	var out []*MismatchError
	for _, check := range []func(*Manifest, *Rig) []*MismatchError{
		checkDaemon, checkBase, checkRobot, checkCameras, checkRate, checkLimits, checkReferenced, checkViews,
	} {
		out = append(out, check(m, rig)...)
	}
	return out
}

// unless gives the mismatch when ok is false.
func unless(ok bool, key string, bundle, rig any, remedy string) []*MismatchError {
	if ok {
		return nil
	}
	return []*MismatchError{{key, fmt.Sprint(bundle), fmt.Sprint(rig), remedy}}
}

func checkDaemon(m *Manifest, rig *Rig) []*MismatchError {
	want, errWant := parseVersion(m.MinDaemon)
	have, errHave := parseVersion(rig.Daemon)
	ok := errWant == nil && errHave == nil && slices.Compare(have[:], want[:]) >= 0
	return unless(ok, "min_daemon", m.MinDaemon, rig.Daemon, "install sim2reald "+m.MinDaemon+" or newer")
}

func checkBase(m *Manifest, rig *Rig) []*MismatchError {
	return unless(m.Base.Digest == rig.BaseDigest, "base.digest", m.Base.Digest, rig.BaseDigest,
		"set policy.base to the file of "+m.Base.Name+", or train a bundle for this base")
}

func checkRobot(m *Manifest, rig *Rig) []*MismatchError {
	b, r := &m.Robot, &rig.Robot
	out := unless(b.Model == r.Model, "robot.model", b.Model, r.Model,
		"use a bundle that was trained for a "+r.Model)
	out = append(out, unless(slices.Equal(b.JointNames, r.JointNames), "robot.joint_names",
		list(b.JointNames), list(r.JointNames), "use a bundle for these joints in this order")...)
	return append(out, unless(b.Gripper == r.Gripper, "robot.gripper", fmt.Sprintf("%+v", b.Gripper),
		fmt.Sprintf("%+v", r.Gripper), "correct the sense of the gripper in the bridge's factsheet")...)
}

func list(names []string) string { return "[" + strings.Join(names, " ") + "]" }

func checkCameras(m *Manifest, rig *Rig) []*MismatchError {
	var out []*MismatchError
	for _, c := range m.Cameras {
		i := slices.IndexFunc(rig.Cameras, func(r RigCamera) bool { return r.Name == c.Name })
		if i < 0 {
			out = append(out, unless(false, "cameras", c.Name, rigCameras(rig), "add a camera of that name to cameras")...)
			continue
		}
		r, key := rig.Cameras[i], "cameras "+c.Name
		out = append(out, unless(c.SourceWidth == r.Width && c.SourceHeight == r.Height, key+" size",
			fmt.Sprintf("%dx%d", c.SourceWidth, c.SourceHeight), fmt.Sprintf("%dx%d", r.Width, r.Height),
			"set the camera to the bundle's size")...)
		out = append(out, unless(c.Colour == r.Colour, key+" colour", c.Colour, r.Colour,
			"set the camera to the bundle's colour order")...)
	}
	return out
}

func rigCameras(rig *Rig) string {
	var names []string
	for _, c := range rig.Cameras {
		names = append(names, c.Name)
	}
	return list(names)
}

// checkRate allows for the rounding of a period and no more: velocities are integrated over it.
func checkRate(m *Manifest, rig *Rig) []*MismatchError {
	b, r := m.Action.RateHz, rig.ControlRateHz
	return unless(math.Abs(b-r) <= 1e-6*b, "action.rate_hz", b, r, "run the bridge at the bundle's control rate")
}

// remedy is what to do about a number of a bundle, which the arm's own limit may allow where the rig's part of it does not.
func remedy(bundle, own, part float64) string {
	if part < 1 && bundle <= own+1e-9 {
		return fmt.Sprintf("use a bundle with slower demonstrations; or, once it has been watched at this speed with a hand on the emergency stop, raise robot.speed_scale to %.2g", math.Ceil(100*bundle/own)/100)
	}
	return "use a bundle whose demonstrations kept this arm's limits"
}

// checkLimits refuses a bundle that was shown more than this arm may do. A comparison with NaN is false, so
// each is written as what must hold.
func checkLimits(m *Manifest, rig *Rig) []*MismatchError {
	b, r, n := &m.Limits, &rig.Limits, len(m.Robot.JointNames)
	if err := b.Validate(n); err != nil {
		return unless(false, "limits", err, "its own", "train the bundle again")
	}
	if err := r.Validate(n); err != nil {
		return unless(false, "limits", fmt.Sprintf("%d joints", n), err, "correct the limits in the bridge's factsheet")
	}
	rows := []struct {
		key               string
		bundle, rig       []float64
		bundleBy, rigBy   float64
		bundleMustBeAbove bool
	}{
		{"limits.position_min", b.PositionMin, r.PositionMin, 1, 1, true},
		{"limits.position_max", b.PositionMax, r.PositionMax, 1, 1, false},
		{"limits.velocity_max x speed_scale", b.VelocityMax, r.VelocityMax, b.SpeedScale, r.SpeedScale, false},
		{"limits.acceleration_max", b.AccelerationMax, r.AccelerationMax, 1, 1, false},
	}
	var out []*MismatchError
	for _, row := range rows {
		for j := range n {
			x, y := row.bundle[j]*row.bundleBy, row.rig[j]*row.rigBy
			ok := x <= y+1e-9
			if row.bundleMustBeAbove {
				ok = x >= y-1e-9
			}
			out = append(out, unless(ok, fmt.Sprintf("%s[%d]", row.key, j), x, y, remedy(row.bundleBy*row.bundle[j], row.rig[j], row.rigBy))...)
		}
	}
	return out
}
