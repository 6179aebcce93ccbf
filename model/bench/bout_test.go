package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"testing"
	"time"
)

// scripted is a contender that takes a fixed time by its own account, and says when it was asked.
type scripted struct {
	name   string
	each   time.Duration
	output []float32
	failAt int // the call of Run that fails, counting from 1; 0 for never
	calls  int
	closed bool
	log    *[]string
}

func (s *scripted) Run(n int) ([]time.Duration, error) {
	s.calls++
	*s.log = append(*s.log, fmt.Sprintf("%s %d", s.name, n))
	if s.calls == s.failAt {
		return nil, errors.New("out of\n memory")
	}
	return slices.Repeat([]time.Duration{s.each}, n), nil
}

func (s *scripted) Output() ([]float32, error) { return s.output, nil }

func (s *scripted) Close() error { s.closed = true; return nil }

func scriptedBout(log *[]string) (*bout, []*scripted) {
	fast := &scripted{name: "fast", each: 10 * time.Millisecond, output: []float32{1, 2}, log: log}
	slow := &scripted{name: "slow", each: time.Second, output: []float32{1, 2.1}, log: log}
	b := &bout{title: "test"}
	for _, s := range []*scripted{fast, slow} {
		b.entries = append(b.entries, &entry{name: s.name, label: s.name, group: "g", exact: true, c: s})
	}
	b.entries = append(b.entries, &entry{name: "gone", label: "gone", absent: "not installed"})
	return b, []*scripted{fast, slow}
}

func testPace(rests *int) pace {
	return pace{rounds: 8, turn: 50 * time.Millisecond, rest: func() { *rests++ }, seed: 1}
}

func TestBoutGivesEveryContenderOneTurnARound(t *testing.T) {
	var log []string
	rests := 0
	b, _ := scriptedBout(&log)
	b.run(context.Background(), testPace(&rests), func(string) {})
	if rests != 16 {
		t.Errorf("%d rests in 8 rounds of 2, want 16", rests)
	}
	if want := []string{"fast 1", "fast 1", "slow 1"}; !slices.Equal(log[:3], want) {
		t.Errorf("warm-up %q, want %q", log[:3], want)
	}
	firsts := map[string]int{}
	for turn := log[3:]; len(turn) > 0; turn = turn[2:] {
		round := slices.Sorted(slices.Values(turn[:2]))
		// As many as fill 50 ms behind one that is not timed; of those that take a second, one.
		if want := []string{"fast 6", "slow 1"}; !slices.Equal(round, want) {
			t.Fatalf("round %q, want %q", round, want)
		}
		firsts[turn[0]]++
	}
	if len(firsts) != 2 {
		t.Errorf("the order was the same in all rounds: %v began", firsts)
	}
	if len(b.times["fast"]) != 8 || len(b.times["fast"][7]) != 5 || len(b.times["slow"]) != 8 {
		t.Errorf("times %v", b.times)
	}
}

func TestBoutGoesOnWithoutTheOneThatFails(t *testing.T) {
	var log []string
	rests := 0
	b, s := scriptedBout(&log)
	s[1].failAt = 3
	b.run(context.Background(), testPace(&rests), func(string) {})
	if e := b.find("slow"); e.c != nil || e.absent != "out of memory" || !s[1].closed || b.times["slow"] != nil {
		t.Errorf("it failed and is %+v with times %v", e, b.times["slow"])
	}
	if len(b.times["fast"]) != 8 {
		t.Errorf("the other had %d rounds, want 8", len(b.times["fast"]))
	}
	if err := b.close(); err != nil || !s[0].closed {
		t.Errorf("closed %v, error %v", s[0].closed, err)
	}
}

func TestBoutEndsWhenAsked(t *testing.T) {
	var log []string
	b, _ := scriptedBout(&log)
	ctx, cancel := context.WithCancel(context.Background())
	p := testPace(new(int))
	turns := 0
	p.rest = func() {
		if turns++; turns == 3 {
			cancel()
		}
	}
	b.run(ctx, p, func(string) {})
	if got := len(b.times["fast"]) + len(b.times["slow"]); got != 3 {
		t.Errorf("%d turns, want the 3 that had begun", got)
	}
}

func TestRows(t *testing.T) {
	var log []string
	b, _ := scriptedBout(&log)
	b.entries[0].flops = 1e9
	b.entries = append(b.entries, &entry{name: nameSgemm, label: "product", flops: 4e9,
		c: &scripted{name: "product", each: 20 * time.Millisecond, log: &log}})
	b.run(context.Background(), testPace(new(int)), func(string) {})
	rows := b.rows(b.outputs())
	fast, slow, gone := rows[0], rows[1], rows[2]
	if fast.MinMS != 10 || fast.GFLOPS != 100 || fast.OfPeak != 0.5 {
		t.Errorf("fast is %+v, want 10 ms, 100 GFLOP/s, half the peak", fast)
	}
	if fast.Differs == nil || !fast.Wrong || fast.Reference != "slow" {
		t.Errorf("fast differs by %v from %q: wrong is %v, want so", fast.Differs, fast.Reference, fast.Wrong)
	}
	if slow.OfOurs.Median != 100 || slow.Wrong || slow.Differs != nil {
		t.Errorf("slow is %+v, want 100 times the first", slow)
	}
	if gone.Absent != "not installed" || gone.MinMS != 0 {
		t.Errorf("gone is %+v", gone)
	}
	// A time of something else is no figure, and one that is missing is never invented.
	for _, c := range []struct {
		a, by string
		want  figure
	}{
		{"fast", "slow", figure{Absent: "fast computes something else"}},
		{"slow", "gone", figure{Absent: "gone: not installed"}},
		{"slow", nameSgemm, figure{Value: 50, Spread: &ratio{50, 50, 50, 8}}},
	} {
		c.want.What, c.want.Unit, c.want.AtMost = "w", "x", asNumber(2)
		if got := b.compare(rows, "w", c.a, c.by, 2); !reflect.DeepEqual(got, c.want) || got.verdict() != "not reached" {
			t.Errorf("%s by %s is %+v, want %+v", c.a, c.by, got, c.want)
		}
	}
}

// TestInt8ThatIsFloat: a time of float32 must not stand in the place of int8's.
func TestInt8ThatIsFloat(t *testing.T) {
	for name, c := range map[string]struct {
		output []float32
		stays  bool
	}{"float32's bits": {[]float32{1, 2}, false}, "other bits": {[]float32{1, 2.0000002}, true}} {
		b := &bout{entries: []*entry{{name: nameInt8, c: &scripted{}}}}
		b.checkInt8(map[string][]float32{nameEngine: {1, 2}, nameInt8: c.output})
		if e := b.find(nameInt8); (e.c != nil) != c.stays {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// TestOnly lets some contenders take part: the others are not loaded, and no figure speaks of them.
func TestOnly(t *testing.T) {
	b := &bout{title: "x", only: regexp.MustCompile("^(engine|tape)$")}
	for _, name := range []string{nameEngine, nameTape, nameServed, namePython} {
		b.enter(place{&entry{name: name}, func() (contender, string, error) {
			if name != nameEngine && name != nameTape {
				t.Errorf("%s is loaded", name)
			}
			return nil, "", errors.New("none here")
		}})
	}
	figures := append(inferenceFigures(b, b.rows(nil), subject{}), garbageFigures(b)...)
	if len(b.entries) != 2 || len(figures) != 1 || figures[0].What != "x: tape / engine" {
		t.Errorf("%d entries, figures %+v", len(b.entries), figures)
	}
}
