package supervisor

import (
	"math"
	"testing"
	"time"

	"sim2reald/robot"
)

// twoJoints is an arm whose numbers are exact in binary.
func twoJoints() TrackBounds {
	b := TrackBoundsOf(robot.Limits{QMin: robot.Vector{-1, -2}, QMax: robot.Vector{1, 2}, DQMax: robot.Vector{2, 4}}, 2)
	b.Slack, b.Overspeed = 0.0625, 1.5
	return b
}

func TestTrackBounds(t *testing.T) {
	b := TrackBoundsOf(robot.Limits{}, 7)
	if b.Joints != 7 || b.Jump != 0.25 || b.Slack != 0.05 || b.Overspeed != 1.2 {
		t.Errorf("%+v", b)
	}
}

// TestTrackJudgesOne spoils one measurement by the least that is wrong.
func TestTrackJudgesOne(t *testing.T) {
	above, below := func(x float64) float64 { return math.Nextafter(x, 9) }, func(x float64) float64 { return math.Nextafter(x, -9) }
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		name           string
		state          robot.State
		broken, passed bool
	}{
		{"at every limit", robot.State{Q: robot.Vector{-1.0625, 2.0625}, DQ: robot.Vector{3, -6}}, false, false},
		{"at the other limits", robot.State{Q: robot.Vector{1.0625, -2.0625}, DQ: robot.Vector{-3, 6}}, false, false},
		{"first joint below", robot.State{Q: robot.Vector{below(-1.0625)}}, false, true},
		{"first joint above", robot.State{Q: robot.Vector{above(1.0625)}}, false, true},
		{"last joint below", robot.State{Q: robot.Vector{0, below(-2.0625)}}, false, true},
		{"last joint above", robot.State{Q: robot.Vector{0, above(2.0625)}}, false, true},
		{"first joint fast", robot.State{DQ: robot.Vector{above(3)}}, false, true},
		{"last joint fast backwards", robot.State{DQ: robot.Vector{0, below(-6)}}, false, true},
		{"beyond the joints", robot.State{Q: robot.Vector{0, 0, nan}, DQ: robot.Vector{0, 0, 99}}, false, false},
		{"NaN position", robot.State{Q: robot.Vector{0, nan}}, true, false},
		{"infinite velocity", robot.State{DQ: robot.Vector{inf}}, true, true},
		{"NaN gripper", robot.State{Gripper: nan}, true, false},
		{"infinite gripper", robot.State{Gripper: -inf}, true, false},
	} {
		var track Track
		b := twoJoints()
		c.state.Seq = 1
		track.See(&c.state, 0, &b)
		if track.Broken != c.broken || track.Passed != c.passed || track.Jumped {
			t.Errorf("%s: broken %t, passed %t, jumped %t", c.name, track.Broken, track.Passed, track.Jumped)
		}
	}
}

// TestTrackNamesTheJoint: the first that is beyond, and it is remembered when all is well again.
func TestTrackNamesTheJoint(t *testing.T) {
	var track Track
	b := twoJoints()
	track.See(&robot.State{Seq: 1, Q: robot.Vector{0.5, -1}, DQ: robot.Vector{1, -7}}, 0, &b)
	track.See(&robot.State{Seq: 2}, time.Second, &b)
	want := Beyond{Joint: 1, Position: -1, Min: -2, Max: 2, Speed: -7, SpeedMax: 4}
	if track.Passed || track.Beyond != want {
		t.Errorf("passed %t, %+v, want %+v", track.Passed, track.Beyond, want)
	}
	if got := want.String(); got != "was measured at -1.000 rad and -7.000 rad/s; its limits are -2.000 to 2.000 rad and 4.000 rad/s" {
		t.Error(got)
	}
}

// TestTrackJumps moves joint 1, of at most 4 rad/s, in an eighth of a second: 0.25 + 0.5 rad are no jump.
func TestTrackJumps(t *testing.T) {
	const far, moves = 0.75, robot.EpisodeRunning
	over := math.Nextafter(far, 9)
	for _, c := range []struct {
		name         string
		before, then robot.State
		dt           time.Duration
		want         bool
	}{
		{"as far as can be", robot.State{}, robot.State{Q: robot.Vector{0, far}}, 125 * ms, false},
		{"further", robot.State{}, robot.State{Q: robot.Vector{0, over}}, 125 * ms, true},
		{"further backwards", robot.State{Q: robot.Vector{0, over}}, robot.State{}, 125 * ms, true},
		{"another joint is slower", robot.State{}, robot.State{Q: robot.Vector{0.5078125}}, 125 * ms, true},
		{"from elsewhere", robot.State{Q: robot.Vector{0.5, -1}}, robot.State{Q: robot.Vector{0.5, -1 + far}}, 125 * ms, false},
		{"from elsewhere, further", robot.State{Q: robot.Vector{0.5, -1}}, robot.State{Q: robot.Vector{0.5, -2}}, 125 * ms, true},
		{"at once", robot.State{}, robot.State{Q: robot.Vector{0, 0.25}}, 0, false},
		{"at once, further", robot.State{}, robot.State{Q: robot.Vector{0, 0.2500001}}, 0, true},
		{"a clock that went back allows nothing", robot.State{}, robot.State{Q: robot.Vector{0, 0.2500001}}, -time.Hour, true},
		{"nor does it forbid", robot.State{}, robot.State{Q: robot.Vector{0, 0.25}}, -time.Hour, false},
		{"in an episode", robot.State{Episode: moves, Step: 3}, robot.State{Episode: moves, Step: 3, Q: robot.Vector{0, over}}, 125 * ms, true},
		{"into the next episode", robot.State{Episode: moves, Step: 3}, robot.State{Episode: moves, Step: 2, Q: robot.Vector{0, over}}, 125 * ms, false},
		{"from a start", robot.State{Episode: robot.EpisodeReady}, robot.State{Episode: moves, Q: robot.Vector{0, over}}, 125 * ms, false},
		{"to a start", robot.State{Episode: moves}, robot.State{Episode: robot.EpisodeReady, Q: robot.Vector{0, over}}, 125 * ms, false},
		{"the same message again", robot.State{}, robot.State{Seq: 1, Q: robot.Vector{0, over}}, 125 * ms, false},
	} {
		var track Track
		b := twoJoints()
		c.before.Seq, c.then.Seq = 1, max(c.then.Seq, 2)
		if c.name == "the same message again" {
			c.then.Seq = 1
		}
		track.See(&c.before, time.Second, &b)
		track.See(&c.then, time.Second+c.dt, &b)
		if track.Jumped != c.want {
			t.Errorf("%s: jumped %t", c.name, track.Jumped)
		}
		if next := c.then; c.want {
			next.Seq = 9
			if track.See(&next, 2*time.Second, &b); track.Jumped {
				t.Errorf("%s: from there on it is where it is", c.name)
			}
		}
	}
}

func TestTrackFollowsStampAndCommands(t *testing.T) {
	var track Track
	b := twoJoints()
	at := time.Duration(0)
	for i, c := range []struct {
		state     robot.State
		unchanged time.Duration
		unheeded  time.Duration
		refused   bool
	}{
		{robot.State{Stamp: 5, Accepted: 1, Refused: 7}, 0, 0, false},
		{robot.State{Stamp: 5, Accepted: 1, Refused: 7}, 10 * ms, 10 * ms, false},
		{robot.State{Stamp: 5, Accepted: 1, Refused: 8}, 20 * ms, 20 * ms, true},
		{robot.State{Stamp: 4, Accepted: 1, Refused: 8}, 0, 30 * ms, true},             // another stamp, if an earlier one
		{robot.State{Stamp: 4, Accepted: 2, Refused: 9}, 10 * ms, 0, false},            // heeded again, whoever was refused
		{robot.State{Stamp: 6, Accepted: 2, Refused: 9}, 0, 10 * ms, false},            //
		{robot.State{Stamp: 7, Accepted: 0, Refused: 9}, 0, 0, false},                  // a new episode
		{robot.State{Stamp: 8, Accepted: 0, Refused: 10}, 0, 10 * ms, true},            //
		{robot.State{Stamp: 9, Refused: 11, Episode: robot.EpisodeReady}, 0, 0, false}, // where nothing need be heeded
	} {
		c.state.Seq = uint64(i + 1)
		track.See(&c.state, at, &b)
		if track.Unchanged(at) != c.unchanged || track.Unheeded() != c.unheeded || track.Refused() != c.refused {
			t.Errorf("measurement %d: unchanged %v, unheeded %v, refused %t", i, track.Unchanged(at), track.Unheeded(), track.Refused())
		}
		at += 10 * ms
	}
}
