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
	b := comeback{run: func(ctx context.Context, put func(*camera.Frame)) error { return device.Run(ctx, opt, w.clock, put) }, local: camera.Local(opt.Source)}
	b.lost = func(err error) {
		select {
		case ended <- err:
		default:
		}
		w.log.Warn("camera lost; the arm holds until it is back", "because", err)
	}
	b.read(ctx, put)
}

// comeback reads a source again after it ended.
type comeback struct {
	run   func(context.Context, func(*camera.Frame)) error
	local bool
	lost  func(error) // is told once for each time that pictures came and ended, and when the first did not come
}

func (b *comeback) read(ctx context.Context, put func(*camera.Frame)) {
	wait, hung, ever, told := firstComeback, 0, false, false
	for ctx.Err() == nil {
		came := false
		err := b.run(ctx, func(f *camera.Frame) { came = true; put(f) })
		if ctx.Err() != nil || err == nil {
			return
		}
		if ever, told = ever || came, told && !came; !told {
			b.lost(err)
			told = true
		}
		if hung = hungThen(hung, err, came); !ever || !b.local || errors.Is(err, io.EOF) || hung >= hungAtMost {
			return
		}
		wait = waitThen(wait, came)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// hungThen counts reads in a row that hung.
func hungThen(hung int, err error, came bool) int {
	var silent *device.SilentError
	switch {
	case !errors.As(err, &silent):
		return 0
	case came:
		return 1
	}
	return hung + 1
}

func waitThen(wait time.Duration, came bool) time.Duration {
	if came {
		return firstComeback
	}
	return min(2*wait, longestComeback)
}
