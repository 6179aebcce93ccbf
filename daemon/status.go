package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"sim2reald/daemon/config"
	"sim2reald/daemon/control"
	"sim2reald/daemon/control/supervisor"
	"sim2reald/daemon/evaluation"
	"sim2reald/daemon/topic"
	"sim2reald/daemon/web"
	"sim2reald/model/bundle"
	"sim2reald/robot"
)

const statusPeriod = 500 * time.Millisecond

// board is what the page and the status topic show.
type board struct {
	w     *workcell
	shelf *shelf // where bundles can be swapped; nil in an evaluation

	resting    func(why string) (was bool) // ends what else moves the arm, at a person's wish for rest; nil where nothing does
	comparison *comparison                 // nil where no policy looks

	mu                                sync.Mutex
	task, bundle, base, engine, plans string         // of the brain that decides now
	decides                           *bundle.Bundle // of that brain
	loop                              *loop          // of the arm that runs now
	score                             topic.Score
}

// status collects everything now.
func (b *board) status() topic.Status {
	b.mu.Lock()
	l := b.loop
	s := topic.Status{
		Robot: b.w.cfg.Robot.Name, Task: b.task, Clock: b.w.fact.Clock,
		Bundle: b.bundle, Base: b.base, Engine: b.engine, Plans: b.plans, Score: b.score, Record: b.w.record.inWords(), Dropped: b.w.link.Dropped.Map(),
		Joints: []topic.JointStatus{}, Ages: b.ages(), Latency: b.w.latencyStatus(), Likeness: b.comparison.status(), Cameras: []string{}, Mode: supervisor.Disarmed.String(),
	}
	b.mu.Unlock()
	for _, c := range b.w.cfg.Cameras {
		s.Cameras = append(s.Cameras, c.Name)
	}
	if b.shelf != nil {
		b.shelf.tell(&s)
	}
	s.Overlays = b.overlayStatus()
	if l != nil {
		b.fromLoop(&s, l)
	}
	return s
}

func (b *board) fromLoop(s *topic.Status, l *loop) {
	m := l.Machine()
	s.Mode, s.Overruns, s.Timing = m.Mode.String(), l.Overruns(), timingOf(l.Loop)
	b.explain(s, l, m)
	if a, ok := l.Apart(); ok {
		s.Ages = append(s.Ages, apartAge(a, config.Milliseconds(b.w.cfg.Ages.ApartMs)))
	}
	state, ok := b.w.link.State()
	if !ok {
		return
	}
	box, self := l.Around()
	s.Slowed = l.Restrained.Load()
	s.Around = []string{box.String(), self.String()}
	if room := map[supervisor.Cause]string{supervisor.Workspace: s.Around[0], supervisor.SelfCollision: s.Around[1]}[m.Fault.Cause]; m.Mode == supervisor.Faulted && room != "" {
		s.Remedy = room + "; " + s.Remedy
	}
	s.Gripper = state.Gripper
	b.addJoints(s, l, &state)
}

// explain says why the arm does not do what the policy wants.
func (b *board) explain(s *topic.Status, l *loop, m supervisor.Machine) {
	switch m.Mode {
	case supervisor.Faulted:
		s.Fault, s.Why, s.Remedy = m.Fault.ID, m.Fault.Cause.String(), m.Fault.Cause.Remedy()
		if m.Fault.Cause == supervisor.BridgeFault {
			s.Remedy = complaintsOf(b.w.link.Complaints()) + s.Remedy
		}
	case supervisor.Holding:
		s.Why = m.Why.String() + apartOf(l, m.Why)
		if m.ByOperator {
			s.Why = "an operator asked to hold"
		}
	case supervisor.Shadowing:
		s.Why = "the policy runs, and nothing but holds is sent"
	}
}

func (b *board) addJoints(s *topic.Status, l *loop, state *robot.State) {
	commanded, limits := l.Commanded(), l.Limits()
	would, shadows := l.Shadowed()
	for j, name := range b.w.model.Joints {
		joint := topic.JointStatus{
			Name: name, Q: state.Q[j], QMin: limits.QMin[j], QMax: limits.QMax[j], DQ: state.DQ[j],
			Commanded: commanded[j], DQMax: limits.DQMax[j], Clamped: l.Clamped[j].Load() + l.RateLimited[j].Load(),
		}
		if shadows {
			joint.Shadow = &would[j]
		}
		s.Joints = append(s.Joints, joint)
	}
}

// apartOf names the camera that is behind, where that holds the arm.
func apartOf(l *loop, why supervisor.Causes) string {
	a, ok := l.Apart()
	if !ok || !why.Has(supervisor.PicturesApart) || a.Behind == "" {
		return ""
	}
	return fmt.Sprintf(": camera %s is %v behind", a.Behind, a.By.Round(time.Millisecond))
}

// apartAge is how far apart the pictures are that are looked at as one; where there are none, the cameras' newest.
func apartAge(a control.Apart, bound time.Duration) topic.AgeStatus {
	s := topic.AgeStatus{Name: "cameras apart", Age: a.Spread.Seconds(), Bound: bound.Seconds()}
	switch {
	case a.Behind == "":
		s.Age = -1
	case !a.Set:
		s.Age = a.By.Seconds()
	}
	return s
}

// complaintsOf names what a bridge reported, as far as a line of a page goes.
func complaintsOf(errs []string) string {
	const line = 200
	text := strings.Join(errs, ", ")
	if len(text) > line {
		text = strings.ToValidUTF8(text[:line], "") + "..."
	}
	return fmt.Sprintf("the bridge says %q; ", text)
}

// ages are judged by wall time on the page, whatever the clock of the bridge: it is what a person sees.
func (b *board) ages() []topic.AgeStatus {
	now := b.w.clock()
	arm := topic.AgeStatus{Name: "joint states", Age: -1, Bound: config.Milliseconds(b.w.cfg.Ages.StateHoldMs).Seconds()}
	if state, ok := b.w.link.State(); ok {
		arm.Age = (now - state.Arrival).Seconds()
	}
	ages := []topic.AgeStatus{arm}
	for _, c := range b.w.cameras {
		a := topic.AgeStatus{Name: c.Camera(), Age: -1, Bound: config.Milliseconds(b.w.cfg.Ages.FrameMs).Seconds()}
		if age, ok := c.Age(now); ok {
			a.Age = age.Seconds()
		}
		ages = append(ages, a)
	}
	if bound := b.w.cfg.Watch.EchoHoldMs; bound > 0 {
		echo := topic.AgeStatus{Name: "echo", Age: -1, Bound: config.Milliseconds(bound).Seconds()}
		if e := b.w.link.Echo(now); e.Answered {
			echo.Age = e.Age.Seconds()
		}
		ages = append(ages, echo)
	}
	return ages
}

// runs says which loop is shown from here on, and what is going on.
func (b *board) runs(l *loop, now string) {
	b.mu.Lock()
	b.loop, b.score = l, topic.Score{Now: now, Interval: [2]float64{0, 1}}
	b.mu.Unlock()
}

// thinks says which brain decides from here on.
func (b *board) thinks(now *brain) {
	next := now.board(b.w)
	b.comparison.use(now)
	b.mu.Lock()
	b.decides = next.decides
	b.task, b.bundle, b.base, b.engine, b.plans = next.task, next.bundle, next.base, next.engine, next.plans
	b.mu.Unlock()
}

// atControls is the bundle that decides now, nil before there is a loop, and whether the arm moves for nobody.
func (b *board) atControls() (of *bundle.Bundle, still bool) {
	b.mu.Lock()
	l, of := b.loop, b.decides
	b.mu.Unlock()
	if l == nil {
		return nil, false
	}
	if b.shelf != nil {
		of = b.shelf.atControls()
	}
	switch l.Machine().Mode {
	case supervisor.Running, supervisor.Homing, supervisor.Shadowing:
		return of, false
	}
	return of, true
}

// says shows what comes next.
func (b *board) says(now string) {
	b.mu.Lock()
	b.score.Now = now
	b.mu.Unlock()
}

// scored shows the trials so far and what comes next.
func (b *board) scored(arm evaluation.Arm, last, now string) {
	n, successes, _ := arm.Counts()
	lo, hi := evaluation.Wilson(successes, n)
	b.mu.Lock()
	b.score = topic.Score{Now: now, Episodes: n, Successes: successes, Interval: [2]float64{lo, hi}, Last: last}
	b.mu.Unlock()
}

// ask asks the loop that runs now, or the shelf.
func (b *board) ask(r topic.Request) error {
	b.mu.Lock()
	l := b.loop
	b.mu.Unlock()
	switch {
	case l == nil:
		return errNotYet
	case b.resting != nil && (r.Kind == string(supervisor.HoldStill) || r.Kind == string(supervisor.Stop)):
		return b.rest(l, r)
	case !ofShelf(r.Kind):
		return l.asker(r.Kind, r.Fault)
	case b.shelf == nil:
		return fmt.Errorf("%s: this daemon does not swap bundles; `sim2reald run` does", r.Kind)
	}
	return b.shelf.ask(r)
}

// rest ends what moves the arm before the loop is asked. To hold is then done, even if the arm stood just then.
func (b *board) rest(l *loop, r topic.Request) error {
	was := b.resting("an operator asked to " + r.Kind)
	err := l.asker(r.Kind, r.Fault)
	if was && r.Kind == string(supervisor.HoldStill) {
		return nil
	}
	return err
}

func (b *board) askedByPage(r web.Request) error {
	return b.ask(topic.Request{Kind: r.Kind, Fault: r.Fault, Bundle: r.Bundle})
}

// publish puts the status on its topic until ctx ends.
func (b *board) publish(ctx context.Context) {
	say := func() { b.w.link.Status(b.status()) }
	say()
	each(ctx, statusPeriod, say)
}
