package control

import (
	"fmt"

	"sim2reald/daemon/control/supervisor"
	"sim2reald/robot"
)

// Pilot is who decides: an actor, what its commands are held to, and what they are signed with. It is changed
// as a whole.
type Pilot struct {
	Actor    Actor
	Limits   robot.Limits // already scaled
	Bundle   string       // digest of the bundle, or what stands for it, in every command
	CheckRig func() error // asked before arming: does the bundle fit the rig that is there now; nil for yes
}

func (p *Pilot) check() error {
	if p.CheckRig == nil {
		return nil
	}
	return p.CheckRig()
}

func (l *Loop) atControls() *Pilot {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pilot
}

// Swap puts another pilot at the controls between two inferences, if it fits the rig. A moving arm keeps its
// pilot: a policy begins where it was trained to begin, not in the middle of another's motion. What holds goes
// on holding until a person says start. When it returns without an error, the pilot before is not asked any
// more and may be let go.
func (l *Loop) Swap(p Pilot) error {
	if err := p.check(); err != nil {
		return err
	}
	if err := l.swap(&p); err != nil {
		return err
	}
	l.thinking.Lock() // the pilot before may still be thinking; what comes of it is dropped
	defer l.thinking.Unlock()
	return nil
}

func (l *Loop) swap(p *Pilot) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch l.machine.Mode {
	case supervisor.Running, supervisor.Homing:
		return fmt.Errorf("the daemon is %s; hold or stop it before another bundle takes over", l.machine.Mode)
	case supervisor.Holding:
		l.machine.ByOperator = true
	}
	l.pilot, l.beside, l.plan, l.planned = p, nil, Plan{}, false
	l.chunks.Reset()
	return nil
}

// Beside has an actor asked in the place of the pilot's in a shadow, where nothing is sent and it may take longer; nil
// ends that, and so does a swap. When it returns, the one before is not asked any more.
func (l *Loop) Beside(a Actor) {
	l.mu.Lock()
	l.beside = a
	l.mu.Unlock()
	l.thinking.Lock()
	defer l.thinking.Unlock()
}
