package main

import (
	"fmt"
	"reflect"
	"time"

	"sim2reald/daemon/config"
	"sim2reald/daemon/topic"
)

// openRig reads the rig's file once: what the loop counts by must not change under it. One that cannot be read counts
// for nothing and does not arm.
func (w *workcell) openRig() {
	if path := w.cfg.Calibration.Rig; path != "" {
		w.rig, w.rigWrong = readRig(path)
	}
	for _, l := range w.latencyStatus() {
		w.log.Info("latency", "of", l.Of, "latency_s", l.Latency, "sd_s", l.SD, "date", l.Date, "used", l.Used)
	}
}

// rigFits refuses to arm with a rig's file that is not of these cameras and this arm, or old, or not the one that was
// read at the start.
func (w *workcell) rigFits(robot string) error {
	path, maxAge := w.cfg.Calibration.Rig, w.cfg.Calibration.MaxAge()
	if path == "" {
		return nil
	}
	now, err := readRig(path)
	switch {
	case err != nil:
		return fmt.Errorf("%w; measure again with sim2reald calibrate latency", err)
	case w.rigWrong != nil || !reflect.DeepEqual(now, w.rig):
		return fmt.Errorf("%s was changed since the daemon started; start it again", path)
	}
	for _, c := range w.cfg.Cameras {
		if l, ok := w.rig.Camera(c.Name); ok {
			if err := l.Fresh(fmt.Sprintf("%s, camera %s,", path, c.Name), time.Now(), maxAge, c.Serial); err != nil {
				return err
			}
		}
	}
	if w.rig.Command == nil {
		return nil
	}
	return w.rig.Command.Fresh(path+", command,", time.Now(), maxAge, robot)
}

// latency is how long before its arrival a camera's picture was taken, as far as it was measured: zero if it was not. A
// picture is never younger than this or its sender's clock says.
func (w *workcell) latency(camera string) time.Duration {
	l, _ := w.rig.Camera(camera)
	return time.Duration(l.Latency * float64(time.Second))
}

// latencyStatus tells what was measured, and what it is used for.
func (w *workcell) latencyStatus() []topic.LatencyStatus {
	out := []topic.LatencyStatus{}
	for _, c := range w.cfg.Cameras {
		used := "ages count from the exposure"
		if c.Source == config.SourceBridge {
			used = "not used: the bridge's pictures carry its own clock"
		}
		if l, ok := w.rig.Camera(c.Name); ok {
			out = append(out, topic.LatencyStatus{Of: "camera " + c.Name, Latency: l.Latency, SD: l.SD, Samples: l.Samples, Date: l.Date.Format(time.DateOnly), Used: used})
		}
	}
	if c := w.rig.Command; c != nil {
		out = append(out, topic.LatencyStatus{Of: "commands", Latency: c.Latency, SD: c.SD, Samples: c.Samples, Date: c.Date.Format(time.DateOnly), Used: "reported, not used"})
	}
	return out
}
