package out

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

func TestReports(t *testing.T) {
	var r reports
	r.count(&rtp.Packet{Header: rtp.Header{SSRC: 7}, Payload: make([]byte, 100)})
	r.count(&rtp.Packet{Header: rtp.Header{SSRC: 7}, Payload: make([]byte, 20)})
	wall := time.Unix(1000, 500_000_000)
	want := rtcp.SenderReport{SSRC: 7, NTPTime: (1000+2208988800)<<32 | 1<<31, RTPTime: 180_000, PacketCount: 2, OctetCount: 120}
	if got := r.due(2*time.Second, wall); got == nil || got.NTPTime != want.NTPTime || got.RTPTime != want.RTPTime ||
		got.SSRC != want.SSRC || got.PacketCount != want.PacketCount || got.OctetCount != want.OctetCount {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := r.due(3*time.Second-1, wall); got != nil {
		t.Errorf("within a second: %+v", got)
	}
	if got := r.due(3*time.Second, wall); got == nil {
		t.Error("none after a second")
	}
}
