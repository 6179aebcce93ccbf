package control

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"sim2reald/camera"
	"sim2reald/daemon/control/supervisor"
	"sim2reald/daemon/metrics"
	"sim2reald/robot"
	"sim2reald/robot/limit"
)

// Rig is the arm as the loop needs it.
type Rig interface {
	// State is the newest measurement, false before the first. It must not allocate.
	State() (robot.State, bool)
}

// Way is what is known of the way to the bridge, and of the right to command it.
type Way struct {
	Heard   bool          // the bridge has answered an echo
	EchoAge time.Duration // since the newest answer
	Skew    time.Duration // of the bridge's wall clock against ours
	Leased  bool          // this daemon may command
	Taken   bool          // another daemon may
}

// Wayfinder tells it, on the loop's clock. It must not allocate.
type Wayfinder interface{ Way(now time.Duration) Way }

// Config is what a loop is built from.
type Config struct {
	Pilot         // who is at the controls first
	Rig           Rig
	Way           Wayfinder // nil: nothing is known, and nothing may move
	Cameras       []*camera.Latest
	Joints        int
	Limits        robot.Limits         // of the arm that is there: beyond them nothing may be measured
	Period        time.Duration        // of the tick, and dt of the limiter
	ControlPeriod time.Duration        // of the policy's rows
	Bounds        supervisor.Bounds    // of a real-time loop; those of a lock-step one are made from them
	ClampedShare  float64              // of a joint's speed limit, by which a policy may want more than it is allowed
	Lockstep      bool                 // the bridge's stamps are the clock
	Clock         func() time.Duration // monotonic, since process start
	Send          func(Output) error   // puts a command on the wire
	Resend        func() error         // puts the last one on the wire again, lock-step only
	OnAnswer      func(Answer)         // sees every answer in lock-step, for recording; nil for none
	Scheduling    Scheduling           // of the tick's thread in real time
	OnScheduled   func(Granted)        // is told what came of it, before the first tick; nil for nobody
	FirstFault    uint64               // fault ids rise from here, see supervisor.Fault
}

// Output is one tick's command, ready to be sent.
type Output struct {
	Command robot.Command
	Reason  Reason
	State   robot.State // the measurement that it answers
	Seen    time.Duration
	Bundle  string // of the pilot
}

// Answer is an observation's answer with what was wanted, for the record.
type Answer struct {
	Output Output
	Wanted robot.Command
}

// Loop is the control loop. Step is the tick; Think runs the actor; both may run beside each other.
type Loop struct {
	cfg      Config
	bounds   supervisor.Bounds
	tracking supervisor.TrackBounds
	frames   []*camera.Frame // of Think

	InferenceTime  metrics.Durations // of Act alone
	FrameToCommand metrics.Durations // from a picture's arrival to its command's leaving, moving commands only
	Lateness       metrics.Histogram // from each tick's deadline to its beginning, real time only
	overruns       atomic.Uint64
	granted        atomic.Pointer[Granted]
	pulse          chan struct{} // capacity 1, see Alive
	pulseDue       time.Duration // of the loop alone
	Clamped        [robot.MaxJoints]atomic.Uint64
	RateLimited    [robot.MaxJoints]atomic.Uint64

	thinking sync.Mutex // held while the actor thinks

	mu       sync.Mutex
	pilot    *Pilot
	machine  supervisor.Machine
	track    supervisor.Track
	thoughts supervisor.Thoughts
	ticks    supervisor.Ticks
	clamping supervisor.Clamping
	eyes     []supervisor.Eye // of each camera
	plan     Plan
	planned  bool
	failed   supervisor.Causes // reported from beside the tick, until an operator acknowledges
	failure  error             // the actor's last
	sent     limit.Sent
}

// New makes a disarmed loop.
func New(cfg Config) *Loop {
	l := &Loop{cfg: cfg, pilot: &cfg.Pilot, frames: make([]*camera.Frame, len(cfg.Cameras)), pulse: make(chan struct{}, 1)}
	l.machine.Fault.ID, l.eyes = cfg.FirstFault, make([]supervisor.Eye, len(cfg.Cameras))
	l.bounds, l.tracking = cfg.boundsOfClock(), supervisor.TrackBoundsOf(cfg.Limits, cfg.Joints)
	for i := range l.frames {
		l.frames[i] = new(camera.Frame)
	}
	return l
}

// Machine is the state now.
func (l *Loop) Machine() supervisor.Machine {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.machine
}

// Commanded is the joint velocity last sent, in rad/s.
func (l *Loop) Commanded() robot.Vector {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent.DQ
}

// Limits are those that every command is held to.
func (l *Loop) Limits() robot.Limits { return l.atControls().Limits }

// Report tells the loop that something went wrong elsewhere. The next tick acts on it.
func (l *Loop) Report(c supervisor.Cause) {
	l.mu.Lock()
	l.failed = l.failed.With(c, true)
	l.mu.Unlock()
}

// Ask is an operator's request.
func (l *Loop) Ask(r supervisor.Request) error {
	pilot := l.atControls()
	if r.Kind == supervisor.Arm || r.Kind == supervisor.Acknowledge {
		err := pilot.check()
		if err != nil && r.Kind == supervisor.Arm {
			return err
		}
		r.Fits = err == nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pilot != pilot {
		return fmt.Errorf("%s: the bundle was swapped meanwhile; ask again", r.Kind)
	}
	if r.Kind == supervisor.Acknowledge || r.Kind == supervisor.Arm {
		l.failed = l.failed.Gravest() // what went wrong before is acknowledged; what is still wrong comes again
	}
	state, ok := l.cfg.Rig.State()
	now := l.now(&state)
	facts := l.facts(&state, ok, now)
	wrong := l.bounds.Judge(&facts)
	if r.Kind == supervisor.Arm {
		wrong = l.bounds.JudgeEntry(&facts)
	}
	next, err := l.machine.Ask(r, wrong, state.Moving, now)
	if next.Mode == supervisor.Running && l.machine.Mode != supervisor.Running {
		l.sent = limit.Sent{} // entry needs an arm at rest: every start ramps from there
	}
	l.machine = next
	return err
}

// now is the clock that ages are judged by: the bridge's in lock-step, where wall time means nothing.
func (l *Loop) now(state *robot.State) time.Duration {
	if l.cfg.Lockstep {
		return state.Stamp
	}
	return l.cfg.Clock()
}

// Step is one control tick: it reads the newest of everything, asks the state machine and the limiter, and
// returns the one command to send. It allocates nothing, logs nothing and waits for nothing.
func (l *Loop) Step() Output {
	state, ok := l.cfg.Rig.State()
	return l.tick(&state, ok)
}

// tick is Step on a given measurement.
func (l *Loop) tick(state *robot.State, measured bool) Output {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now(state)
	if measured {
		l.see(state)
	}
	before := l.machine.Mode
	l.machine = l.machine.Next(l.wrong(state, measured, now), state.Moving, now)
	if l.machine.Mode == supervisor.Running && before != supervisor.Running {
		l.sent = limit.Sent{}
	}
	out := Output{State: *state, Seen: l.plan.Seen, Bundle: l.pilot.Bundle}
	out.Command, out.Reason = l.command(state, now)
	l.sent = l.sent.Then(&out.Command, l.cfg.Joints, l.cfg.Period)
	return out
}

// command is what goes out in this tick: the plan's row within limits, or a hold with its reason.
func (l *Loop) command(state *robot.State, now time.Duration) (robot.Command, Reason) {
	held := robot.Command{Mode: robot.Hold, Gripper: min(max(state.Gripper, 0), 1)}
	if l.machine.Mode != supervisor.Running || state.Episode.Waiting() {
		l.clamping = supervisor.Clamping{}
		return held, idleReason(l.machine.Mode)
	}
	wanted := l.wanted(now)
	allowed, verdict := limit.Apply(wanted, &l.sent, &state.Q, l.cfg.Joints, l.cfg.Period, &l.pilot.Limits)
	l.count(verdict)
	l.clamping.See(&wanted.DQ, &allowed.DQ, &l.pilot.Limits.DQMax, l.cfg.Joints, l.cfg.ClampedShare, now)
	if verdict.Refused != limit.Accepted {
		l.machine = l.machine.Latch(supervisor.ActionRefused)
		return allowed, ReasonRefused
	}
	if allowed.Mode == robot.Hold {
		return allowed, ReasonPolicy
	}
	return allowed, ReasonNone
}

// wanted is the plan's row for now.
func (l *Loop) wanted(now time.Duration) robot.Command {
	row := 0
	if l.cfg.ControlPeriod > 0 {
		row = int((now - l.plan.Seen) / l.cfg.ControlPeriod)
	}
	return l.plan.Wanted[min(max(row, 0), l.plan.Rows-1)]
}

func (l *Loop) count(v limit.Verdict) {
	for j := range l.cfg.Joints {
		if v.Clamped&(1<<j) != 0 {
			l.Clamped[j].Add(1)
		}
		if (v.RateLimited|v.JerkLimited)&(1<<j) != 0 {
			l.RateLimited[j].Add(1)
		}
	}
}

// wrong is everything that is wrong now.
func (l *Loop) wrong(state *robot.State, measured bool, now time.Duration) supervisor.Causes {
	facts := l.facts(state, measured, now)
	return l.bounds.Judge(&facts)
}
