package main

import (
	"context"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"sim2reald/camera"
	"sim2reald/daemon/topic"
	"sim2reald/model/bundle"
	"sim2reald/model/likeness"
)

const (
	likenessPeriod = 250 * time.Millisecond // between two looks
	likenessFrames = 32                     // that a distance is of: eight seconds
	likenessLeast  = 8                      // before it is told
)

// comparison watches, beside the loop, how like the newest pictures are to the demonstrations of the bundle at the
// controls. It warns and holds nothing.
type comparison struct {
	cameras []*camera.Latest
	clock   func() time.Duration
	log     *slog.Logger

	looking sync.Mutex // held while it looks, which may take an inference
	// features are the frozen base's of what was looked at last, one for each picture of the bundle's, and may run the base
	// again where that delays nobody; nil where there are none.
	features func(again bool) ([][]float32, bool, error)

	mu     sync.Mutex // guards what follows
	bundle *bundle.Bundle
	views  []*comparedView
}

// use takes the features from a brain, or from none: when it returns, the brain before may be closed. In int8 the base's
// features are not those that the demonstrations' were compared with, and a full bundle has another base.
func (c *comparison) use(b *brain) {
	c.looking.Lock()
	defer c.looking.Unlock()
	c.features = nil
	if b != nil && b.cfg.Engine.Precision == "float32" && !isFull(b.bundle) {
		c.features = b.serving.Features
	}
}

// comparedView is one camera's.
type comparedView struct {
	slot   *camera.Latest // nil: the rig lacks it
	shown  *likeness.Likeness
	seq    uint64
	looks  []likeness.Look
	values [][]float32
	at     time.Duration // of the newest of them
	warned [2]bool
}

// see looks once, with the bundle that is at the controls; still is whether the arm moves for nobody.
func (c *comparison) see(of *bundle.Bundle, still bool) {
	c.looking.Lock()
	defer c.looking.Unlock()
	if of != c.bundle {
		c.begin(of)
	}
	vectors := c.look(still)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock()
	for i, v := range c.views {
		v.look(now)
		if vectors != nil && v.tellsFeatures() {
			v.values, v.at = newest(append(v.values, vectors[i])), now
		}
		v.warn(c.log, now)
	}
}

// begin forgets what was seen for another bundle.
func (c *comparison) begin(of *bundle.Bundle) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bundle, c.views = of, nil
	for _, cam := range of.Manifest.Cameras {
		v := &comparedView{}
		v.shown, _ = of.Likeness(cam.Name) // an error is of tensors that a bundle which was loaded has
		for _, l := range c.cameras {
			if l.Camera() == cam.Name {
				v.slot = l
			}
		}
		c.views = append(c.views, v)
	}
}

func (v *comparedView) look(now time.Duration) {
	var f camera.Frame
	if v.slot == nil || v.shown == nil || v.slot.Read(&f, now, time.Duration(math.MaxInt64)) != nil || f.Seq == v.seq {
		return
	}
	if l, ok := likeness.LookOf(&f); ok {
		v.seq, v.looks = f.Seq, newest(append(v.looks, l))
	}
}

// newest are the last that a distance is of.
func newest[T any](all []T) []T {
	return all[max(0, len(all)-likenessFrames):]
}

func (v *comparedView) tellsFeatures() bool { return v.shown != nil && v.shown.Features != nil }

// look asks the engine once for all cameras: nil, if it has nothing to tell. Those of a history's newest observation come
// last.
func (c *comparison) look(still bool) [][]float32 {
	if c.features == nil || !slices.ContainsFunc(c.views, (*comparedView).tellsFeatures) {
		return nil
	}
	vectors, ok, err := c.features(still)
	if err != nil || !ok || len(vectors) < len(c.views) {
		return nil // an engine that fails is the loop's affair
	}
	return vectors[len(vectors)-len(c.views):]
}

// warn says once that a distance went beyond its bound, and again after it was back.
func (v *comparedView) warn(log *slog.Logger, now time.Duration) {
	if v.shown == nil {
		return
	}
	s := v.status(now)
	for i, d := range []*topic.Distance{s.Colours, s.Features} {
		beyond := d != nil && d.Is > d.Bound
		if beyond && !v.warned[i] {
			log.Warn("the pictures are unlike the demonstrations'", "camera", s.Camera, "by_their", []string{"colours", "features"}[i], "distance", d.Is, "bound", d.Bound)
		}
		v.warned[i] = beyond
	}
}

func (v *comparedView) status(now time.Duration) topic.LikenessStatus {
	s := topic.LikenessStatus{Camera: v.shown.Camera}
	if len(v.looks) >= likenessLeast {
		s.Colours = &topic.Distance{Is: hundredths(v.shown.Colours.Distance(v.looks)), Bound: v.shown.Colours.Bound, Frames: len(v.looks)}
		mean := likeness.MeanLook(v.looks)
		for i := range 3 {
			s.RGB, s.DemonstrationsRGB = append(s.RGB, hundredths(mean[i])), append(s.DemonstrationsRGB, hundredths(v.shown.Colours.Mean[i]))
		}
	}
	if f := v.shown.Features; f != nil && len(v.values) >= likenessLeast {
		s.Features = &topic.Distance{Is: hundredths(f.Distance(v.values)), Bound: f.Bound, Frames: len(v.values), Age: hundredths((now - v.at).Seconds())}
	}
	return s
}

// hundredths is a number as it is shown: JSON has no infinity.
func hundredths(x float64) float64 {
	return math.Round(100*min(x, 1e9)) / 100
}

// status is of each camera of which the bundle knows anything.
func (c *comparison) status() []topic.LikenessStatus {
	out := []topic.LikenessStatus{}
	if c == nil {
		return out
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range c.views {
		if v.shown != nil {
			out = append(out, v.status(c.clock()))
		}
	}
	return out
}

// compare looks until ctx ends.
func (b *board) compare(ctx context.Context) {
	each(ctx, likenessPeriod, func() {
		if of, still := b.atControls(); of != nil {
			b.comparison.see(of, still)
		}
	})
}
