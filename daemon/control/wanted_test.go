package control

import (
	"math"
	"testing"
	"time"

	"sim2reald/daemon/control/supervisor"
	"sim2reald/robot"
	"sim2reald/robot/limit"
)

// speeds are rows that move joint 1, in rad/s.
func speeds(of ...float64) []robot.Command {
	var rows []robot.Command
	for _, v := range of {
		rows = append(rows, robot.Command{Mode: robot.Velocity, DQ: robot.Vector{v}})
	}
	return rows
}

// ensemble averages four plans, each of which counts as much.
func ensemble(c *Config) { c.Ensemble = Ensemble{Plans: 4} }

// answer lets the policy see and answer rows.
func (b *bench) answer(t *testing.T, after time.Duration, rows ...float64) {
	t.Helper()
	b.see(after)
	b.rows = speeds(rows...)
	if err := b.loop.Think(); err != nil {
		t.Fatal(err)
	}
}

// TestWantedBetweenRows: in real time a plan of several rows is a smooth wish, in lock-step a row is a step.
func TestWantedBetweenRows(t *testing.T) {
	for _, lockstep := range []bool{false, true} {
		b := newBench(lockstep)
		plan := Plan{Seen: time.Second, Rows: 2}
		copy(plan.Wanted[:], speeds(1, 2))
		if err := b.loop.follow(&plan); err != nil {
			t.Fatal(err)
		}
		middle := 1.296875 // halfway in time is a quarter into the way from the middle of one period to that of the other
		if lockstep {
			middle = 2 // as near to the next step
		}
		for since, want := range map[time.Duration]float64{-1: 1, 0: 1, 60 * time.Millisecond: middle, 120 * time.Millisecond: 2, 400 * time.Millisecond: 2} {
			if got := b.loop.wanted(robot.Command{}, time.Second+since).DQ[0]; math.Abs(got-want) > 1e-12 {
				t.Errorf("lock-step %t, after %v: %g rad/s, want %g", lockstep, since, got, want)
			}
		}
		held := robot.Command{Gripper: 0.7}
		if got := b.loop.wanted(held, time.Second+400*time.Millisecond+1); got != held {
			t.Errorf("lock-step %t: %+v after the look-ahead, want a hold with the gripper as it is", lockstep, got)
		}
	}
}

// TestEnsembleInTheLoop: the tick follows the mean of what overlaps, and what is not finite in it goes no further.
func TestEnsembleInTheLoop(t *testing.T) {
	for _, c := range []struct {
		plans int
		want  float64
	}{{0, 0.05}, {1, 0.05}, {4, (0.11 + 0.05) / 2}} {
		b := newBenchOf(false, func(cfg *Config) { cfg.Ensemble.Plans = c.plans })
		b.armAndStart(t)
		b.answer(t, 0, 0.11, 0.11, 0.11)
		b.loop.chunks.KeepNewest() // what there was before
		b.answer(t, 80*time.Millisecond, 0.05, 0.05, 0.05)
		if got := b.loop.Step().Command.DQ[0]; math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%d plans: %g rad/s, want %g", c.plans, got, c.want)
		}
	}
	b := newBenchOf(false, ensemble)
	b.armAndStart(t)
	b.answer(t, 0, 0.1, math.NaN(), 0.1)
	b.answer(t, 80*time.Millisecond, 0.1, 0.1, 0.1)
	if out := b.loop.Step(); out.Command.Mode != robot.Hold || out.Reason != ReasonRefused {
		t.Errorf("a number that is none in an older plan: %+v", out)
	}
}

// TestEnsembleBeginsAnew: at a start, in another episode, with another policy and when time goes back, what was wanted
// before does not count.
func TestEnsembleBeginsAnew(t *testing.T) {
	for name, anew := range map[string]func(b *bench){
		"nothing":       nil,
		"start":         func(b *bench) { ask(t, b, supervisor.HoldStill); ask(t, b, supervisor.Start) },
		"episode":       func(b *bench) { b.state.EpisodeNumber++ },
		"phase":         func(b *bench) { b.state.Episode = robot.EpisodeRunning },
		"bridge's time": func(b *bench) { b.loop.plan.Seen += time.Hour },
		"policy": func(b *bench) {
			ask(t, b, supervisor.HoldStill)
			if err := b.loop.Swap(Pilot{Actor: b, Limits: robot.Panda().Limits}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		b := newBenchOf(false, ensemble)
		b.armAndStart(t)
		b.loop.chunks.Reset()
		b.answer(t, 0, 1, 1, 1)
		b.answer(t, 0, 2, 2, 2)
		want := 4.0
		if anew == nil {
			want = (1 + 2 + 4) / 3.
		} else {
			anew(b)
		}
		if name == "start" {
			want = (2 + 4) / 2. // the newest is of the arm that stood
		}
		b.answer(t, 0, 4, 4, 4)
		if got := b.loop.wanted(robot.Command{}, b.now).DQ[0]; math.Abs(got-want) > 1e-12 {
			t.Errorf("%s: %g rad/s, want %g", name, got, want)
		}
	}
}

// TestLockstepEnsemble: an episode's commands are its own, whatever was thought before it and whether the loop was quick
// enough to think about the observation that waits for the start.
func TestLockstepEnsemble(t *testing.T) {
	run := func(quick bool, before ...float64) (sent []float64) {
		b := newBenchOf(true, ensemble)
		b.rows = speeds(0.01)
		b.armAndStart(t)
		answered := b.state.Seq
		next := func(phase robot.EpisodePhase, step int, rows []float64) {
			b.state.Stamp = time.Duration(step)*80*time.Millisecond + time.Second - 1 // see counts one on
			b.see(80 * time.Millisecond)
			b.state.Episode, b.state.Step, b.rows = phase, step, speeds(rows...)
			if phase == robot.EpisodeReady && !quick {
				return
			}
			seq, err := b.loop.answer(answered)
			if err != nil {
				t.Fatal(err)
			}
			answered = seq
		}
		if before != nil {
			b.state.EpisodeNumber = 1
			next(robot.EpisodeRunning, 0, before)
		}
		b.state.EpisodeNumber = 2
		next(robot.EpisodeReady, 0, []float64{0.5, 0.5, 0.5})
		from := len(b.sent)
		for step := range 6 {
			v := 0.05 * float64(step)
			next(robot.EpisodeRunning, step, []float64{v, v + 0.01, v + 0.02})
		}
		for _, out := range b.sent[from:] {
			sent = append(sent, out.Command.DQ[0])
		}
		return sent
	}
	want := run(true)
	// Step 3 has its own first row, the second of step 2's plan and the third of step 1's.
	if len(want) != 6 || math.Abs(want[3]-(0.15+0.11+0.07)/3) > 1e-12 {
		t.Fatalf("sent %v", want)
	}
	for _, got := range [][]float64{run(true), run(false), run(true, 0.3, 0.3, 0.3), run(false, 0.3, 0.3, 0.3)} {
		for i := range want {
			if len(got) != len(want) || got[i] != want[i] {
				t.Errorf("sent %v, want %v", got, want)
				break
			}
		}
	}
}

// TestPolicyDies is the bound of the look-ahead: a policy at full speed that answers no more, or that hangs, lets each
// joint go no further than its speed for ages.action_ms from the picture on, and its stop, which the bridge makes of a
// hold within the same limits.
func TestPolicyDies(t *testing.T) {
	for _, plans := range []int{1, 4} {
		for _, hangs := range []bool{false, true} {
			b := newBenchOf(false, func(c *Config) { c.Ensemble.Plans = plans })
			lim := &b.loop.pilot.Limits
			lim.QMin[0], lim.QMax[0] = -100, 100 // no end to brake for
			b.armAndStart(t)
			full := lim.DQMax[0]
			seen := func() { b.answer(t, 80*time.Millisecond, full, full, full, full, full, full, full, full) }
			for range 10 { // to full speed
				seen()
				for range 8 {
					b.loop.Step()
				}
			}
			bound := full*0.4 + full*full/(2*lim.DDQMax[0]) + full*b.loop.cfg.Period.Seconds() // and a tick
			var way float64
			die := func() { way = b.travelUntilRest(t, lim) }
			if hangs {
				b.meanwhile = die
				b.answer(t, 80*time.Millisecond, full)
			} else {
				b.answer(t, 80*time.Millisecond, full, full, full, full, full, full, full, full)
				die()
			}
			if way > bound || way < full*0.2 {
				t.Errorf("%d plans, hangs %t: %g rad after the last picture, want %g at most, and some", plans, hangs, way, bound)
			}
		}
	}
}

// travelUntilRest ticks without a thought, the bridge shaping what is sent, until the arm stands: how far joint 1 went.
func (b *bench) travelUntilRest(t *testing.T, lim *robot.Limits) (way float64) {
	t.Helper()
	period := b.loop.cfg.Period
	sent := b.loop.sent
	for range 1000 {
		out := b.loop.Step()
		command := out.Command
		if command.Mode == robot.Hold {
			command, _ = limit.Rest(0, &sent, &robot.Vector{}, 7, period, lim)
		}
		sent = sent.Then(&command, 7, period)
		way += command.DQ[0] * period.Seconds()
		if command.DQ == (robot.Vector{}) {
			return way
		}
		b.state.Q[0], b.state.DQ[0] = 0, 0 // the arm itself is not what is judged
		b.pixels[0]++
		b.now += period
		b.state.Seq, b.state.Arrival, b.state.Stamp, b.state.Accepted = b.state.Seq+1, b.now, b.state.Stamp+1, b.state.Accepted+1
	}
	t.Fatal("the arm does not come to rest")
	return 0
}
