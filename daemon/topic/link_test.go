package topic

import (
	"context"
	"encoding/json"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"sim2reald/robot"
)

const bridgeEpoch = "b00000000000000b"

// rig is a real broker with a link on it and, on the other side, a plain client in the bridge's place.
type rig struct {
	t      *testing.T
	link   *Link
	peer   mqtt.Client
	frames chan *CameraFrame
	heard  chan mqtt.Message
}

func newRig(t *testing.T) *rig {
	t.Helper()
	broker, err := StartBroker("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Close() })
	r := &rig{t: t, frames: make(chan *CameraFrame, 4), heard: make(chan mqtt.Message, 16)}
	began := time.Now()
	r.link, err = Dial(t.Context(), Options{
		Broker: broker.Address(), Robot: "arm", Version: "test", Clock: func() time.Duration { return time.Since(began) },
		Log: slog.New(slog.DiscardHandler), OnFrame: func(f *CameraFrame, _ time.Duration) { r.frames <- f },
		OnRequest: func(q Request) Reply { return Reply{ID: q.ID, Done: true} },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.link.Close)
	r.peer = mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + broker.Address()))
	r.done(r.peer.Connect())
	t.Cleanup(func() { r.peer.Disconnect(10) })
	r.done(r.peer.Subscribe("sim2real/v1/arm/joint_command", 0, func(_ mqtt.Client, m mqtt.Message) { r.heard <- m }))
	r.done(r.peer.Subscribe("sim2real/v1/arm/reply", 0, func(_ mqtt.Client, m mqtt.Message) { r.heard <- m }))
	return r
}

func (r *rig) done(token mqtt.Token) {
	r.t.Helper()
	if !token.WaitTimeout(5*time.Second) || token.Error() != nil {
		r.t.Fatalf("mqtt: %v", token.Error())
	}
}

func (r *rig) say(topic string, retained bool, message any) {
	r.t.Helper()
	b, err := json.Marshal(message)
	if err != nil {
		r.t.Fatal(err)
	}
	r.done(r.peer.Publish("sim2real/v1/arm/"+topic, 0, retained, b))
}

// hear waits for one message.
func hear[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(5 * time.Second):
		t.Fatal("nothing heard")
		panic("unreachable")
	}
}

func (r *rig) introduce() {
	r.t.Helper()
	r.say("factsheet", true, Factsheet{
		Envelope: Envelope{Epoch: bridgeEpoch, Seq: 1}, Robot: "arm", Clock: "realtime", JointNames: []string{"a", "b"}, CommandTimeoutMs: 200,
	})
	ctx, cancel := context.WithTimeout(r.t.Context(), 5*time.Second)
	defer cancel()
	if _, err := r.link.AwaitFactsheet(ctx); err != nil {
		r.t.Fatal(err)
	}
}

// state says joint_states and a request behind it: when that is answered, what was said before has been
// handled, because both sides keep the order.
func (r *rig) state(seq uint64, epoch, robotName string) (robot.State, bool) {
	r.t.Helper()
	r.say("joint_states", false, JointStates{
		Envelope: Envelope{Epoch: epoch, Seq: seq}, Robot: robotName, Name: []string{"b", "a"}, Position: []float64{2, 1}, Velocity: []float64{0, 0},
	})
	r.say("request", false, Request{ID: "marker"})
	hear(r.t, r.heard)
	return r.link.State()
}

func TestLinkTakesOnlyWhatItMay(t *testing.T) {
	r := newRig(t)
	if _, ok := r.state(1, bridgeEpoch, "arm"); ok {
		t.Error("a state before the factsheet was taken")
	}
	r.introduce()
	for _, c := range []struct {
		name     string
		seq      uint64
		epoch    string
		robot    string
		wantSeq  uint64
		measured bool
	}{
		{"another epoch", 9, "0000000000000000", "arm", 0, false},
		{"another robot", 2, bridgeEpoch, "leg", 0, false},
		{"the first", 3, bridgeEpoch, "arm", 3, true},
		{"the same again", 3, bridgeEpoch, "arm", 3, true},
		{"an older", 2, bridgeEpoch, "arm", 3, true},
		{"the next", 4, bridgeEpoch, "arm", 4, true},
	} {
		s, ok := r.state(c.seq, c.epoch, c.robot)
		if ok != c.measured || s.Seq != c.wantSeq {
			t.Errorf("%s: state %d, %v; want %d, %v", c.name, s.Seq, ok, c.wantSeq, c.measured)
		}
	}
	if got := r.link.Dropped.Map(); got["epoch"] != 1 || got["robot"] != 1 || got["sequence"] != 2 {
		t.Errorf("dropped %v", got)
	}
}

func TestCommandOnTheWire(t *testing.T) {
	r := newRig(t)
	r.introduce()
	state := robot.State{Seq: 42, Stamp: 3 * time.Second}
	command := robot.Command{Mode: robot.Velocity, DQ: robot.Vector{0.25, -0.5}, Gripper: 1}
	if _, err := r.link.SendCommand(Outgoing{Command: command, State: state, Bundle: "sha256:00"}); err != nil {
		t.Fatal(err)
	}
	m := hear(t, r.heard)
	var got JointCommand
	if err := json.Unmarshal(m.Payload(), &got); err != nil {
		t.Fatal(err)
	}
	if m.Retained() || m.Qos() != 0 {
		t.Error("motion must be QoS 0 and never retained")
	}
	if got.Observed != (Observed{Epoch: bridgeEpoch, Seq: 42, Stamp: Stamp{Sec: 3}}) || got.Mode != "velocity" ||
		got.Velocity[1] != -0.5 || got.Name[1] != "b" || got.ValidForMs != 200 || got.Seq != 1 {
		t.Errorf("got %s", m.Payload())
	}
	command.DQ[0] = math.NaN()
	if _, err := r.link.SendCommand(Outgoing{Command: command, State: state}); err == nil {
		t.Error("NaN left")
	}
}

func TestRequestIsAnswered(t *testing.T) {
	r := newRig(t)
	r.say("request", false, Request{ID: "q1", Kind: "arm"})
	if got := string(hear(t, r.heard).Payload()); !strings.Contains(got, `"id":"q1"`) || !strings.Contains(got, `"done":true`) {
		t.Errorf("reply %s", got)
	}
}

func TestPortInUse(t *testing.T) {
	broker, err := StartBroker("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	_, err = StartBroker(broker.Address())
	if err == nil || !strings.Contains(err.Error(), "address already in use; set mqtt.listen to a free port") {
		t.Errorf("got %v", err)
	}
}

func TestNoBroker(t *testing.T) {
	_, err := Dial(t.Context(), Options{Broker: "127.0.0.1:1", Robot: "arm", Clock: func() time.Duration { return 0 }, Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "start that broker, or set mqtt.broker to embedded") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}
