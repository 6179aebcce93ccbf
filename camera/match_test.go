package camera

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// times are in milliseconds.
func times(ms ...int) []time.Duration {
	var out []time.Duration
	for _, t := range ms {
		out = append(out, time.Duration(t)*time.Millisecond)
	}
	return out
}

func TestMatch(t *testing.T) {
	for name, c := range map[string]struct {
		taken  [][]time.Duration
		bound  int
		pick   []int // nil: no set
		spread int
	}{
		"one camera: its newest": {[][]time.Duration{times(10, 90, 50)}, 0, []int{1}, 0},
		"taken together":         {[][]time.Duration{times(0, 80), times(0, 80)}, 0, []int{1, 1}, 0},
		"one has not come yet":   {[][]time.Duration{times(0, 80), times(0)}, 50, []int{0, 0}, 0},
		"at the bound":           {[][]time.Duration{times(100), times(150)}, 50, []int{0, 0}, 50},
		"beyond it":              {[][]time.Duration{times(100), times(151)}, 50, nil, 0},
		"an older set, for the newest are too far apart": {[][]time.Duration{times(0, 100, 200), times(60, 160, 260)}, 50, []int{2, 1}, 40},
		"a slow camera finds its neighbours in a quick one": {
			[][]time.Duration{times(100), times(33, 66, 99, 132, 165, 198)}, 50, []int{0, 3}, 32,
		},
		"three":                    {[][]time.Duration{times(0, 100), times(30, 130), times(60, 160)}, 60, []int{1, 1, 1}, 60},
		"a dead camera":            {[][]time.Duration{times(0), times(400, 500)}, 50, nil, 0},
		"a camera without picture": {[][]time.Duration{times(0), nil}, 50, nil, 0},
		"no camera":                {nil, 50, nil, 0},
	} {
		pick := slices.Repeat([]int{-7}, len(c.taken))
		spread, ok := Match(c.taken, time.Duration(c.bound)*time.Millisecond, pick)
		switch {
		case ok != (c.pick != nil) || spread != time.Duration(c.spread)*time.Millisecond:
			t.Errorf("%s: %v %v", name, spread, ok)
		case ok && !slices.Equal(pick, c.pick):
			t.Errorf("%s: picked %v, want %v", name, pick, c.pick)
		case !ok && slices.ContainsFunc(pick, func(i int) bool { return i != -7 }):
			t.Errorf("%s: picked %v of nothing", name, pick)
		}
	}
}

// TestMatchAgainstEverySet compares with trying all of them.
func TestMatchAgainstEverySet(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		taken := make([][]time.Duration, 1+rng.IntN(3))
		for i := range taken {
			for range rng.IntN(5) {
				taken[i] = append(taken[i], time.Duration(rng.IntN(40)))
			}
		}
		bound := time.Duration(rng.IntN(20))
		pick := make([]int, len(taken))
		spread, ok := Match(taken, bound, pick)
		oldest, best, found := everySet(taken, bound)
		if ok != found {
			t.Fatalf("%v within %d: %v, want %v", taken, bound, ok, found)
		}
		if !ok {
			continue
		}
		var got []time.Duration
		for i, p := range pick {
			got = append(got, taken[i][p])
		}
		if slices.Min(got) != oldest || slices.Max(got)-slices.Min(got) != spread || spread != best {
			t.Fatalf("%v within %d: %v with spread %d, want from %d with %d", taken, bound, got, spread, oldest, best)
		}
	}
}

// everySet is the newest set's oldest picture and its least spread, by trying all.
func everySet(taken [][]time.Duration, bound time.Duration) (oldest, spread time.Duration, ok bool) {
	var try func(i int, low, high time.Duration)
	try = func(i int, low, high time.Duration) {
		if i == len(taken) {
			if s := high - low; s <= bound && (!ok || low > oldest || low == oldest && s < spread) {
				oldest, spread, ok = low, s, true
			}
			return
		}
		for _, t := range taken[i] {
			if i == 0 {
				try(1, t, t)
			} else {
				try(i+1, min(low, t), max(high, t))
			}
		}
	}
	try(0, 0, 0)
	return oldest, spread, ok
}

func TestBehind(t *testing.T) {
	for name, c := range map[string]struct {
		taken [][]time.Duration
		which int
		by    int
	}{
		"nobody":    {nil, -1, 0},
		"one":       {[][]time.Duration{times(5)}, 0, 0},
		"the first": {[][]time.Duration{times(5, 3), times(70), times(9)}, 0, 65},
		"the last":  {[][]time.Duration{times(50), times(70), times(9, 12)}, 2, 58},
		"blind":     {[][]time.Duration{times(50), nil}, -1, 0},
	} {
		if which, by := Behind(c.taken); which != c.which || by != time.Duration(c.by)*time.Millisecond {
			t.Errorf("%s: %d by %v", name, which, by)
		}
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	taken, pick := [][]time.Duration{times(0, 100, 200), times(60, 160, 260)}, make([]int, 2)
	if n := testing.AllocsPerRun(100, func() { Match(taken, time.Millisecond, pick) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
