package device

import (
	"errors"
	"fmt"
	"io"
	"time"

	"sim2reald/camera"
)

// grabber is the goroutine that owns the capture.
type grabber struct {
	opt    Options
	now    func() time.Duration
	open   func(Options) (capture, error)
	frames chan *camera.Frame
	back   chan struct{} // the frame may be overwritten
	quit   chan struct{}
	ended  chan error // capacity 1: an abandoned grabber must not wait for a reader
}

// errQuit ends the loop without a report.
var errQuit = errors.New("asked to quit")

func (g *grabber) run() { g.ended <- g.session() }

func (g *grabber) session() error {
	c, err := g.open(g.opt)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // nothing was written: a failing close loses nothing
	err = g.loop(c)
	if errors.Is(err, errQuit) {
		return nil
	}
	return fmt.Errorf("camera %s: reading %s: %w", g.opt.Camera, camera.Shown(g.opt.Source), err)
}

func (g *grabber) loop(c capture) error {
	f := camera.Frame{Camera: g.opt.Camera}
	start := time.Now()
	for {
		if err := g.pace(start, time.Duration(f.Seq)*c.Period()); err != nil {
			return err
		}
		if err := c.Read(&f); err != nil {
			return err
		}
		f.Seq++
		f.Arrival = g.now()
		f.Stamp, f.Taken = f.Arrival, f.Arrival
		if err := g.hand(&f); err != nil {
			return err
		}
	}
}

// pace waits until offset after start: absolute deadlines, so that a slow reader does not slow the source.
func (g *grabber) pace(start time.Time, offset time.Duration) error {
	wait := time.NewTimer(time.Until(start.Add(offset)))
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-g.quit:
		return errQuit
	}
}

func (g *grabber) hand(f *camera.Frame) error {
	select {
	case g.frames <- f:
		<-g.back
		return nil
	case <-g.quit:
		return errQuit
	}
}

var errEnd = fmt.Errorf("%w; set loop to show it again", io.EOF)
