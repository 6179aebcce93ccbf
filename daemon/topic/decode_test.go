package topic

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"sim2reald/robot"
)

func jointStates(edit func(*JointStates)) *JointStates {
	m := &JointStates{
		Envelope: Envelope{Epoch: "0123456789abcdef", Seq: 7, Stamp: Stamp{Sec: 1, Nanosec: 5}},
		Name:     []string{"b", "a"}, Position: []float64{2, 1}, Velocity: []float64{0.2, 0.1}, Gripper: 0.5,
	}
	if edit != nil {
		edit(m)
	}
	return m
}

func TestDecodeState(t *testing.T) {
	joints := []string{"a", "b"}
	s, err := DecodeState(jointStates(nil), joints, time.Minute)
	want := robot.State{
		Seq: 7, Stamp: time.Second + 5, Arrival: time.Minute, Gripper: 0.5, Q: robot.Vector{1, 2}, DQ: robot.Vector{0.1, 0.2},
	}
	if err != nil || s != want {
		t.Errorf("got %+v, %v\nwant %+v", s, err, want)
	}
	cases := []struct {
		name string
		edit func(*JointStates)
		want string
	}{
		{"missing", func(m *JointStates) { m.Name[0] = "c" }, "joint b is missing"},
		{"repeated", func(m *JointStates) { m.Name[0] = "a" }, "joint b is missing"},
		{"extra", func(m *JointStates) { m.Name = append(m.Name, "c") }, "3 names and 2 values for 2 joints"},
		{"partial", func(m *JointStates) { m.Name = m.Name[:1] }, "1 names"},
		{"short velocity", func(m *JointStates) { m.Velocity = m.Velocity[:1] }, "velocity"},
		{"NaN", func(m *JointStates) { m.Position[1] = math.NaN() }, "not finite"},
		{"infinite", func(m *JointStates) { m.Velocity[1] = math.Inf(1) }, "not finite"},
		{"gripper", func(m *JointStates) { m.Gripper = math.NaN() }, "gripper"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := DecodeState(jointStates(c.edit), joints, 0)
			if !errors.Is(err, ErrPayload) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestEpisodePhase(t *testing.T) {
	for state, want := range map[string]robot.EpisodePhase{
		"ready": robot.EpisodeReady, "running": robot.EpisodeRunning, "success": robot.EpisodeEnded,
		"aborted": robot.EpisodeEnded, "a new word": robot.EpisodeEnded,
	} {
		if got := phase(&EpisodeStep{State: state}); got != want {
			t.Errorf("%s: %v, want %v", state, got, want)
		}
	}
	running := jointStates(func(m *JointStates) { m.Episode = &EpisodeStep{State: "running", Step: 12} })
	if s, err := DecodeState(running, []string{"a", "b"}, 0); err != nil || s.Step != 12 || s.Episode != robot.EpisodeRunning {
		t.Errorf("step %d of phase %v, %v", s.Step, s.Episode, err)
	}
	if phase(nil) != robot.NoEpisode {
		t.Error("a bridge without episodes must not wait")
	}
}

func TestGate(t *testing.T) {
	const epoch = "0123456789abcdef"
	type step struct {
		epoch    string
		seq      uint64
		retained bool
		pass     bool
		why      Drop
	}
	run := func(name string, g gate, steps ...step) {
		t.Run(name, func(t *testing.T) {
			for i, s := range steps {
				why, ok := g.pass(Envelope{Epoch: s.epoch, Seq: s.seq}, s.retained)
				if ok != s.pass || (!ok && why != s.why) {
					t.Errorf("message %d: passed %v (%v), want %v (%v)", i, ok, why, s.pass, s.why)
				}
			}
		})
	}
	run("motion", gate{epoch: epoch},
		step{epoch, 1, false, true, 0}, step{epoch, 1, false, false, OldSequence}, step{epoch, 5, false, true, 0},
		step{epoch, 4, false, false, OldSequence}, step{epoch, 6, true, false, Retained},
		step{"feedfacefeedface", 7, false, false, ForeignEpoch}, step{epoch, 6, false, true, 0})
	run("a lock-step bridge repeats itself", gate{epoch: epoch, allowRepeat: true},
		step{epoch, 3, false, true, 0}, step{epoch, 3, false, true, 0}, step{epoch, 2, false, false, OldSequence})
}

func FuzzDecodeState(f *testing.F) {
	seed, err := json.Marshal(jointStates(nil))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{"name":["a","a"],"position":[1e999,2]}`))
	f.Add([]byte(strings.Repeat("[", 20000)))
	f.Fuzz(func(t *testing.T, payload []byte) {
		var m JointStates
		if decode(payload, &m) != nil {
			return
		}
		if s, err := DecodeState(&m, []string{"a", "b"}, 0); err == nil && (!s.Q.Finite(2) || !s.DQ.Finite(2)) {
			t.Errorf("a number that is not finite passed: %+v", s)
		}
	})
}

func TestDecodeBoundsPayload(t *testing.T) {
	if err := decode(make([]byte, maxPayload+1), new(JointStates)); !errors.Is(err, ErrPayload) {
		t.Errorf("64 MB of nothing: %v", err)
	}
}

// TestDecodeStateCountsRefusals wants what a command said counted, and not what became of it on the way.
func TestDecodeStateCountsRefusals(t *testing.T) {
	msg := JointStates{Dropped: map[string]uint64{
		"malformed": 1, "robot": 2, "joints": 4, "not_finite": 8, "limit": 16,
		"retained": 100, "epoch": 100, "sequence": 100, "stale": 100, "not_running": 100,
	}}
	if s, err := DecodeState(&msg, nil, 0); err != nil || s.Refused != 31 {
		t.Errorf("refused %d, %v", s.Refused, err)
	}
	for _, c := range []struct {
		from *Origin
		want uint64
	}{{nil, 0}, {&Origin{"ours", 7}, 7}, {&Origin{"another's", 7}, 0}} {
		if got := acceptedFrom(&JointStates{Accepted: c.from}, "ours"); got != c.want {
			t.Errorf("%v: %d, want %d", c.from, got, c.want)
		}
	}
}

// TestEpisodesAreCounted: two are told apart however they are called, and a bridge that speaks of none has none.
func TestEpisodesAreCounted(t *testing.T) {
	var c episodes
	for i, s := range []struct {
		step *EpisodeStep
		want uint64
	}{
		{nil, 0}, {&EpisodeStep{}, 0}, {&EpisodeStep{ID: "a"}, 1}, {&EpisodeStep{ID: "a", Step: 3}, 1}, {nil, 1},
		{&EpisodeStep{ID: "b"}, 2}, {&EpisodeStep{ID: "a"}, 3}, {&EpisodeStep{}, 4},
	} {
		if got := c.number(s.step); got != s.want {
			t.Errorf("%d: %d, want %d", i, got, s.want)
		}
	}
}
