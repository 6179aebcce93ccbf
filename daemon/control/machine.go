package control

import (
	"fmt"
	"time"
)

// Mode is where the daemon is between switched off and moving the arm.
type Mode uint8

// DISARMED → ARMED → RUNNING ⇄ HOLDING → FAULTED (latched) → DISARMED.
const (
	Disarmed Mode = iota
	Armed
	Running
	Holding
	Faulted
)

// String names the mode as status does.
func (m Mode) String() string {
	return [...]string{"disarmed", "armed", "running", "holding", "faulted"}[m]
}

const (
	// ResumeAfter is how long all must be well before a passing fault is forgotten: entry is stricter than
	// staying.
	ResumeAfter = time.Second
	// HoldingLimit is how long the daemon waits for a passing fault to pass.
	HoldingLimit = 30 * time.Second
)

// Machine is the state of the daemon. It is a value: Next and Ask return the following one.
type Machine struct {
	Mode       Mode
	Fault      Fault         // of Faulted; the last one, afterwards
	Why        Causes        // what holds, in Holding
	ByOperator bool          // Holding was asked for, and only start ends it
	since      time.Duration // when Holding began
	goodSince  time.Duration // since when all is well, in Holding
}

// Fault is one latched fault. IDs rise, so that an acknowledgement names the fault it saw.
type Fault struct {
	ID    uint64
	Cause Cause
}

// Next lets time pass: what is wrong now, and whether the arm still moves.
func (m Machine) Next(wrong Causes, moving bool, now time.Duration) Machine {
	worst, any := wrong.worst()
	latches := any && worst.Class() == Operator
	switch m.Mode {
	case Armed, Running, Holding:
		if latches {
			return m.fault(worst)
		}
	}
	switch {
	case m.Mode == Running && any:
		return m.hold(wrong, false, now)
	case m.Mode == Holding:
		return m.stayHolding(wrong, moving, now)
	}
	return m
}

func (m Machine) fault(c Cause) Machine {
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
		return m.start(wrong, moving)
	case HoldStill:
		if m.Mode != Running && m.Mode != Holding {
			return m, fmt.Errorf("hold: the daemon is %s, and only a running one holds", m.Mode)
		}
		return m.hold(0, true, now), nil
	case Acknowledge:
		return m.acknowledge(r.Fault)
	}
	return m, fmt.Errorf("request %q is unknown; ask for arm, start, hold, stop or acknowledge", r.Kind)
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

func (m Machine) start(wrong Causes, moving bool) (Machine, error) {
	if m.Mode != Armed && m.Mode != Holding {
		return m, fmt.Errorf("start: the daemon is %s; arm it first", m.Mode)
	}
	if err := wellAndStill("start", wrong, moving); err != nil {
		return m, err
	}
	return Machine{Mode: Running, Fault: m.Fault}, nil
}

func wellAndStill(what string, wrong Causes, moving bool) error {
	if worst, any := wrong.worst(); any {
		return fmt.Errorf("%s: %s; %s", what, wrong, worst.Remedy())
	}
	if moving {
		return fmt.Errorf("%s: the arm still moves; wait until it stands", what)
	}
	return nil
}

// acknowledge never moves the arm: it ends in Disarmed.
func (m Machine) acknowledge(id uint64) (Machine, error) {
	if m.Mode != Faulted {
		return m, fmt.Errorf("acknowledge: the daemon is %s and nothing is latched", m.Mode)
	}
	if id != m.Fault.ID {
		return m, fmt.Errorf("acknowledge: fault %d is not the latched one, %d (%s)", id, m.Fault.ID, m.Fault.Cause)
	}
	return Machine{Mode: Disarmed, Fault: m.Fault}, nil
}

// Kind is what an operator can ask for.
type Kind string

// The requests. HoldStill is "hold" on the wire.
const (
	Arm         Kind = "arm"
	Start       Kind = "start"
	HoldStill   Kind = "hold"
	Stop        Kind = "stop"
	Acknowledge Kind = "acknowledge"
)

// Request is an operator's wish. Fault is the acknowledged one.
type Request struct {
	Kind  Kind
	Fault uint64
}
