package rtsp

import (
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// moment is when something came, on the receiver's clock, and when it was taken: on the same clock, never after arrival,
// and as camera.Frame.Sent.
type moment struct{ arrival, taken, sent time.Duration }

// since is m of a picture whose first packet came at began.
func (m moment) since(began time.Duration) moment {
	return moment{arrival: began, taken: min(m.taken, began), sent: m.sent}
}

// senderClock tells the sender's wall clock at a stream's RTP times, by the sender's newest report. gortsplib's PacketNTP
// is not used: it takes a report's fraction of a second, in units of 2^-32 s, for nanoseconds, and is up to 3.3 s off.
type senderClock struct {
	rate   int64 // of RTP times, Hz
	report atomic.Pointer[rtcp.SenderReport]
}

// hear takes what the sender reports. One that knows no time of day says so by a zero.
func (c *senderClock) hear(p rtcp.Packet) {
	if sr, ok := p.(*rtcp.SenderReport); ok && sr.NTPTime != 0 {
		c.report.Store(sr)
	}
}

// at is since 1970; 0 before the first report, and where the sender's clock stands before 1970.
func (c *senderClock) at(stamp uint32) time.Duration {
	sr := c.report.Load()
	if sr == nil || c.rate <= 0 {
		return 0
	}
	since := time.Duration(int64(int32(stamp-sr.RTPTime)) * int64(time.Second) / c.rate)
	return max(0, unixOf(sr.NTPTime)+since)
}

// moment is that of a packet which came at arrival, when this host's wall clock said wall. A sender whose clock is ahead
// makes nothing younger than its arrival.
func (c *senderClock) moment(p *rtp.Packet, arrival time.Duration, wall time.Time) moment {
	m := moment{arrival: arrival, taken: arrival, sent: c.at(p.Timestamp)}
	if m.sent != 0 {
		m.taken -= max(0, time.Duration(wall.UnixNano())-m.sent)
	}
	return m
}

// unixOf is a time of NTP's first era, seconds since 1900 above and their fraction below, since 1970.
func unixOf(ntp uint64) time.Duration {
	const from1900to1970 = 2208988800
	fraction := (ntp & 0xffffffff) * uint64(time.Second) >> 32
	return time.Duration(int64(ntp>>32)-from1900to1970)*time.Second + time.Duration(fraction)
}
