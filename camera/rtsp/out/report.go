package out

import (
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

const reportEvery = time.Second

// reports make a stream's sender reports, by which readers know when a picture was taken. They are not gortsplib's, which
// gives nanoseconds where units of 2^-32 s belong.
type reports struct {
	sent            bool
	last            time.Duration // when the newest was made
	source          uint32
	packets, octets uint32
}

func (r *reports) count(p *rtp.Packet) {
	r.source = p.SSRC
	r.packets++
	r.octets += uint32(len(p.Payload))
}

// due is the next report, nil while it is too early. now and wall are the same moment on the pictures' clock and the wall's.
func (r *reports) due(now time.Duration, wall time.Time) *rtcp.SenderReport {
	if r.sent && now-r.last < reportEvery {
		return nil
	}
	r.sent, r.last = true, now
	return &rtcp.SenderReport{SSRC: r.source, NTPTime: ntpOf(wall), RTPTime: stampOf(now), PacketCount: r.packets, OctetCount: r.octets}
}

// stampOf is a time in RTP's 90 kHz, which wraps.
func stampOf(t time.Duration) uint32 { return uint32(t.Microseconds() * 9 / 100) }

// ntpOf is a time as NTP has it: seconds since 1900 above, their fraction in units of 2^-32 s below.
func ntpOf(t time.Time) uint64 {
	const from1900to1970 = 2208988800
	return uint64(t.Unix()+from1900to1970)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}
