package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sim2reald/daemon/topic"
	"sim2reald/robot"
)

// TestQuickCases are those of the catalogue that need no process: under two seconds together.
func TestQuickCases(t *testing.T) {
	t.Chdir("../..")
	b := &bench{dir: t.TempDir()}
	for _, c := range cases() {
		if !slices.Contains([]string{"27", "29", "41"}, c.id) {
			continue
		}
		t.Run(c.id+" "+c.name, func(t *testing.T) {
			if o := c.run(t.Context(), b); o.Verdict != passed {
				t.Errorf("%s: %s, asked: %s", o.Verdict, o.Measured, c.asked)
			} else {
				t.Log(o.Measured)
			}
		})
	}
}

// TestTable has each number of the catalogue at least once, and each id once.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range cases() {
		if seen[c.id] {
			t.Errorf("case %s stands twice", c.id)
		}
		seen[c.id] = true
		if c.name == "" || c.asked == "" || c.run == nil || !slices.Contains([]string{"P", "U", "H"}, c.kind) {
			t.Errorf("case %s is not whole: %+v", c.id, c)
		}
	}
	if _, err := choose(cases(), "38,none"); err == nil {
		t.Error("a case that is not there was chosen")
	}
	if got, err := choose(cases(), "38,1"); err != nil || len(got) != 2 || got[1].id != "1" {
		t.Errorf("chose %v, %v", got, err)
	}
}

// atRest and inMotion are lines of an arm's log, 10 ms apart.
func line(i int, v float64) tick {
	t := tick{at: moment(i) * armTick, mode: "velocity", episode: "running"}
	t.q = robot.Vector{0, -0.5, 0, -2, 0, 1.8, 0}
	t.v[0] = v
	return t
}

// TestWithinLimits: the checks of the suite must find what they look for.
func TestWithinLimits(t *testing.T) {
	lim := limits()
	good := []tick{line(0, 0), line(1, 0.1), line(2, 0.2), line(3, 0.1)}
	if err := withinLimits(good, &lim); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func([]tick){
		"position":     func(all []tick) { all[2].q[3] = 0 },
		"NaN":          func(all []tick) { all[2].q[1] = math.NaN() },
		"speed":        func(all []tick) { all[2].v[1] = -lim.DQMax[1] - 0.01 },
		"NaN speed":    func(all []tick) { all[2].v[1] = math.NaN() },
		"acceleration": func(all []tick) { all[2].v[0] = 0.1 + 0.16 },
	} {
		bad := slices.Clone(good)
		spoil(bad)
		if err := withinLimits(bad, &lim); err == nil {
			t.Errorf("%s was not found", name)
		}
	}
	if err := withinLimits(nil, &lim); err == nil {
		t.Error("an empty log passes")
	}
}

func TestComesToRest(t *testing.T) {
	stops := []tick{line(0, 0.3), line(1, 0.3), line(2, 0.2), line(3, 0), line(4, 0)}
	stops[4].q[0] = 0.01
	r, err := comesToRest(stops, armTick)
	if err != nil || r.after != 2*armTick || math.Abs(r.travel-0.01) > 1e-12 {
		t.Errorf("%+v, %v", r, err)
	}
	for name, ticks := range map[string][]tick{
		"moves on":       {line(0, 0.3), line(1, 0.3), line(2, 0.3)},
		"moves again":    {line(0, 0.3), line(1, 0), line(2, 0), line(3, 0.1)},
		"stood before":   {line(0, 0), line(1, 0), line(2, 0)},
		"log ends there": {line(0, 0.3)},
	} {
		if r, err := comesToRest(ticks, armTick); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestCommandsWithin(t *testing.T) {
	lim := limits()
	command := func(v float64) []sent {
		return []sent{{msg: topic.JointCommand{Mode: "velocity", Velocity: []float64{v, 0, 0, 0, 0, 0, 0}}}}
	}
	if err := commandsWithin(command(lim.DQMax[0]), &lim); err != nil {
		t.Error(err)
	}
	short := command(0)
	short[0].msg.Velocity = short[0].msg.Velocity[:6]
	for _, bad := range [][]sent{command(lim.DQMax[0] + 0.01), command(math.NaN()), short} {
		if err := commandsWithin(bad, &lim); err == nil {
			t.Errorf("%v passes", bad[0].msg.Velocity)
		}
	}
}

// TestTicks reads a log whose last line a kill has cut.
func TestTicks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "arm.log")
	whole := "12.5 velocity running 0123456789abcdef 7 " + strings.Repeat("0.25 ", 7) + strings.Repeat("-1 ", 7)
	if err := os.WriteFile(path, []byte(whole+"\n"+whole[:40]), 0o600); err != nil {
		t.Fatal(err)
	}
	ticks, err := readTicks(path)
	if err != nil || len(ticks) != 1 {
		t.Fatalf("%d ticks, %v", len(ticks), err)
	}
	got := ticks[0]
	if got.at != 12500*time.Millisecond || got.seq != 7 || got.q[6] != 0.25 || got.v[0] != -1 || got.episode != "running" {
		t.Errorf("%+v", got)
	}
	if newestOf, ok := (&arm{path: path}).newestTick(); !ok || newestOf != got {
		t.Errorf("newest %+v, %v", newestOf, ok)
	}
	if _, err := parseTick(whole + " 1"); err == nil {
		t.Error("a word too many was read")
	}
}

// TestJournal goes on where a kill left it.
func TestJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	j, err := openJournal(path, "a full", true)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []row{{Case: "1", Run: 1, Void: "no time"}, {Case: "1", Run: 1, Figure: &figure{3, 7}}, {Case: "1", outcome: measured(true, "x")}, {Case: "2", outcome: measured(false, "y")}} {
		if err := j.put(r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := j.file.WriteString(`{"subject":"a full","case":"3","ver`); err != nil {
		t.Fatal(err)
	}
	_ = j.Close()
	for _, c := range []struct {
		subject string
		resume  bool
		want    bool
	}{{"a full", true, true}, {"a full", false, false}, {"b full", true, false}} {
		j, err := openJournal(path, c.subject, c.resume)
		if err != nil {
			t.Fatal(err)
		}
		v, run := j.value("1", 0)
		_, one := j.passed("1")
		_, two := j.passed("2")
		if told := j.voids["1"]; len(told) > 0 != c.want || c.want && told[0].Error() != "no time" {
			t.Errorf("%+v: of the void run before is told %v", c, told)
		}
		if run != c.want || one != c.want || two || (run && v != figure{3, 7}) {
			t.Errorf("%+v: run %v %v, cases %v %v", c, run, v, one, two)
		}
		if err := j.put(row{Case: "4"}); err != nil {
			t.Error(err)
		}
		_ = j.Close()
	}
}

// TestVoidRuns are done again, and told; what fails by itself is not.
func TestVoidRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	j, err := openJournal(path, "a", false)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	b := &bench{log: j}
	calls := 0
	s, err := b.repeat(t.Context(), "x", 2, 5, func(context.Context, int) (figure, error) {
		if calls++; calls == 1 {
			return figure{}, &starvedError{300 * time.Millisecond, 500 * time.Millisecond}
		}
		return figure{Value: float64(calls)}, nil
	})
	if err != nil || calls != 3 || s.most() != 3 ||
		s.String() != "2 of 5 runs, 1 more void: the last came after 500ms, while the arm's process waited 300ms for a processor: void" {
		t.Errorf("%v, %d calls, %v", err, calls, s)
	}
	unsafe := &unsafeError{errors.New("a limit was passed")}
	for cause, want := range map[error]int{&starvedError{}: attempts, context.Canceled: 1, unsafe: 1, fmt.Errorf("%w: %w", &starvedError{}, unsafe): 1} {
		calls = 0
		if _, err := b.repeat(t.Context(), "y", 2, 5, func(context.Context, int) (figure, error) { calls++; return figure{}, cause }); err == nil || calls != want {
			t.Errorf("%v: %v after %d calls, want %d", cause, err, calls, want)
		}
	}
	if text, err := os.ReadFile(path); err != nil || strings.Count(string(text), `"void":"came after`) != 1+attempts-1 {
		t.Errorf("the journal keeps not what was void: %s, %v", text, err)
	}
	calls = 0
	s, err = b.repeat(t.Context(), "z", 20, 50, func(context.Context, int) (figure, error) {
		if calls++; calls%2 == 1 {
			return figure{}, &starvedError{}
		}
		return figure{}, nil
	})
	if !starved(err) || len(s.void) != mostVoid(20) || len(s.values) != mostVoid(20) {
		t.Errorf("every other run void: %v after %d void and %d good runs", err, len(s.void), len(s.values))
	}
	if o := broken(unsafe); o.void || !o.unsafe || unlessBusy(o).void {
		t.Errorf("what was unsafe is void: %+v", o)
	}
	if d, err := waited(os.Getpid()); err != nil || d < 0 {
		t.Errorf("%v, %v", d, err)
	}
}

// TestReport ends in the sums, and is an error when a case failed.
func TestReport(t *testing.T) {
	of := []faultCase{{id: "1"}, {id: "2"}, {id: "3"}}
	var out strings.Builder
	err := report(&out, of, []outcome{measured(true, "a"), needs("b"), broken(context.Canceled)})
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if err == nil || lines[len(lines)-1] != "1 passed, 1 failed, 1 skipped" {
		t.Errorf("%v, %q", err, lines)
	}
	if err := report(io.Discard, of[:1], []outcome{measured(true, "a")}); err != nil {
		t.Error(err)
	}
}
