package main

import (
	"fmt"
	"math"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"sim2reald/daemon/config"
	"sim2reald/daemon/topic"
)

// seedOfTests is far from the seeds that figures are made with.
const seedOfTests = 30000

// TestTerminatedInMotion is SIGTERM while the arm moves: it is brought to rest by the daemon, then everything
// ends, the bridge included.
func TestTerminatedInMotion(t *testing.T) {
	cfg := rigConfig(t)
	broker := freePort(t)
	path := configFile(t, fmt.Sprintf("mqtt: {listen: %q}\npolicy: {bundle: %q}\n", broker, cfg.Policy.Bundle))
	daemon := daemonProcess(t, "evaluate", "-config", path, "-clock", "realtime", "-episodes", "0",
		"-seed", fmt.Sprint(seedOfTests), "-page=false")
	p := newTap(t, broker)
	began := time.Now()
	eventually(t, 60*time.Second, "an arm in motion", func() bool { return p.inMotion(began) })
	bridges := children(t, daemon.Process.Pid)
	if len(bridges) != 1 {
		t.Fatalf("the daemon has the children %v, want its bridge alone", bridges)
	}
	at := time.Now()
	if err := daemon.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := wait(t, daemon, 5*time.Second); err != nil {
		t.Errorf("exit: %v", err)
	}
	p.onlyHolds(at, 200*time.Millisecond, "disarmed")
	if s := p.newestState(); s.Moving || s.Mode == "velocity" {
		t.Errorf("the last state says mode %s, moving %v", s.Mode, s.Moving)
	}
	eventually(t, 2*time.Second, "the end of the bridge", func() bool { return !alive(bridges[0]) })
}

// service is `sim2reald run` beside a bridge and a broker of the test's.
type service struct {
	*tap
	t       *testing.T
	cfg     config.Config
	page    string
	address string // of the broker
	bridge  *exec.Cmd
	daemon  *exec.Cmd
}

// newService starts all three; more is added to the configuration.
func newService(t *testing.T, more ...string) *service {
	t.Helper()
	cfg := rigConfig(t)
	cfg.Bridge.Clock = "realtime"
	broker, err := topic.StartBroker("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Close() })
	s := &service{t: t, cfg: cfg, page: freePort(t), address: broker.Address()}
	path := configFile(t, fmt.Sprintf("mqtt: {broker: %q}\nweb: {listen: %q}\n%s", s.address, s.page, strings.Join(more, "\n")))
	s.bridge = bridgeProcess(t, cfg, s.address)
	s.daemon = daemonProcess(t, "run", "-config", path)
	s.tap = newTap(t, s.address)
	return s
}

// move brings a disarmed service and its bridge into motion. On a machine that has no time for real time, the
// arm may hold until the episode is over, or the bridge complain; it is tried again then.
func (s *service) move(name string) {
	s.t.Helper()
	for attempt := range 4 {
		episode := fmt.Sprintf("%s-%d", name, attempt)
		s.begin(episode, seedOfTests)
		s.arm()
		if status, text := ask(s.t, s.page, "start", 0); status != 204 {
			s.t.Logf("start: %d %s", status, text)
			continue
		}
		began := time.Now()
		s.release(episode)
		moves, over := false, false
		eventually(s.t, 60*time.Second, "motion or the episode's end", func() bool {
			state := s.episode(episode)
			moves, over = s.inMotion(began), state != "running" && state != "ready"
			return moves || over
		})
		if moves {
			return
		}
		s.t.Logf("episode %s ended as %s before the arm moved", episode, s.episode(episode))
	}
	s.t.Fatal("the arm never moved")
}

// arm asks until it is granted: the first pictures of an episode may still be on their way.
func (s *service) arm() {
	s.t.Helper()
	var reply topic.Reply
	eventually(s.t, 30*time.Second, "arm to be granted", func() bool {
		if reply = s.request("arm", 0); reply.Done {
			return true
		}
		if reply.Mode == "faulted" {
			s.request("acknowledge", s.newestStatus().msg.Fault)
		}
		s.request("stop", 0)
		return false
	})
	if reply.Mode != "armed" {
		s.t.Errorf("arm: reply %+v", reply)
	}
}

// TestService is a day of `sim2reald run`: requests on both ways in, a bridge that dies and comes back, and
// the death of the daemon itself.
func TestService(t *testing.T) {
	s := newService(t)
	s.startsDisarmed(t)
	s.refusesASecond(t)
	s.obeysRequests(t)
	s.goesHome(t)
	s.shadows(t)
	s.survivesTheBridge(t)
	s.diesInMotion(t)
}

func (s *service) startsDisarmed(t *testing.T) {
	s.awaitMode("disarmed", 60*time.Second)
	late := newTap(t, s.address)
	eventually(t, 5*time.Second, "a joint in the status", func() bool { return len(late.newestStatus().msg.Joints) == 7 })
	status := late.newestStatus().msg
	if !late.retained {
		t.Error("who comes late hears no stored status")
	}
	if !strings.Contains(status.Engine, "onnxruntime") || !strings.Contains(status.Engine, "on cpu") ||
		!strings.Contains(status.Bundle, "sha256:") || !strings.Contains(status.Base, "sha256:") {
		t.Errorf("engine %q, bundle %q, base %q", status.Engine, status.Bundle, status.Base)
	}
	if code, text := ask(t, s.page, "start", 0); code != 409 || !strings.Contains(text, "the daemon is disarmed; arm it first") {
		t.Errorf("start before arm over HTTP: %d %s", code, text)
	}
	if r := s.request("start", 0); r.Done || r.Mode != "disarmed" || !strings.Contains(r.Error, "the daemon is disarmed; arm it first") {
		t.Errorf("start before arm over MQTT: %+v", r)
	}
	if r := s.request("dance", 0); r.Done || !strings.Contains(r.Error, `"dance" is unknown`) {
		t.Errorf("nonsense over MQTT: %+v", r)
	}
	s.onlyHolds(time.Time{}, 0, "disarmed")
}

func (s *service) obeysRequests(t *testing.T) {
	s.move("requests")
	at := time.Now()
	if r := s.request("hold", 0); !r.Done || r.Mode != "holding" {
		t.Fatalf("hold: %+v", r)
	}
	eventually(t, 5*time.Second, "a standing arm", func() bool { return !s.newestState().Moving })
	s.onlyHolds(at, 100*time.Millisecond, "holding")
	eventually(t, 5*time.Second, "start after hold", func() bool {
		r := s.request("start", 0)
		return r.Done && r.Mode == "running"
	})
	s.move("stop")
	at = time.Now()
	if code, text := ask(t, s.page, "stop", 0); code != 204 {
		t.Fatalf("stop: %d %s", code, text)
	}
	eventually(t, 5*time.Second, "a standing arm", func() bool { return !s.newestState().Moving })
	s.onlyHolds(at, 100*time.Millisecond, "disarmed")
	s.awaitMode("disarmed", 2*time.Second)
}

// goesHome brings the held arm nearer to its home pose, at a tenth of its speed, until it is there or told to hold.
// farthest is how far the joints are apart, rad.
// shadows lets the policy run on the rig: what it would send is told, and holds are sent.
// survivesTheBridge kills the bridge in motion: a fault, latched until a person acknowledges it, even when
// another bridge is there.
func (s *service) survivesTheBridge(t *testing.T) {
	s.move("dies")
	at := time.Now()
	kill(s.bridge)
	faulted := func(c heard[topic.JointCommand]) bool { return c.msg.Reason == "faulted" }
	eventually(t, time.Second, "a fault", func() bool { return slices.ContainsFunc(s.commandsSince(at), faulted) })
	status := s.awaitMode("faulted", time.Second)
	if status.Why != "state_silent" || status.Fault == 0 || status.Remedy == "" {
		t.Errorf("status %q, fault %d, remedy %q", status.Why, status.Fault, status.Remedy)
	}
	s.bridge = bridgeProcess(t, s.cfg, s.address)
	back := time.Now()
	eventually(t, 60*time.Second, "a second of the new bridge's states", func() bool { return len(s.statesSince(back)) > 100 })
	if r := s.request("arm", 0); r.Done || !strings.Contains(r.Error, "acknowledge first") {
		t.Errorf("arm while a fault is latched: %+v", r)
	}
	silent := status.Fault
	eventually(t, 5*time.Second, "the graver fault of another bridge", func() bool {
		status = s.newestStatus().msg
		return status.Why == "rig_changed"
	})
	if r := s.request("acknowledge", silent); r.Done || r.Mode != "faulted" || status.Fault <= silent {
		t.Errorf("acknowledging the fault before, %d, while %d is latched: %+v", silent, status.Fault, r)
	}
	s.onlyHolds(at, 500*time.Millisecond, "holding", "faulted")
	if r := s.request("acknowledge", status.Fault); !r.Done || r.Mode != "disarmed" {
		t.Fatalf("acknowledge: %+v", r)
	}
}

// diesInMotion kills the daemon: nobody commands any more, and the bridge must stop the arm by itself.
func (s *service) diesInMotion(t *testing.T) {
	s.move("orphan")
	kill(s.daemon)
	at := time.Now()
	eventually(t, 5*time.Second, "the bridge to stop the arm", func() bool {
		now := s.newestState()
		return now.Mode == "stopped" && !now.Moving
	})
	if after := s.commandsSince(at.Add(100 * time.Millisecond)); len(after) > 0 {
		t.Errorf("%d commands came after the daemon's death", len(after))
	}
	s.checkTravel(t)
}

// checkTravel bounds how far the arm went after the last command: at that command's speed until the timeout,
// then braking. What the arm lags behind its command by adds to it.
func (s *service) checkTravel(t *testing.T) {
	const timeout, lag, tolerance = 0.2, 0.05, 0.01 // s, s, rad
	all := s.commandsSince(time.Time{})
	last := all[len(all)-1]
	if last.msg.Mode != "velocity" {
		t.Fatalf("the last command was %s: the daemon did not die in motion", last.msg.Mode)
	}
	states := s.statesSince(last.at)
	from, to := states[0].msg, states[len(states)-1].msg
	acceleration := kitchenLimits().DDQMax
	for j, name := range from.Name {
		v := max(math.Abs(last.msg.Velocity[j]), math.Abs(from.Velocity[j]))
		bound := v*(timeout+lag) + v*v/(2*acceleration[j]) + tolerance
		if went := math.Abs(to.Position[j] - from.Position[j]); went > bound {
			t.Errorf("%s went %.3f rad after the last command, %.2f rad/s; want at most %.3f", name, went, v, bound)
		} else {
			t.Logf("%s went %.3f rad after the last command of %.2f rad/s; bound %.3f", name, went, v, bound)
		}
	}
}
