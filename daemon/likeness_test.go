package main

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"sim2reald/camera"
	"sim2reald/model/bundle"
	"sim2reald/model/likeness"
)

// likened is the demonstration's bundle, whose pictures were grey and whose features were about 1.
func likened(t *testing.T) *bundle.Bundle {
	t.Helper()
	b, err := bundle.Load(untrainedBundle(t, rigConfig(t), nil))
	if err != nil {
		t.Fatal(err)
	}
	net, err := b.Manifest.Network()
	if err != nil {
		t.Fatal(err)
	}
	n := net.Arch.FeatureLen()
	f := &likeness.Features{Length: n, Rank: 1, Pictures: 30, Noise: 0.01, Bound: 2, Mean: slices.Repeat([]float32{1}, n), Axes: make([]float32, n), Variance: []float32{1}}
	f.Axes[0] = 1
	b, err = b.WithLikeness([]likeness.Likeness{{Camera: "default", Pictures: 30, Features: f,
		Colours: likeness.Colours{Mean: []float64{100, 100, 100, 0, 0, 0}, SD: slices.Repeat([]float64{2}, 6), Bound: 3}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestComparison shows a camera grey pictures, then lighter ones, and grey ones again; and features that come and go.
func TestComparison(t *testing.T) {
	b := likened(t)
	var log bytes.Buffer
	slot, now, again := camera.NewLatest("default"), time.Duration(0), false
	value := float32(1)
	c := &comparison{cameras: []*camera.Latest{slot}, clock: func() time.Duration { return now }, log: slog.New(slog.NewTextHandler(&log, nil)),
		features: func(a bool) ([][]float32, bool, error) {
			again = a
			return [][]float32{slices.Repeat([]float32{value}, b.Manifest.Likeness[0].Features.Length)}, value != 0, nil
		}}
	seq := uint64(0)
	show := func(level byte, times int, still bool) {
		for range times {
			seq, now = seq+1, now+likenessPeriod
			slot.Put(&camera.Frame{Camera: "default", Seq: seq, Arrival: now, Width: 2, Height: 1, Pix: bytes.Repeat([]byte{level}, 6)})
			c.see(b, still)
		}
	}
	show(101, likenessLeast-1, true)
	if s := c.status(); len(s) != 1 || s[0].Colours != nil || s[0].Features != nil || !again {
		t.Errorf("too early: %+v", s)
	}
	show(101, 40, false)
	s := c.status()[0]
	if s.Colours == nil || s.Colours.Is != 0.5 || s.Colours.Bound != 3 || s.Colours.Frames != likenessFrames || s.Features.Is != 0 || again || log.Len() > 0 {
		t.Errorf("alike: %+v %+v; %s", s.Colours, s.Features, &log)
	}
	value = 1.5
	show(120, 40, true)
	s = c.status()[0]
	if s.Colours.Is != 10 || s.Features.Is < 20 || strings.Count(log.String(), "unlike") != 2 || !slices.Equal(s.RGB, []float64{120, 120, 120}) {
		t.Errorf("unlike: %+v %+v; %s", s.Colours, s.Features, &log)
	}
	value = 0 // nothing to tell while the arm moves
	show(101, 40, false)
	s = c.status()[0]
	if s.Colours.Is != 0.5 || s.Features.Is < 20 || s.Features.Age != 10 || strings.Count(log.String(), "unlike") != 2 {
		t.Errorf("later: %+v %+v; %s", s.Colours, s.Features, &log)
	}
	c.use(nil)
	if c.features != nil {
		t.Error("features of a brain that may be closed")
	}
}

// TestComparisonWithout the bundle's knowledge, or a camera, tells nothing.
func TestComparisonWithout(t *testing.T) {
	b, err := bundle.Load(untrainedBundle(t, rigConfig(t), nil))
	if err != nil {
		t.Fatal(err)
	}
	c := &comparison{clock: func() time.Duration { return 0 }, log: slog.New(slog.DiscardHandler),
		features: func(bool) ([][]float32, bool, error) { t.Error("asked for features"); return nil, false, nil }}
	c.see(b, true)
	if s := c.status(); len(s) != 0 {
		t.Errorf("%+v", s)
	}
	if got := (*comparison)(nil).status(); got == nil || len(got) != 0 {
		t.Errorf("%v", got)
	}
}
