package calibration

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// blinking is a pattern that changes at irregular times, and what a camera with some latency makes of it.
func blinking(r *rand.Rand, n int, latency, jitter, period time.Duration) (blinks, seen []Timed) {
	at := time.Duration(0)
	for i := range n {
		blinks = append(blinks, Timed{at, float64(i % 2)})
		at += 150*time.Millisecond + time.Duration(r.Int64N(int64(300*time.Millisecond)))
	}
	for exposed := 20 * time.Millisecond; exposed < at; exposed += period {
		light, _ := heldAt(blinks, exposed)
		late := latency + time.Duration(r.NormFloat64()*float64(jitter))
		seen = append(seen, Timed{exposed + late, 40 + 150*light + 3*r.NormFloat64()})
	}
	return blinks, seen
}

// TestFitBlink finds latencies that are known, within three deviations of what FitBlink says of its mean.
func TestFitBlink(t *testing.T) {
	for _, latency := range []time.Duration{0, 7 * time.Millisecond, 43 * time.Millisecond, 240 * time.Millisecond, 900 * time.Millisecond} {
		for _, period := range []time.Duration{16667 * time.Microsecond, 33333 * time.Microsecond, 80 * time.Millisecond} {
			r := rand.New(rand.NewPCG(uint64(latency), uint64(period)))
			got, err := FitBlink(blinking(r, 80, latency, time.Millisecond, period))
			if err != nil {
				t.Errorf("%v, a picture each %v: %v", latency, period, err)
				continue
			}
			bound := 3 * period.Seconds() / math.Sqrt(12*float64(got.Samples))
			if off := math.Abs(got.Mean - latency.Seconds()); off > bound || got.Samples < 70 || got.SD > period.Seconds()/2 {
				t.Errorf("%v, a picture each %v: %+v, off by %.1f ms, want %.1f", latency, period, got, 1e3*off, 1e3*bound)
			}
		}
	}
}

func TestFitBlinkRefuses(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	blinks, seen := blinking(r, 40, 50*time.Millisecond, 0, 40*time.Millisecond)
	dim, other := make([]Timed, len(seen)), make([]Timed, len(seen))
	for i, s := range seen {
		dim[i], other[i] = Timed{s.At, s.Value / 10}, Timed{s.At, 200 * float64(r.IntN(2))}
	}
	for name, c := range map[string]struct {
		blinks, seen []Timed
		want         string
	}{
		"nothing seen":       {blinks, nil, "differ by 0 of 255"},
		"no pattern":         {nil, seen, "0 % of the pictures agree"},
		"too dim":            {blinks, dim, "want 20; let the camera see the blinking page"},
		"something else":     {blinks, other, "of the pictures agree with the pattern"},
		"too little of it":   {blinks[:5], seen[:20], "changes were seen, want 10"},
		"longer than looked": {blinks, shifted(seen, 3*time.Second), "of the pictures agree"},
	} {
		if _, err := FitBlink(c.blinks, c.seen); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func shifted(values []Timed, by time.Duration) []Timed {
	var out []Timed
	for _, v := range values {
		out = append(out, Timed{v.At + by, v.Value})
	}
	return out
}

// stepping commands a joint there and back, n times, and measures it a latency later.
func stepping(r *rand.Rand, n int, latency time.Duration, gain, noise float64) (commanded, measured []Timed, windows []time.Duration) {
	const tick, half = 10 * time.Millisecond, 500 * time.Millisecond
	for i := range n {
		windows = append(windows, time.Duration(i)*2*half)
	}
	windows = append(windows, time.Duration(n)*2*half)
	for at := time.Duration(0); at < windows[n]; at += tick {
		v := 0.0
		switch phase := at % (2 * half); {
		case phase < half/2:
			v = 0.05
		case phase >= half && phase < 3*half/2:
			v = -0.05
		}
		commanded = append(commanded, Timed{at, v})
	}
	path := summed(commanded)
	for at := 3 * time.Millisecond; at < windows[n]; at += tick {
		measured = append(measured, Timed{at, 1 + gain*alongPath(path, at-latency) + noise*r.NormFloat64()})
	}
	return commanded, measured, windows
}

// TestFitSteps finds latencies that are known within 2 ms, with an encoder's noise and an arm that falls short.
func TestFitSteps(t *testing.T) {
	for _, latency := range []time.Duration{0, 8 * time.Millisecond, 31 * time.Millisecond, 120 * time.Millisecond, 400 * time.Millisecond} {
		r := rand.New(rand.NewPCG(3, uint64(latency)))
		got, err := FitSteps(stepping(r, 6, latency, 0.95, 5e-5))
		if err != nil {
			t.Fatal(err)
		}
		if off := math.Abs(got.Mean - latency.Seconds()); off > 2e-3 || got.SD > 3e-3 || got.Samples != 6 {
			t.Errorf("%v: %+v, off by %.2f ms", latency, got, 1e3*off)
		}
	}
}

func TestFitStepsRefuses(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	commanded, measured, windows := stepping(r, 3, 0, 1, 0)
	still := make([]Timed, len(measured))
	for i, m := range measured {
		still[i] = Timed{m.At, 1}
	}
	_, wild, _ := stepping(r, 3, 0, 3, 0)
	for name, c := range map[string]struct {
		measured []Timed
		windows  []time.Duration
		want     string
	}{
		"an arm that stands":        {still, windows, "step 1: the joint moved by 0.0000 rad"},
		"no measurements":           {nil, windows, "moved by 0.0000 rad"},
		"one that goes further":     {wild, windows, "3.00 times as far as it was told"},
		"a single step":             {measured, windows[:2], "1 steps; make 2 or more"},
		"one that another drives":   {drifting(measured), windows, "something else moves it"},
		"nobody commanded anything": {measured, []time.Duration{0, time.Millisecond}, "moved by"},
	} {
		if _, err := FitSteps(commanded, c.measured, c.windows); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func drifting(measured []Timed) []Timed {
	var out []Timed
	for _, m := range measured {
		out = append(out, Timed{m.At, m.Value + 0.2*m.At.Seconds()})
	}
	return out
}
