package supervisor

import (
	"strings"
	"testing"
	"time"
)

// matrix is every state against every event: the state after it; "=" for the same machine; "no" for a refusal, after
// which it is the same machine as well. Events are requests when all is well and the arm stands, when it moves, and
// with a late measurement or picture; then ticks: all well, with a late picture, a late measurement, an operator's, a
// reload and a restart cause, and what only time brings.
const matrix = `
state      arm    start    hold     stop      home    shadow  ack       old-ack  nonsense
disarmed   armed  no       no       disarmed  no      no      no        no       no
armed      no     running  no       disarmed  homing  shadow  no        no       no
running    no     no       byhand   disarmed  no      no      no        no       no
holding    no     running  byhand   disarmed  no      no      no        no       no
byhand     no     running  byhand   disarmed  homing2 no      no        no       no
homing     no     no       armed    disarmed  no      no      no        no       no
homing2    no     no       byhand   disarmed  no      no      no        no       no
shadow     no     no       armed    disarmed  no      no      no        no       no
faultedB   no     no       no       =         no      no      disarmed  no       no
faultedC   no     no       no       =         no      no      disarmed  no       no
faultedD   no     no       no       =         no      no      no        no       no

state      arm-moving  start-moving  home-moving  shadow-moving  hold-moving  stop-moving  arm-blind  start-blind  home-blind  shadow-blind  home-late  hold-late  stop-late  ack-late  ack-misfit
disarmed   no          no            no           no             no           disarmed     no         no           no          no            no         no         disarmed   no        no
armed      no          no            no           no             no           disarmed     no         no           homing      no            no         no         disarmed   no        no
running    no          no            no           no             byhand       disarmed     no         no           no          no            no         byhand     disarmed   no        no
holding    no          no            no           no             byhand       disarmed     no         no           no          no            no         byhand     disarmed   no        no
byhand     no          no            no           no             byhand       disarmed     no         no           homing2     no            no         byhand     disarmed   no        no
homing     no          no            no           no             armed        disarmed     no         no           no          no            no         armed      disarmed   no        no
homing2    no          no            no           no             byhand       disarmed     no         no           no          no            no         byhand     disarmed   no        no
shadow     no          no            no           no             armed        disarmed     no         no           no          no            no         armed      disarmed   no        no
faultedB   no          no            no           no             no           =            no         no           no          no            no         no         =          disarmed  disarmed
faultedC   no          no            no           no             no           =            no         no           no          no            no         no         =          disarmed  no
faultedD   no          no            no           no             no           =            no         no           no          no            no         no         =          no        no

state      well     blind    late     B         C         D         well-1s  well-1s-moving  well-30s  over-30s  arrived  over-2min
disarmed   =        =        =        =         =         faultedD  =        =               =         =         =        =
armed      =        =        =        faultedB  faultedC  faultedD  =        =               =         =         =        =
running    =        holding  holding  faultedB  faultedC  faultedD  =        =               =         =         =        =
holding    =        holding  holding  faultedB  faultedC  faultedD  running  =               running   disarmed  =        disarmed
byhand     =        byhand   byhand   faultedB  faultedC  faultedD  =        =               =         disarmed  =        disarmed
homing     =        =        armed    faultedB  faultedC  faultedD  =        =               =         =         armed    armed
homing2    =        =        byhand   faultedB  faultedC  faultedD  =        =               =         =         byhand   byhand
shadow     =        =        =        faultedB  faultedC  faultedD  =        =               =         =         =        =
faultedB   =        =        =        =         faultedC  faultedD  =        =               =         =         =        =
faultedC   =        =        =        =         =         faultedD  =        =               =         =         =        =
faultedD   =        =        =        =         =         =         =        =               =         =         =        =
`

const matrixBegan = 100 * time.Second

// stateNamed is a machine in that state since matrixBegan, held for a late picture that was late until then.
func stateNamed(t *testing.T, name string) Machine {
	t.Helper()
	fault := Fault{ID: 7, Cause: EmergencyStop}
	m, ok := map[string]Machine{
		"disarmed": {Fault: fault},
		"armed":    {Mode: Armed, Fault: fault},
		"running":  {Mode: Running, Fault: fault},
		"holding":  {Mode: Holding, Fault: fault, Why: set(FrameStale), since: matrixBegan, goodSince: matrixBegan},
		"byhand":   {Mode: Holding, Fault: fault, ByOperator: true, since: matrixBegan, goodSince: matrixBegan},
		"homing":   {Mode: Homing, Fault: fault, from: Armed, since: matrixBegan},
		"homing2":  {Mode: Homing, Fault: fault, from: Holding, since: matrixBegan},
		"shadow":   {Mode: Shadowing, Fault: fault},
		"faultedB": {Mode: Faulted, Fault: Fault{ID: 7, Cause: StateSilent}},
		"faultedC": {Mode: Faulted, Fault: Fault{ID: 7, Cause: RigChanged}},
		"faultedD": {Mode: Faulted, Fault: Fault{ID: 7, Cause: PolicyPanicked}},
	}[name]
	if !ok {
		t.Fatalf("state %q of the matrix is unknown", name)
	}
	return m
}

// nameOf tells the state of a machine.
func nameOf(m Machine) string {
	switch {
	case m.Mode == Faulted:
		return "faulted" + m.Fault.Cause.Class().String()[:1]
	case m.Mode == Holding && m.ByOperator:
		return "byhand"
	case m.Mode == Homing && m.from == Holding:
		return "homing2"
	}
	return m.Mode.String()
}

// happen is an event of the matrix.
func happen(m Machine, event string) (Machine, error) {
	blind, late := set(FrameStale), set(StateStale)
	soon := matrixBegan + ResumeAfter
	name, how, _ := strings.Cut(event, "-")
	wrong := map[string]Causes{"blind": blind, "late": late}[how]
	ask := func(r Request) (Machine, error) { return m.Ask(r, wrong, how == "moving", soon) }
	next := func(wrong Causes, moving bool, at time.Duration) (Machine, error) {
		return m.Next(wrong, moving, at), nil
	}
	switch name {
	case "arm", "start", "hold", "stop", "home", "shadow", "nonsense":
		return ask(Request{Kind: Kind(name), Fault: 7, Fits: true})
	case "ack":
		return ask(Request{Kind: Acknowledge, Fault: 7, Fits: how != "misfit"})
	case "old":
		return ask(Request{Kind: Acknowledge, Fault: 6, Fits: true})
	}
	switch event {
	case "well":
		return next(0, false, soon-1)
	case "blind":
		return next(blind, false, soon-1)
	case "late":
		return next(late, false, soon-1)
	case "B":
		return next(late|set(EmergencyStop), false, soon)
	case "C":
		return next(set(EmergencyStop, RigChanged), false, soon)
	case "D":
		return next(set(EmergencyStop, RigChanged, PolicyPanicked), false, soon)
	case "well-1s":
		return next(0, false, soon)
	case "well-1s-moving":
		return next(0, true, soon)
	case "well-30s":
		return next(0, false, matrixBegan+HoldingLimit)
	case "over-30s":
		return next(0, false, matrixBegan+HoldingLimit+1)
	case "arrived":
		return m.Home(soon), nil
	case "over-2min":
		return next(0, false, matrixBegan+HomingLimit+1)
	}
	panic("event " + event + " of the matrix is unknown")
}

func TestMatrix(t *testing.T) {
	pairs, states := 0, map[string]bool{}
	for _, part := range strings.Split(strings.TrimSpace(matrix), "\n\n") {
		lines := strings.Split(part, "\n")
		events := strings.Fields(lines[0])[1:]
		for _, line := range lines[1:] {
			cells := strings.Fields(line)
			states[cells[0]] = true
			for e, want := range cells[1:] {
				from, event := stateNamed(t, cells[0]), events[e]
				got, err := happen(from, event)
				pairs++
				same := want == "=" || want == "no"
				if (err != nil) != (want == "no") || same && got != from || !same && nameOf(got) != want {
					t.Errorf("%s, %s: %s, %v; want %s", cells[0], event, nameOf(got), err, want)
				}
				checkFault(t, cells[0]+", "+event, from, got)
			}
		}
	}
	if len(states) != 11 || pairs != 11*(9+15+12) {
		t.Errorf("%d states, %d pairs", len(states), pairs)
	}
}

// checkFault: the newest fault is remembered in every state, and a new one has the next id.
func checkFault(t *testing.T, what string, from, got Machine) {
	t.Helper()
	if fresh := got.Mode == Faulted && got != from; fresh && got.Fault.ID != from.Fault.ID+1 || !fresh && got.Fault != from.Fault {
		t.Errorf("%s: fault %+v after %+v", what, got.Fault, from.Fault)
	}
}

// TestHoldingRemembers pins what the matrix does not see: times and reasons within Holding.
func TestHoldingRemembers(t *testing.T) {
	at := func(d time.Duration) time.Duration { return matrixBegan + d }
	m := stateNamed(t, "running").Next(set(FrameStale), true, matrixBegan)
	if m.Why != set(FrameStale) || m.ByOperator {
		t.Errorf("%+v", m)
	}
	m = m.Next(set(StateStale), false, at(500*ms))
	if m.Why != set(FrameStale, StateStale) || m.Next(0, false, at(1500*ms-1)).Mode != Holding || m.Next(0, false, at(1500*ms)).Mode != Running {
		t.Errorf("the second counts from the last wrong tick: %+v", m)
	}
	if _, err := m.Ask(Request{Kind: Start}, 0, false, at(1500*ms-1)); err == nil || !strings.Contains(err.Error(), "state_stale, frame_stale until a moment ago") {
		t.Errorf("started before the second was over: %v", err)
	}
	if got, err := m.Ask(Request{Kind: Start}, 0, false, at(1500*ms)); err != nil || got != (Machine{Mode: Running, Fault: m.Fault}) {
		t.Errorf("%+v, %v", got, err)
	}
	byHand, err := m.Ask(Request{Kind: HoldStill}, 0, false, at(20*time.Second))
	if err != nil || byHand.Why != m.Why || !byHand.ByOperator {
		t.Errorf("a person's hold forgets why it held before: %+v, %v", byHand, err)
	}
	if byHand.Next(0, false, at(50*time.Second)).Mode != Holding || byHand.Next(0, false, at(50*time.Second+1)).Mode != Disarmed {
		t.Error("a person's hold has its own 30 s")
	}
	running := stateNamed(t, "running")
	held, _ := running.Ask(Request{Kind: HoldStill}, 0, true, matrixBegan)
	if got, err := held.Ask(Request{Kind: Start}, 0, false, matrixBegan); err != nil || got.Mode != Running {
		t.Errorf("a person's hold with nothing wrong ends at once: %+v, %v", got, err)
	}
	home, _ := held.Ask(Request{Kind: GoHome}, 0, false, at(time.Second))
	if home.Next(0, true, at(time.Second+HomingLimit)).Mode != Homing || home.Next(0, true, at(time.Second+HomingLimit+1)).Mode != Holding {
		t.Error("the way home has two minutes")
	}
	back := home.Home(at(31 * time.Second))
	if back.Next(0, false, at(61*time.Second)).Mode != Holding || back.Next(0, false, at(61*time.Second+1)).Mode != Disarmed || back.Why != 0 {
		t.Errorf("at home 30 s begin anew: %+v", back)
	}
	if ResumeAfter != time.Second || HoldingLimit != 30*time.Second || HomingLimit != 2*time.Minute {
		t.Error("the times that CAUSES.md tells have changed")
	}
}

func TestModes(t *testing.T) {
	for m, want := range map[Mode]string{
		Disarmed: "disarmed", Armed: "armed", Running: "running", Holding: "holding", Faulted: "faulted", Homing: "homing", Shadowing: "shadow",
	} {
		if m.String() != want || m.Moves() != (m == Running || m == Homing) {
			t.Errorf("mode %d: %s, moves %t", m, m, m.Moves())
		}
	}
	if set(FrameStale, ActionStale, PicturesApart, PictureFlawed, ThinkingLate, StateStale, PictureFrozen).ofArm() != set(StateStale, PictureFrozen) {
		t.Error("the arm's causes")
	}
}
