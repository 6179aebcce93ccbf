package rtsp

import (
	"time"

	"sim2reald/camera"
)

// decoder makes pictures of units. It is used by one goroutine, which may be abandoned in it.
type decoder interface {
	send(u *unit) error
	// receive fills f's size and pixels with the next picture and names the unit it came in; ok is false when none is due.
	receive(f *camera.Frame) (id int64, ok bool, err error)
	// anew forgets all that was sent.
	anew() error
	close()
}

// gate decides which units are decoded: none before a keyframe, and none after a fault until the next one, because what
// builds on a picture that is missing or broken is broken as well.
type gate struct{ open bool }

// admit says whether u may be decoded. fresh says that the decoder must forget what it has seen before.
func (g *gate) admit(u *unit) (admitted, fresh bool) {
	if g.open {
		return true, false
	}
	g.open = u.key
	return g.open, g.open
}

func (g *gate) fault() { g.open = false }

// units remembered for the pictures that a decoder gives later: H264 reorders at most 16.
const remembered = 32

// player makes frames of units.
type player struct {
	gate    gate
	decoder decoder
	counts  *Counts
	times   [remembered]times // of unit id, at id modulo remembered
	last    time.Duration     // arrival of the newest picture shown
}

type times struct {
	moment
	id int64
}

// play decodes u and hands on what comes out of it. lost says that something before u is missing.
func (p *player) play(u *unit, lost bool, f *camera.Frame, show func(*camera.Frame)) {
	if lost {
		p.gate.fault()
	}
	admitted, fresh := p.gate.admit(u)
	if !admitted {
		p.counts.Waiting.Add(1)
		return
	}
	p.times[u.id%remembered] = times{u.moment, u.id}
	if err := p.decode(u, fresh, f, show); err != nil {
		p.counts.Broken.Add(1)
		p.gate.fault()
	}
}

func (p *player) decode(u *unit, fresh bool, f *camera.Frame, show func(*camera.Frame)) error {
	if fresh {
		if err := p.decoder.anew(); err != nil {
			return err
		}
	}
	if err := p.decoder.send(u); err != nil {
		return err
	}
	for {
		id, ok, err := p.decoder.receive(f)
		if err != nil || !ok {
			return err
		}
		p.show(id, f, show)
	}
}

// show leaves out a picture whose unit came before that of one already shown: it is older than what is known. So a stream
// with B-frames, which come late and are held back, gives some of its pictures only.
func (p *player) show(id int64, f *camera.Frame, show func(*camera.Frame)) {
	t := p.times[uint64(id)%remembered]
	if t.id != id || t.arrival < p.last {
		p.counts.Late.Add(1)
		return
	}
	p.last = t.arrival
	f.Arrival, f.Taken, f.Sent, f.Stamp = t.arrival, t.taken, t.sent, t.arrival
	if t.sent != 0 {
		f.Stamp = t.sent
	}
	p.counts.Pictures.Add(1)
	show(f)
}
