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
	"sim2reald/robot/limit/space"
	"sim2reald/robot/upsample"
)

// Loop is the control loop. Step is the tick; Think runs the actor; both may run beside each other.
type Loop struct {
	cfg      Config
	bounds   supervisor.Bounds
	slow     robot.Limits // of the way home
	tracking supervisor.TrackBounds
	frames   []*camera.Frame // of Think
	looking  camera.Set      // of Think
	looked   time.Duration   // when the oldest picture of the last set was taken

	InferenceTime  metrics.Durations // of Act alone; beside another, of both
	CamerasApart   metrics.Durations // between the pictures of several cameras that were looked at as one
	FrameToCommand metrics.Durations // from when a picture was taken to its command's leaving, moving commands only
	Lateness       metrics.Histogram // from each tick's deadline to its beginning, real time only
	overruns       atomic.Uint64
	granted        atomic.Pointer[Granted]
	pulse          chan struct{} // capacity 1, see Alive
	pulseDue       time.Duration // of the loop alone
	Clamped        [robot.MaxJoints]atomic.Uint64
	RateLimited    [robot.MaxJoints]atomic.Uint64
	Restrained     atomic.Uint64 // ticks in which a command was slowed for what the arm would hit

	thinking sync.Mutex // held while the actor thinks

	mu                    sync.Mutex
	pilot                 *Pilot
	beside                Actor // asked in the pilot's place in a shadow; nil for none
	machine               supervisor.Machine
	track                 supervisor.Track
	thoughts              supervisor.Thoughts
	ticks                 supervisor.Ticks
	clamping              supervisor.Clamping
	boxPushed, selfPushed supervisor.Lasting
	rooms                 [2]space.Room    // of the newest measurement: to the workspace, between links
	eyes                  []supervisor.Eye // of each camera
	together              camera.Set       // of the tick
	plan                  Plan             // the newest
	planned               bool
	chunks                *upsample.Chunks  // the rows of the plans that are followed
	failed                supervisor.Causes // reported from beside the tick, until an operator acknowledges
	failure               error             // the actor's last
	sent                  limit.Sent
	would                 limit.Sent // what would have been sent, were this no shadow
	errand                errand     // of Homing
}

// New makes a disarmed loop. Errors are those of plans that cannot be followed, each a line.
func New(cfg Config) (*Loop, error) {
	l := &Loop{cfg: cfg, pilot: &cfg.Pilot, frames: make([]*camera.Frame, len(cfg.Cameras)), pulse: make(chan struct{}, 1)}
	l.machine.Fault.ID, l.eyes = cfg.FirstFault, make([]supervisor.Eye, len(cfg.Cameras))
	l.slow = cfg.Limits.Scaled(cfg.homeSpeed())
	l.bounds, l.tracking = cfg.boundsOfClock(), supervisor.TrackBoundsOf(cfg.Limits, cfg.Joints)
	l.looking, l.together = camera.NewSet(len(cfg.Cameras)), camera.NewSet(len(cfg.Cameras))
	for i := range l.frames {
		l.frames[i] = new(camera.Frame)
	}
	var err error
	l.chunks, err = upsample.New(upsample.Options{
		Joints: cfg.Joints, Period: cfg.ControlPeriod, Steps: cfg.Lockstep, LookAhead: l.bounds.Action,
		Chunks: max(1, cfg.Ensemble.Plans), Decay: cfg.Ensemble.Decay,
	})
	return l, err
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

// Shadowed is the joint velocity that would have been sent, rad/s, and whether the daemon shadows at all.
func (l *Loop) Shadowed() (robot.Vector, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.would.DQ, l.machine.Mode == supervisor.Shadowing
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
	return l.ask(r, &errand{goal: l.cfg.Home, bundle: "none: on the way home"})
}

func (l *Loop) ask(r supervisor.Request, e *errand) error {
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
	state, ok := l.cfg.Rig.State()
	if r.Kind == supervisor.GoHome {
		if err := l.cfg.canGo(&state, &e.goal); err != nil {
			return err
		}
	}
	now := l.now(&state)
	facts := l.facts(&state, ok, now)
	wrong := l.bounds.Judge(&facts)
	afresh := r.Kind == supervisor.Acknowledge || r.Kind == supervisor.Arm
	if afresh {
		facts.Reported = facts.Reported.Gravest() // what went wrong before is acknowledged; what is still wrong comes again
		wrong = l.bounds.JudgeEntry(&facts)
	}
	next, err := l.machine.Ask(r, wrong, state.Moving, now)
	err = l.placed(err, wrong)
	if err == nil && r.Kind == supervisor.GoHome {
		l.errand = *e
	}
	if err == nil && afresh {
		l.failed = facts.Reported // a refused request forgets nothing
	}
	l.enter(next)
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
	wrong := l.wrong(state, measured, now)
	next := l.machine.Next(wrong, state.Moving, now)
	if state.Episode.Waiting() || At(&state.Q, &l.errand.goal, l.cfg.Joints) {
		next = next.Home(now)
	}
	l.enter(next)
	out := Output{State: *state, Seen: l.plan.Seen, Bundle: l.signature()}
	out.Command, out.Reason = l.command(state, wrong, now)
	l.sent = l.sent.Then(&out.Command, l.cfg.Joints, l.cfg.Period)
	return out
}

// signature is whose wish a command is.
func (l *Loop) signature() string {
	if l.machine.Mode == supervisor.Homing {
		return l.errand.bundle
	}
	return l.pilot.Bundle
}

// enter takes the machine's next value. What begins to move begins from rest, for entry needs an arm that stands: it
// ramps from there, and so does what would have moved; and it does what was seen last, not what was wanted before.
func (l *Loop) enter(next supervisor.Machine) {
	if next.Mode != l.machine.Mode {
		l.chunks.KeepNewest()
		l.sent, l.would = limit.Sent{}, limit.Sent{}
		l.unclamped()
	}
	l.machine = next
}

// command is what goes out in this tick: what the mode wants, within limits, or a hold with its reason.
func (l *Loop) command(state *robot.State, wrong supervisor.Causes, now time.Duration) (robot.Command, Reason) {
	held := robot.Command{Mode: robot.Hold, Gripper: min(max(state.Gripper, 0), 1)}
	mode := l.machine.Mode
	if state.Episode.Waiting() {
		l.unclamped()
		return held, idleReason(mode)
	}
	switch mode {
	case supervisor.Running:
		return l.allowed(l.wanted(held, now), &l.sent, state, &l.pilot.Limits, now)
	case supervisor.Homing:
		home := robot.Command{Mode: robot.Velocity, DQ: homeward(&state.Q, &l.errand.goal, &l.slow, l.cfg.Joints), Gripper: held.Gripper}
		return l.allowed(home, &l.sent, state, &l.slow, now)
	case supervisor.Shadowing:
		l.shadow(held, state, wrong, now)
	}
	return held, idleReason(mode)
}

// shadow notes what would be sent. What would hold a running arm would hold this one; there may be no plan then.
func (l *Loop) shadow(held robot.Command, state *robot.State, wrong supervisor.Causes, now time.Duration) {
	would := held
	if wrong == 0 {
		would, _ = l.allowed(l.wanted(held, now), &l.would, state, &l.pilot.Limits, now)
	}
	l.would = l.would.Then(&would, l.cfg.Joints, l.cfg.Period)
}

// allowed asks the limiter. What it refuses is a fault.
func (l *Loop) allowed(wanted robot.Command, sent *limit.Sent, state *robot.State, limits *robot.Limits, now time.Duration) (robot.Command, Reason) {
	allowed, verdict := limit.Apply(wanted, sent, &state.Q, l.cfg.Joints, l.cfg.Period, limits)
	l.count(verdict)
	l.clamping.See(&wanted.DQ, &allowed.DQ, &limits.DQMax, l.cfg.Joints, l.bounds.ClampedShare, now)
	if verdict.Refused != limit.Accepted {
		l.machine = l.machine.Latch(supervisor.ActionRefused)
		return allowed, ReasonRefused
	}
	allowed = l.clear(allowed, sent, state, limits, now)
	if allowed.Mode == robot.Hold {
		return allowed, ReasonPolicy
	}
	return allowed, ReasonNone
}

// wanted is what the plans want now, held where none does any more: in lock-step rows, otherwise what comes between two.
func (l *Loop) wanted(held robot.Command, now time.Duration) robot.Command {
	if c, ok := l.chunks.At(max(now, l.plan.Seen)); ok {
		return c
	}
	return held
}

// follow takes a plan in the place of the one before, or in an ensemble beside it.
func (l *Loop) follow(p *Plan) error {
	if p.Rows == 0 || !p.joins(&l.plan) {
		l.chunks.Reset()
	}
	l.plan, l.planned = *p, p.Rows > 0
	if !l.planned {
		return nil
	}
	return l.chunks.Put(p.Seen, p.Wanted[:p.Rows])
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
