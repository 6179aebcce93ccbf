package rtsp

import (
	"math"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// ntpOf is a time of day as a report has it, from Unix seconds and a fraction of the next in 2^-32 s.
func ntpOf(seconds int64, fraction uint64) uint64 { return uint64(seconds+2208988800)<<32 | fraction }

func TestSenderClock(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		ntp           uint64
		report, stamp uint32
		want          time.Duration // since 1970
	}{
		"at the report":                    {ntpOf(1000, 0), 5, 5, 1000 * time.Second},
		"half a second is half of 2^32":    {ntpOf(1000, 1<<31), 5, 5, 1000*time.Second + 500*ms},
		"a picture after it":               {ntpOf(1000, 0), 5, 5 + 9000, 1000*time.Second + 100*ms},
		"and before it":                    {ntpOf(1000, 0), 5, math.MaxUint32 - 9000 + 6, 1000*time.Second - 100*ms},
		"the stamps wrap":                  {ntpOf(1000, 0), math.MaxUint32, 8999, 1000*time.Second + 100*ms},
		"a sender without a clock":         {0, 5, 5, 0},
		"one that counts since it was on":  {1000 << 32, 5, 5, 0},
		"a picture of before 1970 is none": {ntpOf(0, 0), 9000, 0, 0},
	} {
		clock := senderClock{rate: 90000}
		if got := clock.at(c.stamp); got != 0 {
			t.Errorf("%s: %v before a report", name, got)
		}
		clock.hear(&rtcp.ReceiverReport{})
		clock.hear(&rtcp.SenderReport{NTPTime: c.ntp, RTPTime: c.report})
		if got := clock.at(c.stamp); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestMoment: a picture is as old as its sender says, and never younger than its arrival.
func TestMoment(t *testing.T) {
	const ms = time.Millisecond
	p := &rtp.Packet{Header: rtp.Header{Timestamp: 7}}
	for name, c := range map[string]struct {
		behind, taken time.Duration // how long the picture was on its way by both wall clocks, and what comes of it
	}{
		"on its way for 40 ms":        {40 * ms, 960 * ms},
		"the sender's clock is ahead": {-time.Hour, time.Second},
		"or an hour behind":           {time.Hour, time.Second - time.Hour},
	} {
		clock := senderClock{rate: 90000}
		clock.hear(&rtcp.SenderReport{NTPTime: ntpOf(1e9, 0), RTPTime: 7})
		got := clock.moment(p, time.Second, time.Unix(1e9, 0).Add(c.behind))
		if want := (moment{time.Second, c.taken, 1e9 * time.Second}); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	untold := senderClock{rate: 90000}
	if got := untold.moment(p, time.Second, time.Now()); got != (moment{time.Second, time.Second, 0}) {
		t.Errorf("before a report: %+v", got)
	}
}

// FuzzSenderClock: whatever a sender reports, no picture is younger than its arrival.
func FuzzSenderClock(f *testing.F) {
	report, err := (&rtcp.SenderReport{NTPTime: ntpOf(1e9, 1<<31), RTPTime: 9}).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(report, uint32(9), int64(time.Second))
	f.Fuzz(func(t *testing.T, data []byte, stamp uint32, arrival int64) {
		packets, err := rtcp.Unmarshal(data)
		if err != nil || arrival < 0 {
			return
		}
		clock := senderClock{rate: 90000}
		for _, p := range packets {
			clock.hear(p)
		}
		at := time.Duration(arrival)
		m := clock.moment(&rtp.Packet{Header: rtp.Header{Timestamp: stamp}}, at, time.Unix(1.8e9, 0))
		if m.arrival != at || m.taken > at || m.sent < 0 {
			t.Errorf("%+v of an arrival at %v", m, at)
		}
	})
}
