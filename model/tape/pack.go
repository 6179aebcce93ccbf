package tape

/*
#include "tape.h"
*/
import "C"

import (
	"gorgonia.org/gorgonia"

	"sim2reald/model/graph"
)

// packing says how a product's weight is packed: for which windows, and where it finds its numbers, see
// tape_pack.
type packing struct {
	windows
	group, first, output, pixel, channel int
}

// kernel is what packing depends on: not the map's size, so that pictures of every size share a packed weight.
func (w windows) kernel() windows {
	return windows{channels: w.channels, out: w.out, kh: w.kh, kw: w.kw, groups: w.groups, planar: w.planar, packed: true}
}

// forward packs a weight (out, channels of a group, kernel) for a product.
func forward(w windows) packing {
	p := packing{windows: w.kernel(), group: w.out / w.groups * w.under(), output: w.under(), pixel: 1, channel: w.kh * w.kw}
	if w.planar {
		p.channel = 1 // one piece of channels by pixels, as they lie
	}
	return p
}

// backward packs the same weight for the way back through windows w: outputs are channels, and the kernel's last
// pixel comes first.
func backward(w windows) packing {
	pixels := w.kh * w.kw
	return packing{windows: w.reversed().kernel(), group: w.out / w.groups * w.under(), first: pixels - 1, output: pixels, pixel: -1,
		channel: w.under()}
}

// size is the numbers of the packed weight.
func (p packing) size() int { return int(C.tape_packed(p.c())) }

// made packs v into memory of size.
func (p packing) made(v, out []float32) []float32 {
	C.tape_pack(p.c(), at(v), C.long(p.group), C.long(p.first), C.long(p.output), C.long(p.pixel), C.long(p.channel), at(out))
	return out
}

// slab is memory that is given out piece by piece, so that many small weights share large pages.
type slab struct {
	free []float32
	left int // floats that are still going to be asked for, about
}

// slabFloats is 32 MiB, sixteen large pages.
const slabFloats = 8 << 20

// take gives so many floats that begin with a cache line.
func (s *slab) take(size int) []float32 {
	whole := (size + line - 1) / line * line
	if whole > len(s.free) {
		s.free = aligned(max(whole, min(s.left, slabFloats)))
	}
	out := s.free[:size:size]
	s.free, s.left = s.free[whole:], s.left-whole
	return out
}

// weight gives a product its weight: packed, unless it changes while the tape lives.
func (l *lowering) weight(p *product, w *graph.Param) {
	p.packed = l.live == nil || form{Param: w}.fixed()
	turn := matrices{p.out, p.channels / p.groups, p.kh * p.kw}
	plain := form{Param: w, turn: turn}
	if p.planar || turn.rows == 1 || turn.cols == 1 {
		plain.turn = matrices{}
	}
	if !p.packed {
		p.w = l.formed(plain)
		return
	}
	p.w = l.formed(form{Param: w, pack: forward(p.windows)})
	windows := p.windows
	p.plain = func() *gorgonia.Node { return l.formed(plain) }
	p.back = func() *gorgonia.Node { return l.formed(form{Param: w, pack: backward(windows)}) }
}
