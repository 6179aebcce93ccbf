package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"sim2reald/camera"
	"sim2reald/camera/device"
	"sim2reald/camera/encoded"
	"sim2reald/daemon/config"
	"sim2reald/daemon/topic"
	"sim2reald/daemon/web"
)

// sourceBridge is the camera source that means the bridge's own pictures.
const sourceBridge = "bridge"

// openCameras starts the sources that are not the bridge's, and checks that the bridge has the rest.
func (w *workcell) openCameras(ctx context.Context) error {
	// Sources outlive a command's context: the loop still looks while it brings the arm to rest.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	w.stop = stop
	for i, c := range w.cfg.Cameras {
		if c.Source == sourceBridge {
			if err := w.checkBridgeCamera(i); err != nil {
				return asMisconfigured(err)
			}
			continue
		}
		if w.lockstep() {
			return fmt.Errorf("cameras[%d].source: %s has a clock of its own, and a lock-step bridge waits for none; set it to bridge", i, camera.Shown(c.Source))
		}
		if err := w.openDevice(running, i); err != nil {
			return err
		}
	}
	return nil
}

func (w *workcell) checkBridgeCamera(i int) error {
	var names []string
	for _, f := range w.fact.Cameras {
		if f.Name == w.cfg.Cameras[i].Name {
			return nil
		}
		names = append(names, f.Name)
	}
	return fmt.Errorf("cameras[%d].name: the bridge has no camera %s, only %s; name one of these, or set cameras[%d].source to a device",
		i, w.cfg.Cameras[i].Name, strings.Join(names, ", "), i)
}

// openDevice waits for the first picture, so that a missing camera is found here and not in motion.
func (w *workcell) openDevice(ctx context.Context, i int) error {
	c, slot := w.cfg.Cameras[i], w.cameras[i]
	first, ended := make(chan struct{}), make(chan error, 1)
	var once sync.Once
	w.workers.Go(func() {
		ended <- device.Run(ctx, device.Options{
			Camera: c.Name, Source: c.Source, Key: fmt.Sprintf("cameras[%d].source", i), RateHz: w.fact.ControlRateHz,
		}, w.clock, func(f *camera.Frame) {
			slot.Put(f)
			w.show(f)
			once.Do(func() { close(first) })
		})
	})
	select {
	case <-first:
		return nil
	case err := <-ended:
		return asMisconfigured(err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// onFrame decodes a bridge's picture. A broken one is dropped: the old one then ages until the arm holds.
func (w *workcell) onFrame(msg *topic.CameraFrame, arrival time.Duration) {
	i := slices.IndexFunc(w.cfg.Cameras, func(c config.Camera) bool { return c.Name == msg.Name && c.Source == sourceBridge })
	if i < 0 {
		return
	}
	f := camera.Frame{Camera: msg.Name, Seq: msg.Seq, Stamp: msg.Stamp.Duration(), Arrival: arrival}
	if err := encoded.Decode(msg.Data, &f); err != nil {
		w.link.Dropped[topic.Malformed].Add(1)
		return
	}
	w.cameras[i].Put(&f)
	w.mu.Lock()
	w.pictures[msg.Name] = web.Picture{Seq: msg.Seq, ContentType: "image/png", Data: msg.Data}
	w.mu.Unlock()
}

// show keeps a device's picture for the page.
func (w *workcell) show(f *camera.Frame) {
	data, err := encoded.JPEG(f)
	if err != nil {
		return // the page keeps the one before; the policy has its own copy
	}
	w.mu.Lock()
	w.pictures[f.Camera] = web.Picture{Seq: f.Seq, ContentType: "image/jpeg", Data: data}
	w.mu.Unlock()
}

// picture is the newest of a camera, for the page and the record.
func (w *workcell) picture(name string) (web.Picture, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.pictures[name]
	return p, ok
}
