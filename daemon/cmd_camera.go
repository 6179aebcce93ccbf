package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sim2reald/camera"
	"sim2reald/camera/device"
	"sim2reald/camera/rtsp"
	"sim2reald/daemon/config"
)

// cmdCamera looks at cameras without a robot.
func cmdCamera(ctx context.Context, args []string) error {
	return choose(ctx, "sim2reald camera", "looks at cameras", []command{
		{"list", "what the configuration names, and which local devices there are", cameraList},
		{"probe", "read pictures of a SOURCE, named first: rate, latency, jitter, drops, size, colour", cameraProbe},
	}, args)
}

// cameraList prints what the configuration names and which local devices there are.
func cameraList(_ context.Context, args []string) error {
	cfg, err := configured(flag.NewFlagSet("camera list", flag.ContinueOnError), args)
	if err != nil {
		return err
	}
	for _, c := range cfg.Cameras {
		fmt.Printf("configured  %s  %s\n", c.Name, camera.Shown(c.Source))
	}
	local := 0
	for _, pattern := range []string{"/dev/v4l/by-id/*", "/dev/video*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, f := range found {
			fmt.Printf("local       %s\n", localLine(f))
		}
		local += len(found)
	}
	if local == 0 {
		fmt.Println("local       none; plug a camera in, or see whether its driver is loaded")
	}
	return nil
}

// localLine is a device with the number that a name stands for now.
func localLine(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil && real != path {
		return path + "  now " + real
	}
	return path
}

// probeFlags are those of camera probe.
type probeFlags struct {
	camera config.Camera
	frames int
	json   bool
	wait   time.Duration
}

func cameraProbe(ctx context.Context, args []string) error {
	f := probeFlags{camera: config.Camera{Name: "probe"}}
	fs := flag.NewFlagSet("camera probe", flag.ContinueOnError)
	fs.IntVar(&f.frames, "frames", 100, "how many pictures are looked at")
	fs.BoolVar(&f.json, "json", false, "print JSON")
	fs.DurationVar(&f.wait, "wait", 10*time.Second, "for the first picture, and for each one")
	fs.StringVar(&f.camera.CredentialsFile, "credentials-file", "", "`file` whose first line is user:password, for rtsp://")
	fs.Float64Var(&f.camera.RateHz, "rate", 0, "of a device or file, in `Hz`; 0: its own")
	fs.StringVar(&f.camera.Transport, "transport", "", "of rtsp://: tcp or udp")
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") && f.camera.Source == "" {
		f.camera.Source, args = args[0], args[1:]
	}
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if f.camera.Source == "" || f.frames < 2 {
		return errors.New("camera probe: say SOURCE first, rtsp://host/path, a device, a file or frames/*.png, and -frames of 2 or more")
	}
	r, err := f.probe(ctx)
	if err != nil {
		return err
	}
	if f.json {
		return printJSON(r)
	}
	return r.print(os.Stdout)
}

// probe reads until it has seen enough, and tells what it has seen; it fails where there was no picture.
func (f *probeFlags) probe(ctx context.Context) (*cameraReport, error) {
	c := config.Default()
	c.Cameras = []config.Camera{f.camera}
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("camera probe: %w; here that is SOURCE, -credentials-file or -transport", err)
	}
	began := time.Now()
	p := &cameraProbeState{frames: f.frames, clock: func() time.Duration { return time.Since(began) }, came: make(chan struct{}, 1), done: make(chan struct{})}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	stopped := make(chan struct{})
	read, err := f.reader(p, ended)
	if err != nil {
		return nil, err
	}
	go func() {
		defer close(stopped)
		read(ctx)
	}()
	err = p.await(ctx, f.wait, ended)
	cancel()
	<-stopped
	if err != nil && len(p.arrivals) < 2 {
		return nil, err
	}
	r := p.report(f.camera.Source)
	r.Controls, err = device.Controls(f.camera.Source, "SOURCE")
	return r, err
}

func (f *probeFlags) reader(p *cameraProbeState, ended chan error) (func(context.Context), error) {
	if f.camera.RTSP() {
		opt, err := streamOptions(f.camera, "camera probe")
		if err != nil {
			return nil, err
		}
		opt.Key = "SOURCE"
		opt.Counts = &p.counts
		opt.Ended = func(err error) {
			select {
			case ended <- err:
			default:
			}
		}
		return func(ctx context.Context) { rtsp.Run(ctx, opt, p.clock, p.put) }, nil
	}
	opt, err := deviceOptions(f.camera, "camera probe")
	opt.Key = "SOURCE"
	return func(ctx context.Context) { ended <- device.Run(ctx, opt, p.clock, p.put) }, err
}
