package cameratest

import (
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"
)

// Recording is a stream as it went over the network.
type Recording struct {
	Packets  []*rtp.Packet
	SPS, PPS []byte // of H264, out of the description
}

// Record takes the packets of that many pictures from ffmpeg, which publishes as fast as it can encode.
func Record(t testing.TB, codec, size string, rateHz, pictures int) *Recording {
	t.Helper()
	Need(t, "ffmpeg", "apt-get install ffmpeg")
	r := &Recording{}
	s := Serve(t, Options{OnPacket: func(p *rtp.Packet) []*rtp.Packet {
		r.Packets = append(r.Packets, p.Clone())
		return nil
	}})
	args := []string{"-hide_banner", "-loglevel", "error", "-nostdin", "-f", "lavfi", "-i",
		fmt.Sprintf("testsrc2=size=%s:rate=%d", size, rateHz), "-frames:v", fmt.Sprint(pictures)}
	args = append(append(args, encoding(codec, rateHz)...), "-f", "rtsp", "-rtsp_transport", "tcp", s.URL())
	p := run(t, exec.Command("ffmpeg", args...))
	select {
	case <-p.done:
	case <-time.After(Patience):
		t.Fatal("ffmpeg does not end")
	}
	s.Close()
	r.SPS, r.PPS = s.parameters()
	if len(r.Packets) == 0 {
		t.Fatalf("ffmpeg sent nothing: %s", p.Said())
	}
	return r
}

func (s *Server) parameters() (sps, pps []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var f *format.H264
	if s.announced.FindFormat(&f) == nil {
		return nil, nil
	}
	return f.SafeParams()
}
