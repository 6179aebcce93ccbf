package topic

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

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

// Complaints are the last errors that the bridge reported, by its own names; none when it never did. They stay after it
// has recovered, for a person to read what happened.
func (l *Link) Complaints() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.complaints
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
func (l *Link) onFactsheet(m received) {
	var f Factsheet
	if err := decode(m.payload, &f); err != nil || !isEpoch(f.Epoch) {
		l.drop(Malformed)
		return
	}
	if f.Robot != l.opts.Robot {
		l.drop(ForeignRobot)
		return
	}
	l.mu.Lock()
	current := l.adopt(&f, m.arrival)
	l.mu.Unlock()
	if !current {
		l.drop(ForeignEpoch)
		return
	}
	notify(l.factsheetArrived)
	notify(l.greeted)
}

// adopt takes a factsheet, and false for one of a start that another has followed: a late copy must not bring it
// back.
func (l *Link) adopt(f *Factsheet, arrival time.Duration) bool {
	if l.known && f.Epoch == l.factsheet.Epoch {
		l.factsheet = *f
		return true
	}
	if slices.Contains(l.retired, f.Epoch) {
		return false
	}
	if l.known {
		l.retired = append(l.retired[max(0, len(l.retired)-63):], l.factsheet.Epoch)
	}
	l.factsheet, l.known, l.measured, l.gates = *f, true, false, map[string]*gate{}
	l.echoes.restart(arrival)
	l.lease.restart()
	return true
}

// isEpoch tells 16 lower-case hex digits.
func isEpoch(s string) bool { return len(s) == 16 && strings.Trim(s, "0123456789abcdef") == "" }

// pass asks the gate of a topic. Only a lock-step bridge may repeat itself.
func (l *Link) pass(topic string, e Envelope, m received) bool {
	l.mu.Lock()
	g := l.gates[topic]
	if g == nil {
		g = &gate{epoch: l.factsheet.Epoch, allowRepeat: l.factsheet.Clock == "lockstep" && repeated(topic)}
		l.gates[topic] = g
	}
	why, ok := g.pass(e, m.retained)
	l.mu.Unlock()
	if !ok {
		l.drop(why)
	}
	return ok
}

// repeated is whether a topic is part of an observation, which is published again until it is answered.
func repeated(topic string) bool {
	return topic == "joint_states" || topic == "expert" || strings.HasPrefix(topic, "camera/")
}

func (l *Link) drop(why Drop) { l.Dropped[why].Add(1) }

func (l *Link) onState(m received) {
	msg, ok := read[JointStates](l, "joint_states", m)
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
	s, err := DecodeState(msg, joints, m.arrival)
	if err != nil {
		l.drop(Malformed)
		return
	}
	s.Accepted = acceptedFrom(msg, l.epoch)
	l.mu.Lock()
	s.EpisodeNumber = l.episode.number(msg.Episode)
	l.state, l.measured = s, true
	if len(msg.Errors) > 0 {
		l.complaints = msg.Errors
	}
	l.mu.Unlock()
	notify(l.stateArrived)
}

// read decodes a message of a topic and asks the gate. Before a factsheet has come there is no epoch to trust,
// and nothing passes.
func read[T any, P interface {
	*T
	head() Envelope
}](l *Link, topic string, m received) (*T, bool) {
	msg := P(new(T))
	if err := decode(m.payload, msg); err != nil {
		l.drop(Malformed)
		return nil, false
	}
	_, known := l.Factsheet()
	return msg, known && l.pass(topic, msg.head(), m)
}

func (l *Link) onFrame(m received) {
	msg, ok := read[CameraFrame](l, m.topic, m)
	if !ok || l.opts.OnFrame == nil {
		return
	}
	if m.topic != "camera/"+msg.Name {
		l.drop(Malformed)
		return
	}
	l.opts.OnFrame(msg, m.arrival)
}

func (l *Link) onExpert(m received) {
	if msg, ok := read[Expert](l, "expert", m); ok && l.opts.OnExpert != nil {
		l.opts.OnExpert(msg)
	}
}

func (l *Link) onEpisode(m received) {
	if msg, ok := read[EpisodeState](l, "episode/state", m); ok && l.opts.OnEpisode != nil {
		l.opts.OnEpisode(*msg)
	}
}

// onRequest does each request on a goroutine of its own, because staging a bundle takes seconds and a stop must not
// wait for it. Only stop and hold are done however many others are being done.
func (l *Link) onRequest(m received) {
	if m.retained {
		l.drop(Retained)
		return
	}
	var r Request
	if err := decode(m.payload, &r); err != nil {
		l.drop(Malformed)
		return
	}
	if l.opts.OnRequest == nil {
		return
	}
	if r.Kind == "stop" || r.Kind == "hold" {
		go func() { l.Reply(l.opts.OnRequest(r)) }()
		return
	}
	select {
	case l.requests <- struct{}{}:
		go func() {
			l.Reply(l.opts.OnRequest(r))
			<-l.requests
		}()
	default:
		l.drop(Overflow)
	}
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

// connected reports whether the broker is there now.
func (l *Link) connected() bool { return l.client.IsConnectionOpen() }

// Epoch is this daemon's.
func (l *Link) Epoch() string { return l.epoch }
