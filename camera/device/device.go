// Package device reads frames through OpenCV's VideoCapture: a local camera, a video file or stream that
// OpenCV can open; or pictures: one that is shown again and again, or a series.
//
// What belongs here: opening, reading and pacing one source, and a local camera's controls. What does not: the newest-frame slot
// (camera.Latest), which the caller's put feeds, and reconnecting, which is the caller's policy.
//
// OpenCV may block for ever, in open as in read. All calls to it are therefore made by one goroutine that
// Run abandons when it stays silent; should the call return after all, that goroutine closes the device and
// ends.
package device

import (
	"context"
	"fmt"
	"time"

	"sim2reald/camera"
)

// Options say what to read.
type Options struct {
	Camera        string         // name in the frames and in errors
	Source        string         // "/dev/video0", "0" (the same), "/dev/v4l/by-id/...", a path of a video or a picture, "frames/*.png", or a URL
	Key           string         // key of Source in the user's configuration, for the remedy in errors
	Width, Height int            // px, asked of a local camera; 0 leaves its own
	RateHz        float64        // pace of a picture, series or file, asked of a local camera; 0 leaves its own (picture: 30)
	Loop          bool           // start a file or series again at its end
	Series        *Series        // shown instead of Source, which names it; nil: Source is read
	Controls      map[string]int // of a local camera, by v4l2-ctl's names: set before the first picture and read back after it and now and then; another value ends Run
	Silence       time.Duration  // without a frame for so long the source counts as hung; 0 means 5 s
}

// SilentError says that a source hung.
type SilentError struct {
	Camera, Source, Key string
	Silence             time.Duration
}

func (e *SilentError) Error() string {
	return fmt.Sprintf("camera %s: reading %s: no frame for %v; check its cable or set %s",
		e.Camera, camera.Shown(e.Source), e.Silence, e.Key)
}

// capture is an open source.
type capture interface {
	Read(f *camera.Frame) error // fills Width, Height and Pix; io.EOF at the end
	Period() time.Duration      // between frames; 0 when Read itself waits for the next one
	Close() error
}

// Run reads the source until ctx ends (nil), it ends (io.EOF wrapped), fails or hangs (*SilentError). put gets
// every frame, with its fields set, valid until put returns; now is the clock of Frame.Arrival. Stamp and
// Taken equal Arrival: the driver's arrival, as OpenCV tells no exposure time.
func Run(ctx context.Context, opt Options, now func() time.Duration, put func(*camera.Frame)) error {
	return run(ctx, opt, now, put, open)
}

func run(ctx context.Context, opt Options, now func() time.Duration, put func(*camera.Frame),
	open func(Options) (capture, error),
) error {
	if opt.Silence == 0 {
		opt.Silence = 5 * time.Second
	}
	g := &grabber{opt: opt, now: now, open: open, frames: make(chan *camera.Frame),
		back: make(chan struct{}), quit: make(chan struct{}), ended: make(chan error, 1)}
	go g.run()
	return g.serve(ctx, put)
}

// serve hands frames on and decides when to give up.
func (g *grabber) serve(ctx context.Context, put func(*camera.Frame)) error {
	silence := time.NewTimer(g.opt.Silence)
	defer silence.Stop()
	for {
		select {
		case f := <-g.frames:
			put(f)
			g.back <- struct{}{}
			silence.Reset(g.opt.Silence)
		case err := <-g.ended:
			return err
		case <-silence.C:
			close(g.quit)
			return &SilentError{g.opt.Camera, g.opt.Source, g.opt.Key, g.opt.Silence}
		case <-ctx.Done():
			return g.stop(silence)
		}
	}
}

// stop waits for the goroutine, but not for ever.
func (g *grabber) stop(silence *time.Timer) error {
	close(g.quit)
	silence.Reset(g.opt.Silence)
	select {
	case <-g.ended:
	case <-silence.C:
	}
	return nil
}
