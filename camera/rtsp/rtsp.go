// Package rtsp reads a camera that speaks RTSP: H264 or motion JPEG, over TCP or UDP.
//
// What belongs here: the connection and coming back to it, making coded pictures of packets, decoding them, and holding
// back every picture of which something is missing, or that builds on such a one. What does not: the newest-frame slot
// (camera.Latest), which the caller's put feeds; how old a picture may be; and serving (camera/rtsp/out).
//
// A peer may stay silent at any point, and a decoder may hang. Nothing here waits for either: a connection without a
// picture is given up and made anew, and a decoder that does not return is abandoned with the goroutine that called it.
//
// Nothing in H264 or JPEG says that a picture is what was sent. What is held back is what the packets' numbers, the
// syntax and libavcodec's and libjpeg's checks tell.
package rtsp

import (
	"context"
	"sync/atomic"
	"time"

	"sim2reald/camera"
)

// Options say what to read.
type Options struct {
	Camera         string // name in the frames and in errors
	URL            string // rtsp://host/path or rtsps://; without user and password
	Key            string // key of URL in the user's configuration, for the remedy in errors
	User, Password string // shown nowhere
	UDP            bool   // else the pictures come over the connection itself, where none gets lost
	ByArrival      bool   // a picture counts as taken when it came, whatever the sender's clock says
	// Silence is how long nothing may come, of the answers as of the pictures, before the connection is given up; 0 means 2 s.
	Silence time.Duration
	// Ended is told why a connection ended or could not be made; nil: nobody. It runs on Run's goroutine.
	Ended  func(error)
	Counts *Counts // counted in while Run runs; nil: nowhere
}

// Counts are what became of a stream, since Run began.
type Counts struct {
	Connections atomic.Uint64 // that gave a picture or not
	Units       atomic.Uint64 // coded pictures that came complete
	Pictures    atomic.Uint64 // handed on
	Gaps        atomic.Uint64 // places where packets were missing or made no sense
	Waiting     atomic.Uint64 // units held back until a keyframe came
	Broken      atomic.Uint64 // units that did not decode, or not as sent
	Late        atomic.Uint64 // pictures that came after a newer one
	Overrun     atomic.Uint64 // units dropped because the decoder was slower than the camera
}

const (
	silence     = 2 * time.Second
	firstWait   = 100 * time.Millisecond
	longestWait = 2 * time.Second
)

// Run reads until ctx ends, and comes back to a camera that went. put gets every whole picture, as RGB with its fields
// set, valid until put returns; now is the clock of Frame.Arrival, which is when the picture's first packet came.
// Frame.Sent is the sender's wall clock once the sender has told it, and Frame.Stamp is Sent then, Arrival before. So is
// Frame.Taken, on now's clock, unless ByArrival: a sender whose clock is behind has old pictures, one that is ahead fresh ones.
func Run(ctx context.Context, opt Options, now func() time.Duration, put func(*camera.Frame)) {
	run(ctx, opt, now, put, connect, open)
}

// connector makes a connection and pushes what comes until it ends, or ctx. It must return soon after ctx does.
type connector func(ctx context.Context, opt Options, now func() time.Duration, to *inlet) error

// opener makes the decoder of a codec.
type opener func(codec) (decoder, error)

func run(ctx context.Context, opt Options, now func() time.Duration, put func(*camera.Frame), connect connector, open opener) {
	if opt.Silence <= 0 {
		opt.Silence = silence
	}
	if opt.Counts == nil {
		opt.Counts = &Counts{}
	}
	if opt.Ended == nil {
		opt.Ended = func(error) {}
	}
	s := &source{opt: opt, now: now, put: put, connect: connect, open: open, stuck: make(chan struct{}, mostStuck)}
	wait := firstWait
	for ctx.Err() == nil {
		before := opt.Counts.Pictures.Load()
		err := s.session(ctx)
		if ctx.Err() != nil {
			return
		}
		opt.Ended(opt.said(err))
		wait = nextWait(wait, opt.Counts.Pictures.Load() > before)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// nextWait doubles up to longestWait, and begins again after a connection that gave pictures.
func nextWait(wait time.Duration, good bool) time.Duration {
	if good {
		return firstWait
	}
	return min(2*wait, longestWait)
}
