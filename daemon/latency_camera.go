package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"sim2reald/calibration"
	"sim2reald/camera"
	"sim2reald/daemon/config"
	"sim2reald/daemon/web"
)

// watcher notes when pictures came, how light they are, and what the pattern before the camera did.
type watcher struct {
	clock func() time.Duration
	want  int

	mu      sync.Mutex
	seen    []calibration.Timed // mean of a picture, 0 to 255, at its arrival
	decoded []float64           // s from arrival until its pixels were there
	blinks  []calibration.Timed
	enough  chan struct{} // closed once
}

// cameraLatency watches a camera without an arm.
func (f latencyFlags) cameraLatency(ctx context.Context, cfg config.Config, say io.Writer) (l calibration.CameraLatency, err error) {
	i := slices.IndexFunc(cfg.Cameras, func(c config.Camera) bool { return c.Name == f.camera })
	switch {
	case i < 0:
		return l, fmt.Errorf("-camera %s: the configuration has no such camera", f.camera)
	case cfg.Cameras[i].OfBridge():
		return l, fmt.Errorf("cameras[%d].source: the bridge's own pictures carry its clock and need no latency", i)
	case cfg.Cameras[i].Serial == "":
		return l, fmt.Errorf("cameras[%d].serial: is empty; give the camera's, by which another one is told from it later", i)
	}
	began := time.Now()
	o := &watcher{clock: func() time.Duration { return time.Since(began) }, want: f.pictures, enough: make(chan struct{})}
	page, err := o.page(cfg.Web, f.pictures)
	if err != nil {
		return l, err
	}
	defer closing(&err, page.Close)
	fmt.Fprintf(say, "open %sblink.html on a screen before camera %s, as large as it can be\n", page.URL(), f.camera)
	if err := o.watch(ctx, cfg, i); err != nil {
		return l, err
	}
	o.mu.Lock() // the page may still blink
	defer o.mu.Unlock()
	found, err := calibration.FitBlink(o.blinks, o.seen)
	if err != nil {
		return l, fmt.Errorf("camera %s: %w", f.camera, err)
	}
	c := cfg.Cameras[i]
	l = calibration.CameraLatency{Name: c.Name, Serial: c.Serial, Date: time.Now().UTC().Truncate(time.Second),
		Latency: found.Mean, SD: found.SD, Samples: found.Samples, Decode: spreadOf(o.decoded).P50}
	fmt.Fprintf(say, "camera %s: %.1f ms to the picture's arrival (deviation %.1f ms, %d samples), and %.1f ms to decode it\n",
		c.Name, 1e3*l.Latency, 1e3*l.SD, l.Samples, 1e3*l.Decode)
	return l, nil
}

// page serves the pattern. A page may be loaded again: the changes of one before stay.
func (o *watcher) page(w config.Web, want int) (*web.Server, error) {
	b := &web.Blinker{Clock: o.clock, Blinked: func(at time.Duration, light bool) (bool, string) {
		o.mu.Lock()
		defer o.mu.Unlock()
		value := 0.0
		if light {
			value = 1
		}
		if n := len(o.blinks); n == 0 || at > o.blinks[n-1].At {
			o.blinks = append(o.blinks, calibration.Timed{At: at, Value: value})
		}
		return len(o.blinks) >= want, "That was enough."
	}}
	nothing := func(string) (web.Picture, bool) { return web.Picture{}, false }
	return web.Start(web.Options{Listen: w.Listen, Hosts: w.Hosts, Status: func() any { return idleStatus("latency of a camera, at /blink.html", "") }, Picture: nothing,
		Ask: func(web.Request) error {
			return errors.New("a latency is being measured; nothing is asked of the arm meanwhile")
		}, Blinker: b})
}

// watch reads the camera until enough was seen.
func (o *watcher) watch(ctx context.Context, cfg config.Config, i int) error {
	w := &workcell{cfg: cfg, clock: o.clock, log: newLog()}
	ended := make(chan error, 1)
	read, err := w.reader(i, ended)
	if err != nil {
		return err
	}
	reading, stop := context.WithCancel(ctx)
	var reader sync.WaitGroup
	reader.Go(func() { read(reading, o.put) })
	defer reader.Wait()
	defer stop()
	for {
		select {
		case <-o.enough:
			return nil
		case err := <-ended:
			// A stream is come back to; what is read once, a file or a device that is gone, has nothing more.
			if !cfg.Cameras[i].RTSP() {
				return errors.Join(err, errors.New("the camera ended"))
			}
		case <-ctx.Done():
			return o.why(context.Cause(ctx))
		}
	}
}

// why says what was missing.
func (o *watcher) why(err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return fmt.Errorf("%w (%d pictures came, %d changes of the pattern)", err, len(o.seen), len(o.blinks))
}

// put notes one picture.
func (o *watcher) put(f *camera.Frame) {
	now := o.clock()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = append(o.seen, calibration.Timed{At: f.Arrival, Value: meanOf(f.Pix)})
	o.decoded = append(o.decoded, (now - f.Arrival).Seconds())
	if o.whole() {
		select {
		case <-o.enough:
		default:
			close(o.enough)
		}
	}
}

// whole is whether the picture of the last change that is wanted must have come.
func (o *watcher) whole() bool {
	return len(o.blinks) >= o.want && o.clock()-o.blinks[o.want-1].At > time.Second
}

func meanOf(pix []byte) float64 {
	sum := 0
	for _, v := range pix {
		sum += int(v)
	}
	return float64(sum) / float64(max(len(pix), 1))
}
