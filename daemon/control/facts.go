package control

import (
	"time"

	"sim2reald/daemon/control/supervisor"
	"sim2reald/robot"
)

// LockstepSilence is how long a lock-step bridge may take for a step, by the wall clock: as long as it waits itself.
const LockstepSilence = 30 * time.Second

// boundsOfClock are the configured bounds; in lock-step, where the bridge and its pictures wait for the daemon, without
// those of wall time, but for one that no step takes.
func (c *Config) boundsOfClock() supervisor.Bounds {
	b := c.Bounds
	if c.Lockstep {
		b.StateHold, b.Unheeded, b.Frame, b.Thinking, b.EchoHold, b.Skew = 0, 0, 0, 0, 0, 0
		b.Clamped = 0 // a policy in a world that it does not know may want what it likes: the evaluation judges it
		b.StateSilent = LockstepSilence
	}
	return b
}

// facts collects every named input of a decision.
func (l *Loop) facts(state *robot.State, measured bool, now time.Duration) supervisor.Facts {
	wall := l.cfg.Clock()
	f := supervisor.Facts{
		Reported: l.failed,
		Measured: measured, StateAge: l.stateAge(state, wall),
		Unchanged: l.unchanged(wall), Broken: l.track.Broken, Jumped: l.track.Jumped, Passed: l.track.Passed,
		Unheeded: l.track.Unheeded(), Refused: l.track.Refused(),
		BridgeFault: state.Faulted, EmergencyStop: state.EmergencyStop,
		Planned: l.planned, PlanAge: now - l.plan.Seen, Clamped: l.clamping.For(now),
		BoxPushed: l.boxPushed.For(now), SelfPushed: l.selfPushed.For(now),
		Thinking: l.thoughts.Going(wall), LateThoughts: l.thoughts.Late(),
	}
	if l.cfg.Space != nil && measured {
		l.lookAround(&state.Q)
		f.BoxRoom, f.SelfRoom = l.rooms[0].M, l.rooms[1].M
	}
	f.FrameAge, f.Seen = l.frameAge(wall)
	f.SetAge, f.Set = l.setAge(wall)
	f.Flawed, f.Frozen = l.pictures()
	f.LateTicks, f.LateFor = l.ticks.Late(wall)
	if l.cfg.Way != nil {
		w := l.cfg.Way.Way(wall)
		f.Heard, f.EchoAge, f.SkewKnown, f.Skew = w.Heard, w.EchoAge, w.Heard, w.Skew
		f.Leased, f.Taken = w.Leased, w.Taken
	}
	if l.cfg.Recorder != nil {
		r := l.cfg.Recorder.Recorded(wall)
		f.Recorded, f.RoomKnown, f.Room = r.Written, r.RoomKnown, r.Room
	}
	return f
}

// watch is see for who does not hold the lock.
func (l *Loop) watch(state *robot.State) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.see(state)
}

// see follows the arm, on the clock that a measurement's age is told by.
func (l *Loop) see(state *robot.State) {
	at := state.Arrival
	if l.cfg.Lockstep {
		at = state.Stamp
	}
	l.track.See(state, at, &l.tracking)
	for i, c := range l.cfg.Cameras {
		sight := c.Sight()
		l.eyes[i].See(sight.Alike, sight.Since, &state.Q, l.cfg.Joints)
	}
}

// stateAge is how long the newest measurement has been there; nothing is owed by a lock-step bridge that waits itself.
func (l *Loop) stateAge(state *robot.State, wall time.Duration) time.Duration {
	if l.cfg.Lockstep && state.Episode.Waiting() {
		return 0
	}
	return wall - state.Arrival
}

// watchSilence faults a lock-step loop whose bridge has ceased to step. Nothing else is judged between observations:
// what is decided there would depend on how fast the machine is.
func (l *Loop) watchSilence() {
	state, ok := l.cfg.Rig.State()
	if !ok || l.stateAge(&state, l.cfg.Clock()) <= l.bounds.StateSilent {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.machine = l.machine.Next(supervisor.Causes(0).With(supervisor.StateSilent, true), state.Moving, l.now(&state))
}

// unchanged is since when the newest measurement says another time than the one before; zero in lock-step, where a repeated
// observation is no error.
func (l *Loop) unchanged(wall time.Duration) time.Duration {
	if l.cfg.Lockstep {
		return 0
	}
	return l.track.Unchanged(wall)
}

// frameAge is that of the camera whose newest picture is the oldest; ok is false when one has none.
func (l *Loop) frameAge(wall time.Duration) (oldest time.Duration, ok bool) {
	for _, c := range l.cfg.Cameras {
		age, seen := c.Age(wall)
		if !seen {
			return 0, false
		}
		oldest = max(oldest, age)
	}
	return oldest, true
}

// pictures are the most flawed ones in a row of a camera, and whether one is frozen. A lock-step bridge tells by its
// seq which picture belongs to which measurement, and a shift of it may show one twice.
func (l *Loop) pictures() (flawed int, frozen bool) {
	for i, c := range l.cfg.Cameras {
		flawed = max(flawed, c.Sight().Flawed)
		frozen = frozen || l.eyes[i].Frozen && !l.cfg.Lockstep
	}
	return flawed, frozen
}

// kept notes how many deadlines had passed when a tick was over.
func (l *Loop) kept(skipped uint64) {
	l.overruns.Add(skipped)
	now := l.cfg.Clock()
	l.mu.Lock()
	l.ticks.See(skipped, now)
	l.mu.Unlock()
}
