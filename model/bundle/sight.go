package bundle

import (
	"fmt"
	"slices"

	"sim2reald/model/reference"
)

// Unreferenced lists the cameras of which the bundle does not say what they should show.
func (m *Manifest) Unreferenced() []string {
	var out []string
	for _, c := range m.Cameras {
		if m.Reference(c.Name) == nil {
			out = append(out, c.Name)
		}
	}
	return out
}

func checkReferenced(m *Manifest, rig *Rig) []*MismatchError {
	without := m.Unreferenced()
	return unless(!rig.RequireReference || len(without) == 0, "references", "none of "+list(without), "policy.require_reference",
		"train the bundle again, which adds them, or take policy.require_reference away")
}

// checkViews compares what the cameras show with what they showed in the demonstrations.
func checkViews(m *Manifest, rig *Rig) []*MismatchError {
	var out []*MismatchError
	for i := range m.References {
		r := &m.References[i]
		if rig.Views == nil || !slices.ContainsFunc(rig.Cameras, func(c RigCamera) bool { return c.Name == r.Camera }) {
			continue // checkCameras says which camera is missing
		}
		key, wants := "cameras "+r.Camera+" view", fmt.Sprintf("the mean of %d pictures", r.Pictures)
		view := rig.Views[r.Camera]
		if view == nil {
			out = append(out, unless(false, key, wants, "no picture yet", "check that the camera sends")...)
			continue
		}
		if v := r.Compare(view); !v.OK() {
			out = append(out, unless(false, key, wants, v, remedyOf(m, rig, r, v))...)
		}
	}
	return out
}

// remedyOf is what to do about a camera that shows something else.
func remedyOf(m *Manifest, rig *Rig, r *reference.Reference, v reference.Verdict) string {
	if other := shownBy(m, rig, r); other != "" {
		return fmt.Sprintf("camera %s shows it: exchange the two sources in cameras", other)
	}
	switch {
	case v.Turn != reference.Upright:
		return "mount the camera as in the demonstrations, or stop its driver from turning the picture"
	case v.Swapped:
		return "let the camera's driver send red first"
	case v.Moved:
		return "mount the camera where it stood in the demonstrations, or train with demonstrations from where it stands now"
	}
	return "point the camera as in the demonstrations, light the scene, take off the lens cap, or name the right source in cameras"
}

// shownBy is the camera that shows what r's should, if there is one.
func shownBy(m *Manifest, rig *Rig, r *reference.Reference) string {
	for _, c := range m.Cameras {
		if view := rig.Views[c.Name]; c.Name != r.Camera && view != nil && r.Compare(view).OK() {
			return c.Name
		}
	}
	return ""
}
