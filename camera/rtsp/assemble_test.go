package rtsp

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// NAL units by their first bytes.
const (
	sps   = "\x67\x01"
	pps   = "\x68\x02"
	idr   = "\x65\x88"
	slice = "\x41\x9a"
)

func newUnits() *accessUnits { return newAccessUnits([]byte(sps), []byte(pps)) }

func packet(seq uint16, stamp uint32, marker bool, payload ...byte) *rtp.Packet {
	return &rtp.Packet{Header: rtp.Header{SequenceNumber: seq, Timestamp: stamp, Marker: marker}, Payload: payload}
}

// TestAccessUnits: what comes of packets, one row each: "" nothing, a gap, a keyframe, or a picture that is none.
func TestAccessUnits(t *testing.T) {
	for _, c := range []struct {
		name    string
		packets []*rtp.Packet
		want    []string
	}{
		{"a keyframe and what follows", []*rtp.Packet{packet(1, 0, true, []byte(idr)...), packet(2, 1, true, []byte(slice)...)}, []string{"key", "picture"}},
		{"numbers wrap", []*rtp.Packet{packet(65535, 0, true, []byte(idr)...), packet(0, 1, true, []byte(slice)...)}, []string{"key", "picture"}},
		{"a gap between pictures", []*rtp.Packet{packet(1, 0, true, []byte(idr)...), packet(3, 2, true, []byte(slice)...)}, []string{"key", "gap picture"}},
		{"a gap within a fragmented one", []*rtp.Packet{
			packet(1, 0, false, 0x7c, 0x85, 0x88), packet(3, 0, true, 0x7c, 0x45, 0x01), packet(4, 1, true, []byte(slice)...),
		}, []string{"", "gap", "picture"}},
		{"a gap before the end of one, which the next picture would complete", []*rtp.Packet{
			packet(1, 0, false, []byte(idr)...), packet(3, 1, true, []byte(slice)...),
		}, []string{"", "gap picture"}},
		{"repeated", []*rtp.Packet{packet(1, 0, true, []byte(idr)...), packet(1, 0, true, []byte(idr)...)}, []string{"key", "gap key"}},
		{"fragments", []*rtp.Packet{packet(1, 0, false, 0x7c, 0x85, 0x88), packet(2, 0, true, 0x7c, 0x45, 0x01)}, []string{"", "key"}},
		{"parameter sets by themselves", []*rtp.Packet{packet(1, 0, true, []byte(sps)...), packet(2, 0, true, []byte(pps)...), packet(3, 0, true, []byte(idr)...)}, []string{"", "", "key"}},
		{"no marker: the next stamp ends it", []*rtp.Packet{packet(1, 0, false, []byte(idr)...), packet(2, 1, false, []byte(slice)...)}, []string{"", "key"}},
		{"a kind that is not supported", []*rtp.Packet{packet(1, 0, true, 0x19, 0, 0, 0)}, []string{"gap"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := assembler{kind: newUnits()}
			var got []string
			for _, p := range c.packets {
				got = append(got, said(a.push(p, moment{})))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func said(u *unit, lost bool) string {
	what := ""
	switch {
	case u != nil && u.key:
		what = "key"
	case u != nil:
		what = "picture"
	}
	if lost && what != "" {
		return "gap " + what
	}
	if lost {
		return "gap"
	}
	return what
}

// TestKeyframesCarryParameters: the newest ones, whether from the description or from the stream, and zeros behind.
func TestKeyframesCarryParameters(t *testing.T) {
	a := assembler{kind: newUnits()}
	a.push(packet(1, 0, true, 0x67, 9), moment{})
	u, _ := a.push(packet(2, 0, true, []byte(idr)...), moment{})
	want := []byte{0, 0, 0, 1, 0x67, 9, 0, 0, 0, 1, 0x68, 2, 0, 0, 0, 1, 0x65, 0x88}
	if !bytes.Equal(u.data, want) {
		t.Errorf("got  %x\nwant %x", u.data, want)
	}
	if behind := u.data[len(u.data):cap(u.data)]; len(behind) < padding || !bytes.Equal(behind, make([]byte, len(behind))) {
		t.Errorf("%d bytes behind: %x, want %d zeros", len(behind), behind, padding)
	}
}

// TestArrivalIsTheFirstPackets, so that a picture is never taken for younger than it is.
func TestArrivalIsTheFirstPackets(t *testing.T) {
	a := assembler{kind: newUnits()}
	for i, c := range []struct {
		p    *rtp.Packet
		want time.Duration // 0: no picture
	}{
		{packet(1, 0, false, 0x7c, 0x85, 0x88), 0},
		{packet(2, 0, false, 0x7c, 0x05, 0x01), 0},
		{packet(3, 0, true, 0x7c, 0x45, 0x01), 10},
		{packet(4, 1, true, []byte(slice)...), 13},
		{packet(5, 2, false, 0x7c, 0x81, 0x88), 0},
		{packet(7, 3, false, 0x7c, 0x81, 0x88), 0},
		{packet(8, 3, true, 0x7c, 0x41, 0x88), 15},
	} {
		u, _ := a.push(c.p, moment{time.Duration(10 + i), time.Duration(5 + i), time.Duration(20 + i)})
		if (u == nil) != (c.want == 0) || u != nil && u.moment != (moment{c.want, min(c.want, time.Duration(5+i)), time.Duration(20 + i)}) {
			t.Errorf("packet %d: %+v, want arrival %d", i, u, c.want)
		}
	}
}

// TestTakenIsThePicturesOwn: a picture that only the next one's packet ends bears its own time.
func TestTakenIsThePicturesOwn(t *testing.T) {
	a := assembler{kind: newUnits()}
	a.push(packet(1, 0, false, []byte(idr)...), moment{10, 3, 100})
	u, _ := a.push(packet(2, 1, false, []byte(slice)...), moment{50, 43, 140})
	if u == nil || u.moment != (moment{10, 3, 100}) {
		t.Errorf("%+v", u)
	}
}
