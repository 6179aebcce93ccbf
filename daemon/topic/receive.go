package topic

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"sim2reald/robot"
)

// Factsheet is the newest one, and whether there is one.
func (l *Link) Factsheet() (Factsheet, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.factsheet, l.known
}

// AwaitFactsheet waits for the bridge to say what it is.
func (l *Link) AwaitFactsheet(ctx context.Context) (Factsheet, error) {
	for {
		if f, ok := l.Factsheet(); ok {
			return f, nil
		}
		select {
		case <-l.factsheetArrived:
		case <-ctx.Done():
			return Factsheet{}, fmt.Errorf("robot %s: no factsheet on %sfactsheet; start its bridge, or set robot.name to the robot that it serves", l.opts.Robot, l.prefix)
		}
	}
}

// State is the newest measurement, and false when there is none since the bridge started. It does not
// allocate.
func (l *Link) State() (robot.State, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.measured {
		return robot.State{}, false // what an earlier start of the bridge measured is worth nothing
	}
	return l.state, true
}

// StateArrived receives a value after one or more measurements have come.
func (l *Link) StateArrived() <-chan struct{} { return l.stateArrived }

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// onFactsheet adopts the bridge's epoch: all that an earlier start of it sent is foreign from here on.
func (l *Link) onFactsheet(m mqtt.Message) {
	var f Factsheet
	if err := decode(m.Payload(), &f); err != nil {
		l.drop(Malformed)
		return
	}
	if f.Robot != l.opts.Robot {
		l.drop(ForeignRobot)
		return
	}
	l.mu.Lock()
	if !l.known || f.Epoch != l.factsheet.Epoch {
		l.measured = false
		l.gates = map[string]*gate{}
	}
	l.factsheet, l.known = f, true
	l.mu.Unlock()
	notify(l.factsheetArrived)
}

// pass asks the gate of a topic. Only a lock-step bridge may repeat itself.
func (l *Link) pass(topic string, e Envelope, m mqtt.Message) bool {
	l.mu.Lock()
	g := l.gates[topic]
	if g == nil {
		g = &gate{epoch: l.factsheet.Epoch, allowRepeat: l.factsheet.Clock == "lockstep"}
		l.gates[topic] = g
	}
	why, ok := g.pass(e, m.Retained())
	l.mu.Unlock()
	if !ok {
		l.drop(why)
	}
	return ok
}

func (l *Link) drop(why Drop) { l.Dropped[why].Add(1) }

func (l *Link) onState(m mqtt.Message) {
	arrival := l.opts.Clock()
	msg, ok := received[JointStates](l, "joint_states", m)
	if !ok {
		return
	}
	if msg.Robot != l.opts.Robot {
		l.drop(ForeignRobot)
		return
	}
	l.mu.Lock()
	joints := l.factsheet.JointNames
	l.mu.Unlock()
	s, err := DecodeState(msg, joints, arrival)
	if err != nil {
		l.drop(Malformed)
		return
	}
	s.Accepted = acceptedFrom(msg, l.epoch)
	l.mu.Lock()
	l.state, l.measured = s, true
	l.mu.Unlock()
	notify(l.stateArrived)
}

// received decodes a message of a topic and asks the gate. Before a factsheet has come there is no epoch to trust,
// and nothing passes.
func received[T any, P interface {
	*T
	head() Envelope
}](l *Link, topic string, m mqtt.Message) (*T, bool) {
	msg := P(new(T))
	if err := decode(m.Payload(), msg); err != nil {
		l.drop(Malformed)
		return nil, false
	}
	_, known := l.Factsheet()
	return msg, known && l.pass(topic, msg.head(), m)
}

func (l *Link) onFrame(m mqtt.Message) {
	arrival := l.opts.Clock()
	topic := strings.TrimPrefix(m.Topic(), l.prefix)
	msg, ok := received[CameraFrame](l, topic, m)
	if !ok || l.opts.OnFrame == nil {
		return
	}
	if topic != "camera/"+msg.Name {
		l.drop(Malformed)
		return
	}
	l.opts.OnFrame(msg, arrival)
}

func (l *Link) onExpert(m mqtt.Message) {
	if msg, ok := received[Expert](l, "expert", m); ok && l.opts.OnExpert != nil {
		l.opts.OnExpert(msg)
	}
}

func (l *Link) onEpisode(m mqtt.Message) {
	if msg, ok := received[EpisodeState](l, "episode/state", m); ok && l.opts.OnEpisode != nil {
		l.opts.OnEpisode(*msg)
	}
}

func (l *Link) onRequest(m mqtt.Message) {
	var r Request
	if err := decode(m.Payload(), &r); err != nil || m.Retained() {
		l.drop(Malformed)
		return
	}
	if l.opts.OnRequest == nil {
		return
	}
	go func() { l.Reply(l.opts.OnRequest(r)) }()
}

// Reply answers a request on the reply topic.
func (l *Link) Reply(r Reply) {
	r.Envelope = l.envelope("reply", l.opts.Clock())
	if err := l.publish("reply", r); err != nil {
		l.opts.Log.Error("reply not sent", "cause", err)
	}
}

// Event tells who listens now that something happened.
func (l *Link) Event(e Event) {
	e.Envelope = l.envelope("event", l.opts.Clock())
	if err := l.publish("event", e); err != nil {
		l.opts.Log.Error("event not sent", "cause", err)
	}
}

// Status publishes the daemon's status, retained, so that who comes later sees it.
func (l *Link) Status(s Status) {
	s.Envelope = l.envelope("status", l.opts.Clock())
	b, err := json.Marshal(s)
	if err != nil {
		l.opts.Log.Error("status not sent", "cause", err)
		return
	}
	l.client.Publish(l.prefix+"status", 0, true, b)
}

// Connected reports whether the broker is there now.
func (l *Link) Connected() bool { return l.client.IsConnectionOpen() }

// Epoch is this daemon's.
func (l *Link) Epoch() string { return l.epoch }
