package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMain lets a bench of the tests start its children: this program again.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, "-as") {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"-rounds 0", "-rounds 0 is outside"}, {"-priority 50", "-priority 50 is outside"}, {"-core -2", "-core -2 is outside"}, {"-only (", "-only: "}, {"more", "unexpected argument"},
	} {
		if _, err := parse(strings.Fields(c.args), io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.args, err, c.want)
		}
	}
	s, err := parse([]string{"-only", "^idle|flood, 500"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range s.places() {
		names = append(names, p.String())
	}
	want := []string{"idle, 100 Hz", "idle, 500 Hz", "idle, 1000 Hz", "flood, 500 Hz", "inference and flood, 500 Hz"}
	if !slices.Equal(names, want) {
		t.Errorf("places %q, want %q", names, want)
	}
}

func TestReadC(t *testing.T) {
	late := binary.LittleEndian.AppendUint64(nil, 1000)
	late = binary.LittleEndian.AppendUint64(late, 3_000_000)
	got, err := readC(append([]byte("SCHED_FIFO 20|0|1|3|7|2\n"), late...))
	if err != nil || got.skipped != 7 || got.class != "SCHED_FIFO 20, timer slack 0s, memory locked, core 3 to itself" {
		t.Fatalf("got %+v, %v", got, err)
	}
	if s := got.lateness.Spread(); s.Count != 2 || s.Max != 0.003 || s.P50 != 1.007e-6 {
		t.Errorf("lateness %+v", s)
	}
	for _, text := range []string{"", "SCHED_OTHER|1|0|-1|0|1\n", "SCHED_OTHER|1|0|-1|0\n", "SCHED_OTHER|1|0|-1|0|many\n"} {
		if _, err := readC([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestJourneys(t *testing.T) {
	const ms = time.Millisecond
	var sent leaving
	for _, s := range []struct{ seen, now time.Duration }{{0, 5 * ms}, {10 * ms, 120 * ms}, {10 * ms, 130 * ms}, {140 * ms, 250 * ms}} {
		sent.left(s.seen, s.now)
	}
	var j journey
	j.add(&sent, map[time.Duration]time.Duration{10 * ms: 100 * ms, 300 * ms: ms}) // the second picture's is not known
	if s := j.beyond.Summary(); s.Count != 1 || s.Max != 0.010 {
		t.Errorf("beyond the inference: %+v, want once 10 ms", s)
	}
}

func TestRatio(t *testing.T) {
	turnOf := func(usual, rare time.Duration) *tally {
		t := new(tally)
		for i := range 1000 {
			if t.lateness.Put(usual); i%100 == 0 {
				t.lateness.Put(rare)
			}
		}
		return t
	}
	const us = time.Microsecond
	c := &cell{}
	for range 8 {
		c.turns[contenderGo] = append(c.turns[contenderGo], turnOf(us, 120*us))
		c.turns[contenderC] = append(c.turns[contenderC], turnOf(us, 100*us))
	}
	near := func(got, want float64) bool { return got > want*0.96 && got < want*1.04 }
	if r := c.ratio(); !near(r.value, 1.2) || r.low != r.value || r.high != r.value {
		t.Errorf("rounds that are all alike: %+v, want 1.2 and no more", r)
	}
	if n := c.total(contenderGo).lateness.Spread().Count; n != 8*1010 {
		t.Errorf("%d ticks in all, want %d", n, 8*1010)
	}
	c.turns[contenderGo][3] = turnOf(us, 1000*us) // one round of eight
	if r := c.ratio(); !near(r.value, 10) || !near(r.low, 1.2) || !near(r.high, 10) {
		t.Errorf("one bad round of eight: %+v, want 10, and 1.2 to 10", r)
	}
	for want, r := range map[string]ratio{reached: {1.2, 1.1, 1.5}, open: {1.2, 1.1, 1.51}, notReached: {2, 1.51, 3}} {
		if f := figureWithin("", r, mostOfC); f.Verdict != want {
			t.Errorf("%+v is %s, want %s", r, f.Verdict, want)
		}
	}
	if f := figureOf("", 0.06, mostOfInference); f.Verdict != notReached || f.High != 0 {
		t.Errorf("a figure without an interval: %+v", f)
	}
}

// aCore is the first of several that this process may use, with what is said of it; where there is one alone, none is kept.
func aCore(t *testing.T) (core int, class string) {
	t.Helper()
	var may unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		t.Fatal(err)
	}
	if may.Count() == 1 {
		return -1, ", no core to itself"
	}
	for !may.IsSet(core) {
		core++
	}
	return core, fmt.Sprintf(", core %d to itself", core)
}

func TestLeaveWhatIsNotThere(t *testing.T) {
	if err := leave(1023); err == nil || !strings.Contains(err.Error(), "-core 1023 is none of the ") {
		t.Errorf("%v", err)
	}
}

// TestTurns lets both loops tick beside a flood, through real processes and a real broker.
func TestTurns(t *testing.T) {
	core, class := aCore(t)
	s, err := parse([]string{"-scratch", t.TempDir(), "-base", "none", "-priority", "0", "-core", fmt.Sprint(core)}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	b, err := openBench(s, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.close(); err != nil {
			t.Error(err)
		}
	}()
	if b.brain != nil || !strings.Contains(b.noBrain, "none") {
		t.Errorf("a base that is not there is %q", b.noBrain)
	}
	for contender, name := range contenderNames() {
		got, err := b.turn(context.Background(), contender, place{load{flood: true}, 1000})
		if err != nil {
			t.Fatal(err)
		}
		s := got.lateness.Spread()
		if ticks := s.Count + got.skipped; ticks < 300 || ticks > 2000 {
			t.Errorf("%s: %d ticks and %d skipped in 0.7 s at 1000 Hz", name, s.Count, got.skipped)
		}
		if !strings.HasPrefix(got.class, "SCHED_OTHER, timer slack 1ns") || !strings.HasSuffix(got.class, class) || got.flood < 100 {
			t.Errorf("%s: scheduled as %q beside %v messages a second", name, got.class, got.flood)
		}
	}
}
