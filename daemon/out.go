package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"sim2reald/camera"
	"sim2reald/camera/rtsp/out"
	"sim2reald/daemon/config"
	"sim2reald/daemon/topic"
)

// annotated is behind the name of a camera whose pictures have words on them.
const annotated = "/annotated"

// openOut serves every camera twice, where the configuration wants it.
func (w *workcell) openOut() (err error) {
	if w.cfg.Web.RTSP == "" {
		return nil
	}
	var paths []string
	for _, c := range w.cfg.Cameras {
		paths = append(paths, c.Name, c.Name+annotated)
	}
	if w.out, err = out.Start(w.cfg.Web.RTSP, paths, w.clock); err != nil {
		return fmt.Errorf("web.rtsp %s: %w; set it to a free port", w.cfg.Web.RTSP, err)
	}
	w.log.Info("cameras served by RTSP; whoever reaches this address sees them", "plain", w.out.URL(w.cfg.Cameras[0].Name))
	return nil
}

// showing encodes a camera's pictures for people, beside the source, which does not wait for it.
func (w *workcell) showing(ctx context.Context, i int) {
	c, view := w.cfg.Cameras[i], w.screens[i]
	var f camera.Frame
	var said bool
	shown := time.Duration(-1) // arrival of the newest: what came while another was read is told of once more
	for {
		select {
		case <-view.Updated():
		case <-ctx.Done():
			return
		}
		if view.Read(&f, w.clock(), time.Duration(math.MaxInt64)) != nil || f.Arrival == shown {
			continue
		}
		shown = f.Arrival
		if c.Source != config.SourceBridge { // whose pictures come encoded
			w.show(&f)
		}
		if err := w.serve(&f); err != nil && !said {
			said = true
			w.log.Warn("a camera is not served", "because", err)
		}
	}
}

// serve sends a picture to those who watch it.
func (w *workcell) serve(f *camera.Frame) error {
	if w.out == nil {
		return nil
	}
	if w.out.Watched(f.Camera) {
		if err := w.out.Show(f.Camera, f); err != nil {
			return err
		}
	}
	if !w.out.Watched(f.Camera + annotated) {
		return nil
	}
	written, err := out.Annotated(f, w.words(f))
	if err != nil {
		return err
	}
	return w.out.Show(f.Camera+annotated, written)
}

// words are what is written onto a picture.
func (w *workcell) words(f *camera.Frame) []string {
	words := []string{fmt.Sprintf("%s %d, %.0f ms old", f.Camera, f.Seq, 1e3*(w.clock()-f.Taken).Seconds())}
	shown := w.shown.Load()
	if shown == nil {
		return words
	}
	return append(words, wordsOf(shown.status())...)
}

// wordsOf a status: mode and why, the commanded joint velocities and the gripper, the ages.
func wordsOf(s topic.Status) []string {
	mode := s.Mode
	if s.Why != "" {
		mode += ": " + s.Why
	}
	var action, ages strings.Builder
	for _, j := range s.Joints {
		fmt.Fprintf(&action, " %+.2f", j.Commanded)
	}
	for _, a := range s.Ages {
		fmt.Fprintf(&ages, " %s %.0f", a.Name, 1e3*a.Age)
	}
	return []string{mode, "rad/s" + action.String() + fmt.Sprintf(", gripper %.2f", s.Gripper), "ms" + ages.String()}
}
