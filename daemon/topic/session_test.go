package topic

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// granting is a rig whose bridge grants a lease and answers echoes, as far as the test plays it.
func (r *rig) granting() {
	r.t.Helper()
	ttl := 300.0
	r.done(r.peer.Subscribe("sim2real/v1/arm/lease", 0, func(_ mqtt.Client, m mqtt.Message) { r.heard <- m }))
	r.say("factsheet", true, Factsheet{
		Envelope: Envelope{Epoch: bridgeEpoch, Seq: 1}, Robot: "arm", Clock: "realtime", JointNames: []string{"a", "b"},
		CommandTimeoutMs: 200, LeaseTTLMs: &ttl,
	})
}

// ask is the next thing said on the lease topic.
func (r *rig) ask() LeaseAsk {
	r.t.Helper()
	var ask LeaseAsk
	for {
		m := hear(r.t, r.heard)
		if strings.HasSuffix(m.Topic(), "/lease") {
			if err := json.Unmarshal(m.Payload(), &ask); err != nil {
				r.t.Fatal(err)
			}
			return ask
		}
	}
}

// answer grants to an epoch, as the n-th thing said about the lease.
func (r *rig) answer(ask LeaseAsk, n uint64, holder, who string) {
	r.t.Helper()
	r.say("lease/state", false, LeaseState{
		Envelope: Envelope{Epoch: bridgeEpoch, Seq: n}, Holder: holder, Who: who, TTLMs: 300,
		Answers: &Origin{Epoch: ask.Epoch, Seq: ask.Seq},
	})
}

func TestLeaseOnTheWire(t *testing.T) {
	r := newRig(t)
	if r.link.Lease(r.link.opts.Clock()).Held {
		t.Error("held before there is a bridge")
	}
	r.granting()
	ask := r.ask()
	if ask.Want != "hold" || ask.Epoch != r.link.Epoch() || !strings.Contains(ask.Who, "sim2reald test on ") {
		t.Errorf("asked %+v", ask)
	}
	r.answer(ask, 1, other, "the other one")
	hearing, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for r.link.Lease(0).Holder == "" && hearing.Err() == nil {
		<-r.link.leaseHeard
	}
	got := r.link.Lease(r.link.opts.Clock())
	if got.Held || got.Holder != other || !strings.Contains(got.Err().Error(), "held by the other one") {
		t.Errorf("after a refusal: %+v", got)
	}
	granted := make(chan error, 1)
	go func() { granted <- r.link.AwaitLease(hearing) }()
	r.answer(r.ask(), 2, r.link.Epoch(), "we")
	if err := hear(t, granted); err != nil {
		t.Error(err)
	}
	at := r.link.opts.Clock()
	if r.link.Lease(at + time.Second).Held {
		t.Error("a lease that nobody renews is held for ever")
	}
}

func TestBridgeWithoutLeaseNeedsNone(t *testing.T) {
	r := newRig(t)
	r.introduce()
	if err := r.link.AwaitLease(t.Context()); err != nil {
		t.Error(err)
	}
	if e := r.link.Echo(r.link.opts.Clock()); e != (Echo{}) {
		t.Errorf("a bridge that answers no echo is waited for: %+v", e)
	}
}

func TestEchoOnTheWire(t *testing.T) {
	r := newRig(t)
	echoes := make(chan Envelope, 16)
	r.done(r.peer.Subscribe("sim2real/v1/arm/echo", 0, func(_ mqtt.Client, m mqtt.Message) {
		var e Envelope
		if json.Unmarshal(m.Payload(), &e) == nil {
			echoes <- e
		}
	}))
	r.say("factsheet", true, Factsheet{Envelope: Envelope{Epoch: bridgeEpoch, Seq: 1}, Robot: "arm", Clock: "realtime", Echo: true})
	const ahead = time.Hour
	for n := uint64(1); n <= 3; n++ {
		e := hear(t, echoes)
		at := StampOf(r.link.opts.Clock() + ahead)
		wall := time.Now()
		r.say("echo/answer", false, EchoAnswer{
			Envelope: Envelope{Epoch: bridgeEpoch, Seq: n}, Answers: Origin{Epoch: e.Epoch, Seq: e.Seq},
			Received: at, Answered: at, Wall: Stamp{Sec: wall.Unix(), Nanosec: int64(wall.Nanosecond())},
		})
	}
	r.say("request", false, Request{ID: "marker"})
	hear(t, r.heard)
	got := r.link.Echo(r.link.opts.Clock())
	if !got.Answered || got.RoundTrip <= 0 || got.RoundTrip > time.Second || (got.Offset-ahead).Abs() > got.RoundTrip || got.Skew.Abs() > time.Second {
		t.Errorf("measured %+v", got)
	}
	if r.link.EchoAge(r.link.opts.Clock()+time.Minute) < time.Minute {
		t.Error("an echo does not age")
	}
}

// TestBlockedCallbackStallsNothingElse: while a picture's callback never returns, requests are answered, measurements
// are current, and what finds no room is dropped and counted.
func TestBlockedCallbackStallsNothingElse(t *testing.T) {
	r := newRig(t)     // four frames fit into its channel, and the fifth blocks
	t.Cleanup(func() { // the link waits for its callbacks
		done := make(chan struct{})
		go func() {
			for {
				select {
				case <-r.frames:
				case <-done:
					return
				}
			}
		}()
		r.link.Close()
		close(done)
	})
	r.introduce()
	for seq := range uint64(inboxMessages + 10) {
		r.say("camera/front", false, CameraFrame{Envelope: Envelope{Epoch: bridgeEpoch, Seq: seq + 1}, Name: "front"})
	}
	for seq := range uint64(50) {
		if s, ok := r.state(seq+1, bridgeEpoch, "arm"); !ok || s.Seq != seq+1 {
			t.Fatalf("state %d, want %d", s.Seq, seq+1)
		}
	}
	if n := r.link.Dropped[Overflow].Load(); n < 1 || n > 10 {
		t.Errorf("%d dropped of 10 that found no room", n)
	}
	for range inboxMessages { // lets the callbacks return
		hear(t, r.frames)
	}
	if !r.link.connected() {
		t.Error("the broker was lost")
	}
}

func TestInboxIsBoundedInBytes(t *testing.T) {
	i := newInbox()
	large := received{payload: make([]byte, maxPayload)}
	for n := range inboxBytes / maxPayload {
		if !i.put(large) {
			t.Fatalf("message %d found no room", n)
		}
	}
	if i.put(received{payload: []byte("x")}) {
		t.Error("no bound")
	}
	ctx, stop := context.WithCancel(t.Context())
	i.drain(ctx, func(received) { stop() })
	if !i.put(received{payload: []byte("x")}) {
		t.Error("what was taken out leaves no room")
	}
}

// connections are what is said of the daemon's own connection.
func (r *rig) connections() chan Connection {
	connections := make(chan Connection, 16)
	r.done(r.peer.Subscribe("sim2real/v1/arm/daemon/connection", 1, func(_ mqtt.Client, m mqtt.Message) {
		var c Connection
		if json.Unmarshal(m.Payload(), &c) == nil {
			connections <- c
		}
	}))
	return connections
}

// TestClientIDTakenAway: who takes the daemon's client id gets it once; the daemon comes back under another.
func TestClientIDTakenAway(t *testing.T) {
	r := newRig(t)
	connections := r.connections()
	first := hear(t, connections)
	lost := make(chan error, 1)
	o := mqtt.NewClientOptions().AddBroker("tcp://" + r.link.opts.Broker).SetClientID("sim2reald-" + r.link.Epoch() + "-1")
	squatter := mqtt.NewClient(o.SetAutoReconnect(false).SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err }))
	r.done(squatter.Connect())
	defer squatter.Disconnect(10)
	again := first
	for again.Seq == first.Seq { // the first may come as it is said, and as it is kept
		c := hear(t, connections)
		switch {
		case c.State != "offline":
			again = c
		case c.Seq != first.Seq-1: // a busy broker may forget the will of who was thrown out
			t.Errorf("will %d after online %d", c.Seq, first.Seq)
		}
	}
	if again.Seq != first.Seq+2 {
		t.Errorf("online %d after online %d", again.Seq, first.Seq)
	}
	r.introduce()
	if s, ok := r.state(1, bridgeEpoch, "arm"); !ok || s.Seq != 1 {
		t.Error("not heard after the return")
	}
	select {
	case err := <-lost:
		t.Errorf("the other was thrown out in turn: %v", err)
	default:
	}
}

// TestOwnWillIsContradicted: a will that the broker publishes late must not leave the daemon offline.
func TestOwnWillIsContradicted(t *testing.T) {
	var log bytes.Buffer
	r := newRig(t)
	r.link.opts.Log = slog.New(slog.NewTextHandler(&log, nil))
	connections := r.connections()
	online := hear(t, connections)
	r.say("daemon/connection", true, Connection{Envelope: Envelope{Epoch: r.link.Epoch(), Seq: online.Seq - 1}, State: "offline"})
	for hear(t, connections).State != "offline" { // the online may come as it is said, and as it is kept
	}
	// The contradiction may have overtaken the will on its way here: what the broker keeps tells.
	kept := r.connections()
	c := hear(t, kept)
	if c.State == "offline" {
		c = hear(t, kept)
	}
	if c != online {
		t.Errorf("contradicted with %+v, want %+v", c, online)
	}
	r.link.Close()
	if !strings.Contains(log.String(), "another client took its id") {
		t.Errorf("nobody was told: %s", log.String())
	}
}

// TestReplacedBridgeStaysReplaced: a late or planted factsheet of an earlier start does not bring it back.
func TestReplacedBridgeStaysReplaced(t *testing.T) {
	r := newRig(t)
	r.introduce()
	say := func(epoch string) {
		r.say("factsheet", false, Factsheet{Envelope: Envelope{Epoch: epoch, Seq: 1}, Robot: "arm", JointNames: []string{"a", "b"}})
		r.say("request", false, Request{ID: "marker"})
		hear(t, r.heard)
	}
	say(self)
	say(bridgeEpoch)
	say("no epoch at all")
	if f, _ := r.link.Factsheet(); f.Epoch != self {
		t.Errorf("epoch %s, want %s", f.Epoch, self)
	}
	if got := r.link.Dropped.Map(); got["epoch"] < 1 || got["malformed"] != 1 {
		t.Errorf("dropped %v", got)
	}
}
