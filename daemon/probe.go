package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"sim2reald/camera"
	"sim2reald/camera/device"
	"sim2reald/camera/rtsp"
)

// cameraProbeState is what a probe has seen. Its slices are written by the source's goroutine alone until that has ended.
type cameraProbeState struct {
	frames   int
	clock    func() time.Duration
	counts   rtsp.Counts
	came     chan struct{} // capacity 1
	done     chan struct{}
	arrivals []time.Duration
	decoded  []float64 // s from arrival until the picture was there
	sent     []float64 // s from the sender's stamp until the picture was there, by both wall clocks
	last     camera.Frame
	flaws    map[string]int
	repeated int
	colour   [3]float64 // sums of means
}

func (p *cameraProbeState) put(f *camera.Frame) {
	if len(p.arrivals) == p.frames {
		return
	}
	p.decoded = append(p.decoded, (p.clock() - f.Arrival).Seconds())
	if f.Sent != 0 {
		p.sent = append(p.sent, time.Since(time.Unix(0, int64(f.Sent))).Seconds())
	}
	p.look(f)
	p.arrivals = append(p.arrivals, f.Arrival)
	if len(p.arrivals) == p.frames {
		close(p.done)
	}
	select {
	case p.came <- struct{}{}:
	default:
	}
}

func (p *cameraProbeState) look(f *camera.Frame) {
	if p.flaws == nil {
		p.flaws = map[string]int{}
	}
	if flaw := camera.FlawOf(f); flaw != camera.NoFlaw {
		p.flaws[flaw.String()]++
	}
	if slices.Equal(p.last.Pix, f.Pix) {
		p.repeated++
	}
	var sum [3]int
	for i, v := range f.Pix {
		sum[i%3] += int(v)
	}
	for i := range sum {
		p.colour[i] += float64(sum[i]) / float64(f.Width*f.Height)
	}
	pix := append(p.last.Pix[:0], f.Pix...)
	p.last = *f
	p.last.Pix = pix
}

// await returns when enough was seen, or nothing more comes. A stream that came back is gone on with.
func (p *cameraProbeState) await(ctx context.Context, wait time.Duration, ended <-chan error) error {
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	var seen bool
	for {
		select {
		case <-p.done:
			return nil
		case <-p.came:
			seen = true
			timeout.Reset(wait)
		case err := <-ended:
			if !seen {
				return err
			}
		case <-timeout.C:
			return fmt.Errorf("camera probe: no picture for %v; check the camera, or give it longer by -wait", wait)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// cameraReport is what a probe tells. Times are in seconds, colours 0 to 255.
type cameraReport struct {
	Source   string         `json:"source"`
	Frames   int            `json:"frames"`
	Width    int            `json:"width"`
	Height   int            `json:"height"`
	First    float64        `json:"first_picture_s"`      // from the start
	Rate     float64        `json:"rate_hz"`              // pictures less one, over the time between first and last
	Interval spread         `json:"interval_s"`           // between pictures
	Jitter   float64        `json:"jitter_s"`             // standard deviation of the intervals
	Decode   spread         `json:"arrival_to_picture_s"` // of a picture's first packet, or of the device's read
	Latency  *spread        `json:"sent_to_picture_s"`    // by the sender's wall clock and this host's; null where it tells none
	Drops    map[string]int `json:"drops"`                // by reason
	Repeated int            `json:"repeated"`             // pictures equal to the one before
	Flaws    map[string]int `json:"flaws"`                // pictures that are dark, bright or blurred
	Colour   [3]float64     `json:"mean_rgb"`

	Controls []device.Control `json:"controls"` // of a device of this host, as they stand
}

// spread is a distribution.
type spread struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// spreadOf takes the nearest rank; zero of nothing.
func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	v := slices.Sorted(slices.Values(values))
	at := func(q float64) float64 { return v[max(0, int(math.Ceil(q*float64(len(v))))-1)] }
	return spread{P50: at(0.5), P99: at(0.99), Max: v[len(v)-1]}
}

func (p *cameraProbeState) report(source string) *cameraReport {
	n := len(p.arrivals)
	r := &cameraReport{
		Source: camera.Shown(source), Frames: n, Width: p.last.Width, Height: p.last.Height, First: p.arrivals[0].Seconds(),
		Decode: spreadOf(p.decoded), Repeated: p.repeated, Flaws: p.flaws, Drops: dropsOf(&p.counts),
	}
	var gaps []float64
	for i := 1; i < n; i++ {
		gaps = append(gaps, (p.arrivals[i] - p.arrivals[i-1]).Seconds())
	}
	span := (p.arrivals[n-1] - p.arrivals[0]).Seconds()
	if span > 0 {
		r.Rate = float64(n-1) / span
	}
	r.Interval, r.Jitter = spreadOf(gaps), deviation(gaps)
	if len(p.sent) > 0 {
		s := spreadOf(p.sent)
		r.Latency = &s
	}
	for i := range r.Colour {
		r.Colour[i] = p.colour[i] / float64(n)
	}
	return r
}

func deviation(values []float64) float64 {
	var mean, sum float64
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		sum += (v - mean) * (v - mean) / float64(len(values))
	}
	return math.Sqrt(sum)
}

func dropsOf(c *rtsp.Counts) map[string]int {
	return map[string]int{
		"gaps": int(c.Gaps.Load()), "broken": int(c.Broken.Load()), "before_keyframe": int(c.Waiting.Load()),
		"late": int(c.Late.Load()), "overrun": int(c.Overrun.Load()), "reconnects": max(0, int(c.Connections.Load())-1),
	}
}

func (r *cameraReport) print(w io.Writer) error {
	latency := "the sender does not tell its clock"
	if r.Latency != nil {
		latency = fmt.Sprintf("%.1f / %.1f ms, by both wall clocks", 1e3*r.Latency.P50, 1e3*r.Latency.P99)
	}
	_, err := fmt.Fprintf(w, `%s: %d pictures of %dx%d, the first after %.2f s
rate                 %.2f Hz
interval             %.1f / %.1f / %.1f ms (p50, p99, largest); jitter %.1f ms
arrival to picture   %.1f / %.1f ms (p50, p99)
sent to picture      %s
drops                %v
repeated, flawed     %d, %v
mean red, green, blue  %.0f %.0f %.0f
%s`, r.Source, r.Frames, r.Width, r.Height, r.First, r.Rate, 1e3*r.Interval.P50, 1e3*r.Interval.P99, 1e3*r.Interval.Max, 1e3*r.Jitter,
		1e3*r.Decode.P50, 1e3*r.Decode.P99, latency, r.Drops, r.Repeated, r.Flaws, r.Colour[0], r.Colour[1], r.Colour[2], controlLines(r.Controls))
	return err
}

// controlLines are as the configuration's controls want them, with what else a person wants to know.
func controlLines(controls []device.Control) string {
	var b strings.Builder
	for _, c := range controls {
		fmt.Fprintf(&b, "control              %s: %d", c.Name, c.Value)
		if choice, ok := c.Menu[c.Value]; ok {
			fmt.Fprintf(&b, " (%s)", choice)
		}
		fmt.Fprintf(&b, ", %d to %d, default %d", c.Min, c.Max, c.Default)
		if c.Inactive {
			b.WriteString(", inactive: an automatic one decides it")
		}
		b.WriteByte('\n')
	}
	return b.String()
}
