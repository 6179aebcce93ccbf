package rtsp

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"

	"sim2reald/camera"
)

const (
	// mostStuck decoders may hang at a time: each keeps a thread and its memory.
	mostStuck = 3
	// queued units wait for the decoder; more are an overrun.
	queued = 16
)

var (
	errSilent  = errors.New("nothing came")
	errHung    = errors.New("the decoder does not return and was abandoned")
	errAllHung = errors.New("three decoders do not return; restart this program")
)

// source is one Run.
type source struct {
	opt     Options
	now     func() time.Duration
	put     func(*camera.Frame)
	connect connector
	open    opener
	stuck   chan struct{} // holds one for each decoder in use or abandoned
	seq     atomic.Uint64 // of the newest frame
}

// part is what the connection hands to the decoder.
type part struct {
	unit *unit
	lost bool
}

// inlet is where a connection leaves what it got.
type inlet struct {
	assembler assembler
	open      func(codec) error // called once, before the first packet
	parts     chan part
	lost      bool // and not yet handed on
	counts    *Counts
	alive     chan struct{} // capacity 1: something came
}

// packet takes the next one. It never waits.
func (in *inlet) packet(p *rtp.Packet, came moment) {
	select {
	case in.alive <- struct{}{}:
	default:
	}
	u, lost := in.assembler.push(p, came)
	if lost {
		in.counts.Gaps.Add(1)
		in.lost = true
	}
	if u == nil {
		return
	}
	in.counts.Units.Add(1)
	select {
	case in.parts <- part{u, in.lost}:
		in.lost = false
	default:
		in.counts.Overrun.Add(1)
		in.lost = true
	}
}

// session is one connection with one decoder.
func (s *source) session(ctx context.Context) error {
	select {
	case s.stuck <- struct{}{}:
	default:
		return errAllHung
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := &worker{source: s, parts: make(chan part, queued), done: make(chan struct{})}
	in := &inlet{parts: w.parts, counts: s.opt.Counts, alive: make(chan struct{}, 1)}
	started := false
	in.open = func(c codec) (err error) {
		w.player.decoder, err = s.open(c)
		if err == nil {
			w.player.counts, started = s.opt.Counts, true
			in.assembler.kind = c.kind
			go w.run()
		}
		return err
	}
	ended := make(chan error, 1)
	s.opt.Counts.Connections.Add(1)
	go func() {
		ended <- s.connect(ctx, s.opt, s.now, in)
		close(in.parts)
		if !started {
			w.finish()
		}
	}()
	err := s.watch(ctx, w, in.alive, ended)
	cancel()
	w.leave()
	if errors.Is(err, errHung) {
		return err
	}
	return errors.Join(err, s.outlast(w))
}

// watch returns when the connection ends, or is silent, or the decoder hangs.
func (s *source) watch(ctx context.Context, w *worker, alive <-chan struct{}, ended <-chan error) error {
	quiet := time.NewTimer(s.opt.Silence)
	defer quiet.Stop()
	look := time.NewTicker(s.opt.Silence / 4)
	defer look.Stop()
	var worker hang
	for {
		select {
		case <-alive:
			quiet.Reset(s.opt.Silence)
		case <-quiet.C:
			return errSilent
		case <-look.C:
			if worker.looks(w.turn.Load(), 4) {
				return errHung
			}
		case err := <-ended:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// outlast waits for the decoder to end, but not for ever.
func (s *source) outlast(w *worker) error {
	wait := time.NewTimer(s.opt.Silence)
	defer wait.Stop()
	select {
	case <-w.done:
		return nil
	case <-wait.C:
		return errHung
	}
}

// hang tells from a worker's turns, looked at now and then, whether it stays in one.
type hang struct {
	turn   uint64
	looked int // how often that turn was seen
}

// looks says whether one and the same turn of work was seen more than most times in a row.
func (h *hang) looks(turn uint64, most int) bool {
	if turn != h.turn || turn%2 == 0 {
		h.turn, h.looked = turn, 0
	}
	h.looked++
	return turn%2 == 1 && h.looked > most
}

// worker is the goroutine that owns a decoder.
type worker struct {
	source *source
	player player
	parts  chan part
	turn   atomic.Uint64 // odd while the decoder is at work
	done   chan struct{}

	mu   sync.Mutex
	left bool // abandoned: nothing more is handed on
}

func (w *worker) run() {
	defer w.finish()
	defer w.player.decoder.close()
	f := camera.Frame{Camera: w.source.opt.Camera}
	for p := range w.parts {
		w.turn.Add(1)
		w.player.play(p.unit, p.lost, &f, w.show)
		w.turn.Add(1)
	}
}

func (w *worker) finish() {
	<-w.source.stuck
	close(w.done)
}

// show hands a frame on unless the worker was abandoned.
func (w *worker) show(f *camera.Frame) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left {
		return
	}
	f.Seq = w.source.seq.Add(1)
	w.source.put(f)
}

func (w *worker) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.left = true
}
