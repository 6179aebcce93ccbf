package supervisor

import (
	"fmt"
	"time"
)

// Mode is where the daemon is between switched off and moving the arm.
type Mode uint8

// DISARMED → ARMED → RUNNING ⇄ HOLDING → FAULTED (latched) → DISARMED. Beside them an armed or held arm can be brought
// home, and an armed one can shadow: the policy runs, and nothing but holds is sent.
const (
	Disarmed Mode = iota
	Armed
	Running
	Holding
	Faulted
	Homing
	Shadowing
	modes
)

// Moves reports whether commands other than holds may go out.
func (m Mode) Moves() bool { return m == Running || m == Homing }

// String names the mode as status does.
func (m Mode) String() string {
	return [...]string{"disarmed", "armed", "running", "holding", "faulted", "homing", "shadow"}[m]
}

const (
	// ResumeAfter is how long all must be well before a passing fault is forgotten: entry is stricter than
	// staying.
	ResumeAfter = time.Second
	// HoldingLimit is how long the daemon waits for a passing fault to pass.
	HoldingLimit = 30 * time.Second
	// HomingLimit is how long the arm may be on its way home.
	HomingLimit = 2 * time.Minute
)

// Machine is the state of the daemon. It is a value: Next and Ask return the following one.
type Machine struct {
	Mode       Mode
	Fault      Fault         // of Faulted; the last one, afterwards
	Why        Causes        // what holds, in Holding
	ByOperator bool          // Holding was asked for, and only start ends it
	since      time.Duration // when Holding or Homing began
	from       Mode          // of Homing: where it ends
	goodSince  time.Duration // since when all is well, in Holding
}

// Fault is one latched fault. IDs rise, so that an acknowledgement names the fault it saw.
//
// A Machine begins with the id that it counts from: one that no earlier start of the daemon has reached, so that what
// was meant for that one's fault acknowledges none of this one's.
type Fault struct {
	ID    uint64
	Cause Cause
}

// Next lets time pass: what is wrong now, and whether the arm still moves.
func (m Machine) Next(wrong Causes, moving bool, now time.Duration) Machine {
	if worst, any := wrong.Worst(); any && m.latchedBy(worst.Class()) {
		return m.Latch(worst)
	}
	switch m.Mode {
	case Running:
		return m.stayRunning(wrong, now)
	case Holding:
		return m.stayHolding(wrong, moving, now)
	case Homing:
		return m.stayHoming(wrong, now)
	}
	return m
}

// stayRunning ends at the first thing that is wrong.
func (m Machine) stayRunning(wrong Causes, now time.Duration) Machine {
	if wrong != 0 {
		return m.hold(wrong, false, now)
	}
	return m
}

func (m Machine) stayHoming(wrong Causes, now time.Duration) Machine {
	if wrong.ofArm() != 0 || now-m.since > HomingLimit {
		return m.Home(now)
	}
	return m
}

// Home ends Homing where it began, at home or on the way. It changes nothing in any other mode.
func (m Machine) Home(now time.Duration) Machine {
	if m.Mode != Homing {
		return m
	}
	if m.from == Holding {
		return m.hold(0, true, now)
	}
	return Machine{Mode: Armed, Fault: m.Fault}
}

// latchedBy reports whether a cause of class c faults: what passes never does, a disarmed daemon has only its own
// process to lose, and a fault gives way only to a graver one.
func (m Machine) latchedBy(c Class) bool {
	switch m.Mode {
	case Disarmed:
		return c == Restart
	case Faulted:
		return c > m.Fault.Cause.Class()
	}
	return c > Passing
}

// Latch is the fault of a cause, whatever went before.
func (m Machine) Latch(c Cause) Machine {
	return Machine{Mode: Faulted, Fault: Fault{ID: m.Fault.ID + 1, Cause: c}}
}

func (m Machine) hold(why Causes, byOperator bool, now time.Duration) Machine {
	return Machine{Mode: Holding, Fault: m.Fault, Why: why, ByOperator: byOperator, since: now, goodSince: now}
}

func (m Machine) stayHolding(wrong Causes, moving bool, now time.Duration) Machine {
	if now-m.since > HoldingLimit {
		return Machine{Mode: Disarmed, Fault: m.Fault}
	}
	if wrong != 0 {
		m.goodSince = now
		m.Why |= wrong
	}
	if !m.ByOperator && !moving && now-m.goodSince >= ResumeAfter {
		return Machine{Mode: Running, Fault: m.Fault}
	}
	return m
}

// Ask is an operator's request at a time when wrong is wrong. An error says why it was not done; the machine
// is then the one before.
func (m Machine) Ask(r Request, wrong Causes, moving bool, now time.Duration) (Machine, error) {
	switch r.Kind {
	case Stop:
		if m.Mode == Faulted {
			return m, nil // it is stopped, and stays latched
		}
		return Machine{Mode: Disarmed, Fault: m.Fault}, nil
	case Arm:
		return m.arm(wrong, moving)
	case Start:
		return m.start(wrong, moving, now)
	case HoldStill:
		return m.holdStill(now)
	case GoHome:
		return m.goHome(wrong, moving, now)
	case Shadow:
		return m.shadow(wrong, moving)
	case Acknowledge:
		return m.acknowledge(r)
	}
	return m, fmt.Errorf("request %q is unknown; ask for arm, start, hold, stop, home, shadow or acknowledge", r.Kind)
}

func (m Machine) arm(wrong Causes, moving bool) (Machine, error) {
	if m.Mode != Disarmed {
		return m, fmt.Errorf("arm: the daemon is %s; stop or acknowledge first", m.Mode)
	}
	if err := wellAndStill("arm", wrong, moving); err != nil {
		return m, err
	}
	return Machine{Mode: Armed, Fault: m.Fault}, nil
}

func (m Machine) start(wrong Causes, moving bool, now time.Duration) (Machine, error) {
	if m.Mode != Armed && m.Mode != Holding {
		return m, fmt.Errorf("start: the daemon is %s; arm it first", m.Mode)
	}
	if err := wellAndStill("start", wrong, moving); err != nil {
		return m, err
	}
	if m.Mode == Holding && m.Why != 0 && now-m.goodSince < ResumeAfter {
		return m, fmt.Errorf("start: %s until a moment ago; ask again when all has been well for %v", m.Why, ResumeAfter)
	}
	return Machine{Mode: Running, Fault: m.Fault}, nil
}

// holdStill also ends what only an armed or held arm does.
func (m Machine) holdStill(now time.Duration) (Machine, error) {
	switch m.Mode {
	case Running:
		return m.hold(0, true, now), nil
	case Holding: // what held before is not forgotten
		m.ByOperator, m.since = true, now
		return m, nil
	case Homing:
		return m.Home(now), nil
	case Shadowing:
		return Machine{Mode: Armed, Fault: m.Fault}, nil
	}
	return m, fmt.Errorf("hold: the daemon is %s, and only a running one holds", m.Mode)
}

// goHome needs no policy and no picture, and a person who looks.
func (m Machine) goHome(wrong Causes, moving bool, now time.Duration) (Machine, error) {
	if m.Mode != Armed && !(m.Mode == Holding && m.ByOperator) {
		return m, fmt.Errorf("home: the daemon is %s; arm it, or hold it by request, first", m.Mode)
	}
	if err := wellAndStill("home", wrong.ofArm(), moving); err != nil {
		return m, err
	}
	return Machine{Mode: Homing, Fault: m.Fault, from: m.Mode, since: now}, nil
}

func (m Machine) shadow(wrong Causes, moving bool) (Machine, error) {
	if m.Mode != Armed {
		return m, fmt.Errorf("shadow: the daemon is %s; arm it first", m.Mode)
	}
	if err := wellAndStill("shadow", wrong, moving); err != nil {
		return m, err
	}
	return Machine{Mode: Shadowing, Fault: m.Fault}, nil
}

func wellAndStill(what string, wrong Causes, moving bool) error {
	if worst, any := wrong.Worst(); any {
		return fmt.Errorf("%s: %s; %s", what, wrong, worst.Remedy())
	}
	if moving {
		return fmt.Errorf("%s: the arm still moves; wait until it stands", what)
	}
	return nil
}

// acknowledge never moves the arm: it ends in Disarmed.
func (m Machine) acknowledge(r Request) (Machine, error) {
	if m.Mode != Faulted {
		return m, fmt.Errorf("acknowledge: the daemon is %s and nothing is latched", m.Mode)
	}
	if r.Fault != m.Fault.ID {
		return m, fmt.Errorf("acknowledge: fault %d is not the latched one, %d (%s)", r.Fault, m.Fault.ID, m.Fault.Cause)
	}
	switch m.Fault.Cause.Class() {
	case Restart:
		return m, fmt.Errorf("acknowledge: %s ends with the process alone; %s", m.Fault.Cause, m.Fault.Cause.Remedy())
	case Reload:
		if !r.Fits {
			return m, fmt.Errorf("acknowledge: %s, and the bundle does not fit the rig; commit one that does, or mend the rig", m.Fault.Cause)
		}
	}
	return Machine{Mode: Disarmed, Fault: m.Fault}, nil
}

// Kind is what an operator can ask for.
type Kind string

// The requests. HoldStill is "hold" on the wire, GoHome "home".
const (
	Arm         Kind = "arm"
	Start       Kind = "start"
	HoldStill   Kind = "hold"
	Stop        Kind = "stop"
	GoHome      Kind = "home"
	Shadow      Kind = "shadow"
	Acknowledge Kind = "acknowledge"
)

// Request is an operator's wish.
type Request struct {
	Kind  Kind
	Fault uint64 // the acknowledged one
	Fits  bool   // the bundle fits the rig, checked for this request; nobody else may say so
}
