package main

import (
	"context"
	"errors"
	"io"
	"time"

	"sim2reald/camera"
	"sim2reald/camera/device"
)

const (
	firstComeback   = 100 * time.Millisecond
	longestComeback = 2 * time.Second
	// hungAtMost reads in a row may hang: each keeps a thread and its memory.
	hungAtMost = 3
)

// readDevice reads a device until ctx ends, and comes back to a local camera that went after its first picture; a file
// ends. ended, which has room for one, gets why it ended first.
func (w *workcell) readDevice(ctx context.Context, opt device.Options, put func(*camera.Frame), ended chan error) {
	c := comeback{local: camera.Local(opt.Source), wait: firstComeback}
	c.run = func(ctx context.Context, put func(*camera.Frame)) error { return device.Run(ctx, opt, w.clock, put) }
	c.lost = func(err error, back bool) {
		select {
		case ended <- err:
		default:
		}
		if back {
			w.log.Warn("camera lost; the arm holds until it is back", "because", err)
		} else {
			w.log.Warn("camera gone for good; the arm holds, and this program must be started again", "because", err)
		}
	}
	c.read(ctx, put)
}

// comeback reads a source again after it ended.
type comeback struct {
	run   func(context.Context, func(*camera.Frame)) error
	local bool                       // it may come back
	lost  func(err error, back bool) // is told once each time that pictures came and ended, when none came at first, and at the last

	wait time.Duration // until it is read again
	hung int           // reads in a row that hung
	ever bool          // a picture came
	told bool          // that it is lost
}

// read returns when ctx ends, or when the source does not come back.
func (c *comeback) read(ctx context.Context, put func(*camera.Frame)) {
	for ctx.Err() == nil {
		came := false
		err := c.run(ctx, func(f *camera.Frame) { came = true; put(f) })
		if ctx.Err() != nil || err == nil {
			return
		}
		if !c.after(err, came) {
			return
		}
		select {
		case <-time.After(c.wait):
		case <-ctx.Done():
		}
	}
}

// after a run that ended says whether there is another.
func (c *comeback) after(err error, came bool) bool {
	var silent *device.SilentError
	if came {
		c.ever, c.told, c.hung, c.wait = true, false, 0, firstComeback/2
	}
	if c.hung++; !errors.As(err, &silent) {
		c.hung = 0
	}
	c.wait = min(2*c.wait, longestComeback)
	back := c.ever && c.local && !errors.Is(err, io.EOF) && c.hung < hungAtMost
	if !c.told || !back {
		c.told = true
		c.lost(err, back)
	}
	return back
}
