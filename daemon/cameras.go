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
	"sim2reald/camera/rtsp"
	"sim2reald/daemon/config"
	"sim2reald/daemon/topic"
	"sim2reald/daemon/web"
)

// openCameras starts the sources that are not the bridge's, and checks that the bridge has the rest.
func (w *workcell) openCameras(ctx context.Context) error {
	// Sources outlive a command's context: the loop still looks while it brings the arm to rest.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	w.stop = stop
	for i, c := range w.cfg.Cameras {
		w.workers.Go(func() { w.showing(running, i) })
		if c.OfBridge() {
			if err := w.checkBridgeCamera(i); err != nil {
				return asMisconfigured(err)
			}
		}
		if c.Source == config.SourceBridge {
			continue
		}
		if w.lockstep() {
			return fmt.Errorf("cameras[%d].source: %s has a clock of its own, and a lock-step bridge waits for none; set it to bridge", i, camera.Shown(c.Source))
		}
		if err := w.openSource(running, i); err != nil {
			return err
		}
	}
	return nil
}

func (w *workcell) checkBridgeCamera(i int) error {
	var names []string
	for _, f := range w.fact.Cameras {
		if f.Name == w.cfg.Cameras[i].Name {
			return checkServed(i, w.cfg.Cameras[i].Source, f)
		}
		names = append(names, f.Name)
	}
	return fmt.Errorf("cameras[%d].name: the bridge has no camera %s, only %s; name one of these, or set cameras[%d].source to a device",
		i, w.cfg.Cameras[i].Name, strings.Join(names, ", "), i)
}

// checkServed holds the way that a bridge's camera is to come against the one that its factsheet names.
func checkServed(i int, source string, f topic.CameraFact) error {
	switch {
	case source == config.SourceBridge && f.Address != "":
		return fmt.Errorf("cameras[%d].source: %s, and the bridge sends camera %s by RTSP alone; set it to %s", i, source, f.Name, config.SourceBridgeRTSP)
	case source == config.SourceBridgeRTSP && f.Address == "":
		return fmt.Errorf("cameras[%d].source: %s, and the bridge does not send camera %s by RTSP; set it to %s, or start the bridge with --rtsp", i, source, f.Name, config.SourceBridge)
	case source == config.SourceBridgeRTSP && !(config.Camera{Source: f.Address}).RTSP():
		return fmt.Errorf("camera %s of the factsheet: address %q does not begin with rtsp://; mend the bridge", f.Name, f.Address)
	}
	return nil
}

// source is a camera with the address that the factsheet names, where the configuration leaves it to that.
func (w *workcell) source(i int) config.Camera {
	c := w.cfg.Cameras[i]
	for _, f := range w.fact.Cameras {
		if c.Source == config.SourceBridgeRTSP && f.Name == c.Name {
			c.Source = f.Address
		}
	}
	return c
}

// openSource waits for the first picture, so that a missing camera is found here and not in motion.
func (w *workcell) openSource(ctx context.Context, i int) error {
	c, slot, view := w.source(i), w.cameras[i], w.screens[i]
	first, ended := make(chan struct{}), make(chan error, 2)
	var once, wrong sync.Once
	read, err := w.reader(i, ended)
	if err != nil {
		return asMisconfigured(err)
	}
	warped, err := w.warper(i)
	if err != nil {
		return asMisconfigured(err)
	}
	latency := w.latency(c.Name)
	doubt := clockDoubt{camera: c.Name, key: fmt.Sprintf("cameras[%d]", i), bound: config.Milliseconds(w.cfg.Ages.FrameMs)}
	w.workers.Go(func() {
		read(ctx, func(f *camera.Frame) {
			if f.Sent != 0 && !c.ByArrival() {
				w.warnOnce(doubt.of(time.Since(time.Unix(0, int64(f.Sent)))))
			}
			f.Taken = min(f.Taken, f.Arrival-latency)
			if warped != nil {
				var err error
				if f, err = warped(f); err != nil {
					wrong.Do(func() { ended <- err; w.log.Error("camera lost", "because", err) })
					return
				}
			}
			slot.Put(f)
			view.Put(f)
			once.Do(func() { close(first) })
		})
	})
	select {
	case <-first:
		w.log.Info("camera", "name", c.Name, "source", camera.Shown(c.Source))
		return nil
	case err := <-ended:
		return asMisconfigured(err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reader is what reads a source until its context ends. ended, which has room for one, gets why it could not or no longer.
func (w *workcell) reader(i int, ended chan error) (func(context.Context, func(*camera.Frame)), error) {
	c, key := w.source(i), fmt.Sprintf("cameras[%d]", i)
	if c.RTSP() {
		opt, err := streamOptions(c, key)
		if err != nil {
			return nil, err
		}
		opt.Counts = &rtsp.Counts{}
		opt.Ended = w.sayEnded(opt.Counts, ended)
		return func(ctx context.Context, put func(*camera.Frame)) { rtsp.Run(ctx, opt, w.clock, put) }, nil
	}
	opt, err := deviceOptions(c, key)
	if camera.Local(c.Source) && opt.RateHz == 0 {
		opt.RateHz = w.fact.ControlRateHz
	}
	return func(ctx context.Context, put func(*camera.Frame)) { w.readDevice(ctx, opt, put, ended) }, err
}

// deviceOptions are how a device, a file or a recorded episode is read.
func deviceOptions(c config.Camera, key string) (device.Options, error) {
	opt := device.Options{Camera: c.Name, Source: c.Source, Key: key + ".source", RateHz: c.RateHz, Loop: c.Loop, Controls: c.Controls}
	where, ok := strings.CutPrefix(c.Source, config.SourceEpisode)
	if !ok {
		return opt, nil
	}
	var err error
	var rate float64
	if opt.Series, rate, err = seriesOf(where, c.Name); err != nil {
		return opt, fmt.Errorf("%s.source: %w", key, err)
	}
	if opt.RateHz == 0 {
		opt.RateHz = rate
	}
	return opt, nil
}

// streamOptions are how an RTSP camera is read.
func streamOptions(c config.Camera, key string) (rtsp.Options, error) {
	opt := rtsp.Options{Camera: c.Name, URL: c.Source, Key: key + ".source", UDP: c.UDP(), ByArrival: c.ByArrival()}
	if c.CredentialsFile == "" {
		return opt, nil
	}
	secret, err := topic.ReadSecret(c.CredentialsFile)
	if err != nil {
		return opt, fmt.Errorf("%s.credentials_file: %w", key, err)
	}
	var ok bool
	if opt.User, opt.Password, ok = strings.Cut(secret, ":"); !ok || opt.User == "" {
		return opt, fmt.Errorf("%s.credentials_file: the first line of %s is not user:password", key, c.CredentialsFile)
	}
	return opt, nil
}

// sayEnded logs why a camera went, once until it was back or something else is wrong with it.
func (w *workcell) sayEnded(counts *rtsp.Counts, ended chan error) func(error) {
	var said string
	var pictures uint64
	return func(err error) {
		select {
		case ended <- err:
		default:
		}
		if now := counts.Pictures.Load(); now != pictures || err.Error() != said {
			said, pictures = err.Error(), now
			w.log.Warn("camera lost; the arm holds until it is back", "because", err)
		}
	}
}

// onFrame decodes a bridge's picture. A broken one is dropped: the old one then ages until the arm holds.
func (w *workcell) onFrame(msg *topic.CameraFrame, arrival time.Duration) {
	i := slices.IndexFunc(w.cfg.Cameras, func(c config.Camera) bool { return c.Name == msg.Name && c.Source == config.SourceBridge })
	if i < 0 {
		return
	}
	f := camera.Frame{Camera: msg.Name, Seq: msg.Seq, Stamp: msg.Stamp.Duration(), Arrival: arrival, Taken: w.shotAt(msg.Seq, arrival)}
	if err := encoded.Decode(msg.Data, &f); err != nil {
		w.link.Dropped[topic.Malformed].Add(1)
		return
	}
	w.cameras[i].Put(&f)
	if w.out != nil {
		w.screens[i].Put(&f)
	}
	w.mu.Lock()
	w.pictures[msg.Name] = web.Picture{Seq: msg.Seq, ContentType: "image/png", Data: msg.Data}
	w.mu.Unlock()
}

// shotAt is when a bridge's picture was taken: those of one seq show one moment, and the first of them to come is the least
// late.
func (w *workcell) shotAt(seq uint64, arrival time.Duration) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.shot.seq != seq || arrival < w.shot.at {
		w.shot.seq, w.shot.at = seq, arrival
	}
	return w.shot.at
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

// picture is the newest of a camera, for the page and the record; without data before the first.
func (w *workcell) picture(name string) (web.Picture, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pictures[name], slices.ContainsFunc(w.cfg.Cameras, func(c config.Camera) bool { return c.Name == name })
}

// look is what a policy would be shown now: the newest picture, or of several cameras the newest set.
func (w *workcell) look() ([]*camera.Frame, error) {
	var frames []*camera.Frame
	now, old := w.clock(), config.Milliseconds(w.cfg.Ages.FrameMs)
	for _, c := range w.cameras {
		f := &camera.Frame{}
		if err := c.Read(f, now, old); err != nil {
			return nil, err
		}
		frames = append(frames, f)
	}
	if len(frames) == 1 {
		return frames, nil
	}
	set := camera.NewSet(len(frames))
	if set.Find(w.cameras, config.Milliseconds(w.cfg.Ages.ApartMs)) && now-set.Oldest <= old && set.Read(w.cameras, frames) {
		return frames, nil
	}
	which, by := set.Behind()
	return nil, fmt.Errorf("camera %s is %v behind, and no new pictures were taken within %d ms of each other; check it and its clock, or raise ages.apart_ms",
		w.cameras[max(0, which)].Camera(), by, w.cfg.Ages.ApartMs)
}
