package rtsp

import (
	"bytes"
	"errors"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmjpeg"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/pion/rtp"
)

// unit is one coded picture.
type unit struct {
	moment        // arrival of its first packet: the picture is no younger
	id     int64  // counts
	data   []byte // Annex B or JPEG, with padding zero bytes behind
	key    bool   // decoding can begin with it
}

// kind is how packets become coded pictures.
type kind interface {
	// push returns a coded picture once p ends one, and whether decoding can begin with it; nil before.
	push(p *rtp.Packet) (data []byte, key bool, err error)
	// reset forgets what an earlier packet began.
	reset()
}

// assembler makes coded pictures of packets. It knows no clock and no network.
type assembler struct {
	kind    kind
	begun   bool
	next    uint16        // the sequence number that is due
	first   time.Duration // arrival of the current picture's first packet
	before  moment        // of the packet before
	partial bool
	ids     int64
}

// push adds a packet. lost says that the stream has a gap before it, or that it makes no sense: what is decoded from here
// on may build on pictures that were never seen.
func (a *assembler) push(p *rtp.Packet, came moment) (u *unit, lost bool) {
	if a.begun && p.SequenceNumber != a.next {
		a.kind.reset()
		a.partial, lost = false, true
	}
	a.begun, a.next = true, p.SequenceNumber+1
	began := came.arrival
	if a.partial {
		began = a.first
	}
	shown := came
	if !p.Marker {
		shown = a.before // p, which ends a picture, is the next one's
	}
	a.before = came
	data, key, err := a.kind.push(p)
	a.first, a.partial = began, data == nil
	if err != nil {
		a.kind.reset()
		a.partial = false
		return nil, true
	}
	if data == nil {
		return nil, lost
	}
	a.ids++
	return &unit{moment: shown.since(began), id: a.ids, data: data, key: key}, lost
}

// jpegs are RFC 2435's pictures, each of which stands by itself.
type jpegs struct{ decoder *rtpmjpeg.Decoder }

func newJPEGs() *jpegs {
	k := &jpegs{}
	k.reset()
	return k
}

func (k *jpegs) reset() { k.decoder = &rtpmjpeg.Decoder{} }

func (k *jpegs) push(p *rtp.Packet) ([]byte, bool, error) {
	data, err := k.decoder.Decode(p)
	switch {
	case errors.Is(err, rtpmjpeg.ErrMorePacketsNeeded), errors.Is(err, rtpmjpeg.ErrNonStartingPacketAndNoPrevious):
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	return data, true, nil
}

// accessUnits are RFC 6184's. Parameter sets come with the description or in the stream, and stand before every keyframe.
type accessUnits struct {
	decoder  *rtph264.Decoder
	sps, pps []byte
}

func newAccessUnits(sps, pps []byte) *accessUnits {
	k := &accessUnits{sps: sps, pps: pps}
	k.reset()
	return k
}

func (k *accessUnits) reset() { k.decoder = &rtph264.Decoder{PacketizationMode: 1} }

func (k *accessUnits) push(p *rtp.Packet) ([]byte, bool, error) {
	nalus, err := k.decoder.Decode(p)
	switch {
	case errors.Is(err, rtph264.ErrMorePacketsNeeded), errors.Is(err, rtph264.ErrNonStartingPacketAndNoPrevious):
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	return k.unit(nalus)
}

// startCode stands before each NAL unit in Annex B.
const startCode = "\x00\x00\x00\x01"

// unit is nil for one without a picture in it.
func (k *accessUnits) unit(nalus [][]byte) ([]byte, bool, error) {
	var key, picture bool
	size := padding
	for _, n := range nalus {
		if len(n) == 0 {
			return nil, false, errBroken
		}
		size += len(startCode) + len(n)
		switch h264.NALUType(n[0] & 0x1f) {
		case h264.NALUTypeSPS:
			k.sps = bytes.Clone(n)
		case h264.NALUTypePPS:
			k.pps = bytes.Clone(n)
		case h264.NALUTypeIDR:
			key, picture = true, true
		case h264.NALUTypeNonIDR, h264.NALUTypeDataPartitionA:
			picture = true
		}
	}
	if !picture {
		return nil, false, nil
	}
	if key && k.sps != nil && k.pps != nil {
		nalus = append([][]byte{k.sps, k.pps}, nalus...)
		size += 2*len(startCode) + len(k.sps) + len(k.pps)
	}
	return joined(nalus, size), key, nil
}

// joined is Annex B with padding behind.
func joined(nalus [][]byte, size int) []byte {
	out := make([]byte, 0, size)
	for _, n := range nalus {
		out = append(append(out, startCode...), n...)
	}
	clear(out[len(out):cap(out)])
	return out
}
