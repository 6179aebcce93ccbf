package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"sim2reald/daemon/topic"
)

// tap is an operator and an onlooker on a broker: it keeps what the daemon and the bridge say, and asks.
type tap struct {
	t      *testing.T
	client mqtt.Client
	seq    uint64

	mu       sync.Mutex
	commands []heard[topic.JointCommand]
	states   []heard[topic.JointStates]
	episodes []topic.EpisodeState
	events   []topic.Event
	replies  map[string]topic.Reply
	status   heard[topic.Status]
	retained bool // the first status was a stored one
}

// heard is a message with the time at which it was heard.
type heard[T any] struct {
	at  time.Time
	msg T
}

const kitchen = "sim2real/v1/kitchen/"

// newTap waits for the broker, which may be a daemon's that is still starting.
func newTap(t *testing.T, broker string) *tap {
	t.Helper()
	p := &tap{t: t, replies: map[string]topic.Reply{}}
	eventually(t, 60*time.Second, "the broker", func() bool {
		p.client = mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + broker).SetAutoReconnect(false))
		token := p.client.Connect()
		return token.WaitTimeout(time.Second) && token.Error() == nil
	})
	t.Cleanup(func() { p.client.Disconnect(10) })
	for name, hear := range map[string]func(mqtt.Message){
		"joint_command": func(m mqtt.Message) { keep(p, m, &p.commands) },
		"joint_states":  func(m mqtt.Message) { keep(p, m, &p.states) },
		"episode/state": p.onEpisode, "reply": p.onReply, "status": p.onStatus,
		"event": p.onEvent,
	} {
		token := p.client.Subscribe(kitchen+name, 1, func(_ mqtt.Client, m mqtt.Message) { hear(m) })
		if !token.WaitTimeout(5*time.Second) || token.Error() != nil {
			t.Fatalf("subscribing to %s: %v", name, token.Error())
		}
	}
	return p
}

func read[T any](p *tap, m mqtt.Message) T {
	var v T
	if err := json.Unmarshal(m.Payload(), &v); err != nil {
		p.t.Errorf("%s: %v in %.200s", m.Topic(), err, m.Payload())
	}
	return v
}

func keep[T any](p *tap, m mqtt.Message, into *[]heard[T]) {
	h := heard[T]{time.Now(), read[T](p, m)}
	p.mu.Lock()
	*into = append(*into, h)
	p.mu.Unlock()
}

func (p *tap) onEpisode(m mqtt.Message) {
	s := read[topic.EpisodeState](p, m)
	p.mu.Lock()
	p.episodes = append(p.episodes, s)
	p.mu.Unlock()
}

func (p *tap) onEvent(m mqtt.Message) {
	e := read[topic.Event](p, m)
	p.mu.Lock()
	p.events = append(p.events, e)
	p.mu.Unlock()
}

func (p *tap) onReply(m mqtt.Message) {
	r := read[topic.Reply](p, m)
	p.mu.Lock()
	p.replies[r.ID] = r
	p.mu.Unlock()
}

func (p *tap) onStatus(m mqtt.Message) {
	s := heard[topic.Status]{time.Now(), read[topic.Status](p, m)}
	p.mu.Lock()
	p.retained = p.retained || (p.status.at.IsZero() && m.Retained())
	p.status = s
	p.mu.Unlock()
}

// say publishes on a topic of the daemon's or the bridge's.
func (p *tap) say(name string, message any) {
	p.t.Helper()
	b, err := json.Marshal(message)
	if err != nil {
		p.t.Fatal(err)
	}
	if token := p.client.Publish(kitchen+name, 1, false, b); !token.WaitTimeout(5*time.Second) || token.Error() != nil {
		p.t.Fatalf("publishing %s: %v", name, token.Error())
	}
}

// request asks the daemon over MQTT and returns its reply.
func (p *tap) request(kind string, fault uint64) topic.Reply {
	p.t.Helper()
	return p.asks(topic.Request{Kind: kind, Fault: fault})
}

func (p *tap) asks(r topic.Request) topic.Reply {
	p.t.Helper()
	p.seq++
	id := fmt.Sprintf("q%d", p.seq)
	r.ID = id
	p.say("request", r)
	var reply topic.Reply
	eventually(p.t, 20*time.Second, "the reply to "+r.Kind, func() (ok bool) {
		p.mu.Lock()
		defer p.mu.Unlock()
		reply, ok = p.replies[id]
		return ok
	})
	return reply
}

// begin resets the bridge to an episode and waits until it is ready.
func (p *tap) begin(id string, seed int64) {
	p.t.Helper()
	p.seq++
	p.say("episode/reset", topic.EpisodeReset{Envelope: p.envelope(), Episode: id, Task: "slide", Seed: seed, Jitter: "j05"})
	eventually(p.t, 10*time.Second, "episode "+id, func() bool { return p.episode(id) == "ready" })
}

// release lets a ready episode run.
func (p *tap) release(id string) {
	p.t.Helper()
	p.seq++
	p.say("episode/start", topic.EpisodeStart{Envelope: p.envelope(), Episode: id})
}

func (p *tap) envelope() topic.Envelope { return topic.Envelope{Epoch: "7e57000000000001", Seq: p.seq} }

func (p *tap) episode(id string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range slices.Backward(p.episodes) {
		if s.Episode == id {
			return s.State
		}
	}
	return ""
}

func (p *tap) newestStatus() heard[topic.Status] {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// awaitMode waits until the status says a mode, which it does twice a second.
func (p *tap) awaitMode(mode string, patience time.Duration) topic.Status {
	p.t.Helper()
	eventually(p.t, patience, "mode "+mode, func() bool { return p.newestStatus().msg.Mode == mode })
	return p.newestStatus().msg
}

func (p *tap) commandsSince(at time.Time) []heard[topic.JointCommand] {
	return since(p, &p.commands, at)
}
func (p *tap) statesSince(at time.Time) []heard[topic.JointStates] { return since(p, &p.states, at) }

func since[T any](p *tap, all *[]heard[T], at time.Time) []heard[T] {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(*all, func(h heard[T]) bool { return h.at.After(at) })
	if i < 0 {
		return nil
	}
	return slices.Clone((*all)[i:])
}

func (p *tap) newestState() topic.JointStates {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.states) == 0 {
		return topic.JointStates{}
	}
	return p.states[len(p.states)-1].msg
}

// inMotion reports whether the newest commands since then are velocities and the arm follows them.
func (p *tap) inMotion(since time.Time) bool {
	const row = 5
	sent := p.commandsSince(since)
	if len(sent) < row || !p.newestState().Moving {
		return false
	}
	for _, c := range sent[len(sent)-row:] {
		if c.msg.Mode != "velocity" {
			return false
		}
	}
	return true
}

// onlyHolds checks that what the daemon sent since then are holds, with one of the reasons, after at most
// leeway in which what was under way still came.
func (p *tap) onlyHolds(at time.Time, leeway time.Duration, reasons ...string) {
	p.t.Helper()
	sent := p.commandsSince(at)
	if len(sent) == 0 {
		p.t.Error("nothing was sent, not even a hold")
	}
	held := slices.IndexFunc(sent, func(c heard[topic.JointCommand]) bool { return c.msg.Mode == "hold" })
	for i, c := range sent {
		switch late := c.at.Sub(at); {
		case c.msg.Mode == "velocity" && (late > leeway || (held >= 0 && i > held)):
			p.t.Errorf("a velocity command came %v after", late)
			return
		case c.msg.Mode == "hold" && !slices.Contains(reasons, c.msg.Reason):
			p.t.Errorf("a hold for reason %q, want one of %q", c.msg.Reason, reasons)
			return
		}
	}
}

// ask does a request over HTTP and returns its status and text.
func ask(t *testing.T, page, kind string, fault uint64) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("http://%s/request/%s?fault=%d", page, kind, fault), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, strings.TrimSpace(string(text))
}
