package main

import (
	"math"
	"strings"
	"time"

	"sim2reald/camera"
	"sim2reald/model/bundle"
	"sim2reald/model/reference"
)

// views are what the cameras show now, for bundle.Check before arming; nil under a shift, whose whole point is that they
// show something else. A camera without a picture, or with one too small to compare, is not in it.
func (w *workcell) views() map[string]*reference.View {
	if w.shifted.Load() {
		return nil
	}
	out := map[string]*reference.View{}
	for _, c := range w.cameras {
		var f camera.Frame
		if err := c.Read(&f, w.clock(), time.Duration(math.MaxInt64)); err != nil {
			continue // how old a picture may be is the state machine's affair
		}
		if v, err := reference.Of(&f); err == nil {
			out[c.Camera()] = &v
		}
	}
	return out
}

// tellSight says what nobody will notice about this bundle's cameras.
func (w *workcell) tellSight(m *bundle.Manifest) {
	if without := m.Unreferenced(); len(without) > 0 {
		w.log.Warn("no reference picture: a camera that is turned, swaps red and blue or shows something else would arm all the same; train the bundle again, which adds one",
			"bundle", m.Name, "cameras", strings.Join(without, ", "))
	}
	if without := m.Unlikened(); len(without) > 0 {
		w.log.Info("no colours and features of the demonstrations: how like them the pictures are is not told; train the bundle again, which adds them",
			"bundle", m.Name, "cameras", strings.Join(without, ", "))
	}
	for i := range m.References {
		if untold := m.References[i].Untold(); untold != "" {
			w.log.Warn("the reference picture cannot tell this, because the demonstrations look the same so",
				"bundle", m.Name, "camera", m.References[i].Camera, "cannot_tell", untold)
		}
	}
}
