package calibration

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Latency is how long something took, over several tries.
type Latency struct {
	Mean    float64 // s
	SD      float64 // s, of one try
	Samples int
}

// Timed is a number and when it was so, on one monotonic clock.
type Timed struct {
	At    time.Duration
	Value float64
}

const (
	longestLatency = 2 * time.Second // a longer one is not looked for
	leastContrast  = 20              // of 255, between a pattern's light and its dark
	leastAgreement = 0.9             // of the pictures with the pattern as it was a latency before
	leastBlinks    = 10
)

// FitBlink finds how long pictures took. blinks are the changes of a pattern, 1 for light and 0 for dark, at irregular
// times; seen is how light each picture was, 0 to 255, and when it arrived. Each change lies between two pictures, so
// with a picture each T the mean over n changes is known to T/√(12 n), and T/√12 is part of the deviation.
func FitBlink(blinks, seen []Timed) (Latency, error) {
	lit, contrast := lightened(seen)
	if contrast < leastContrast {
		return Latency{}, fmt.Errorf("light and dark differ by %.0f of 255, want %d; let the camera see the blinking page, as large as it can be, in a darker room", contrast, leastContrast)
	}
	about, agreement := alike(blinks, lit)
	if agreement < leastAgreement {
		return Latency{}, fmt.Errorf("%.0f %% of the pictures agree with the pattern, want %.0f %%; let nothing else in the picture blink, and nothing pass before the camera",
			100*agreement, 100*leastAgreement)
	}
	var found []float64
	for i := 1; i < len(blinks); i++ {
		if at, ok := changeNear(lit, blinks[i].At+about, blinks[i].Value); ok {
			found = append(found, (at - blinks[i].At).Seconds())
		}
	}
	if len(found) < leastBlinks {
		return Latency{}, fmt.Errorf("%d changes were seen, want %d; wait longer", len(found), leastBlinks)
	}
	return MeanLatency(found), nil
}

// lightened makes each picture light or dark, and tells how far apart the two are.
func lightened(seen []Timed) (lit []Timed, contrast float64) {
	if len(seen) == 0 {
		return nil, 0
	}
	var levels []float64
	for _, s := range seen {
		levels = append(levels, s.Value)
	}
	slices.Sort(levels)
	low, high := levels[len(levels)/10], levels[len(levels)-1-len(levels)/10]
	for _, s := range seen {
		light := 0.0
		if s.Value > (low+high)/2 {
			light = 1
		}
		lit = append(lit, Timed{s.At, light})
	}
	return lit, high - low
}

// alike finds the latency at which most pictures are as the pattern was: the middle, where several are as good.
func alike(blinks, lit []Timed) (about time.Duration, agreement float64) {
	const step = 2 * time.Millisecond
	first, last := time.Duration(0), time.Duration(0)
	for lag := time.Duration(0); lag <= longestLatency; lag += step {
		same, of := 0, 0
		for _, s := range lit {
			if was, ok := heldAt(blinks, s.At-lag); ok {
				of++
				if was == s.Value {
					same++
				}
			}
		}
		switch share := float64(same) / float64(max(of, 1)); {
		case share > agreement:
			agreement, first, last = share, lag, lag
		case share == agreement && lag == last+step:
			last = lag
		}
	}
	return (first + last) / 2, agreement
}

// heldAt is the newest value at a time; ok is false before the first.
func heldAt(values []Timed, at time.Duration) (v float64, ok bool) {
	i, exact := slices.BinarySearchFunc(values, at, func(t Timed, at time.Duration) int { return int(t.At - at) })
	if !exact {
		i--
	}
	if i < 0 {
		return 0, false
	}
	return values[i].Value, true
}

// changeNear is when pictures became light, or dark, nearest to a time and at most a tenth of a second from it: the
// middle between the last that was not and the first that was.
func changeNear(lit []Timed, near time.Duration, to float64) (at time.Duration, ok bool) {
	const within = 100 * time.Millisecond
	best := within
	for i := 1; i < len(lit); i++ {
		if lit[i].Value != to || lit[i-1].Value == to {
			continue
		}
		middle := (lit[i-1].At + lit[i].At) / 2
		if off := (middle - near).Abs(); off < best {
			best, at, ok = off, middle, true
		}
	}
	return at, ok
}

// MeanLatency is mean and deviation of several tries, s.
func MeanLatency(values []float64) Latency {
	l := Latency{Samples: len(values)}
	for _, v := range values {
		l.Mean += v / float64(len(values))
	}
	for _, v := range values {
		l.SD += (v - l.Mean) * (v - l.Mean) / float64(max(len(values)-1, 1))
	}
	l.SD = math.Sqrt(l.SD)
	return l
}
