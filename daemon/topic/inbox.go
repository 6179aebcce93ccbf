package topic

import (
	"context"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

const (
	inboxMessages = 256
	inboxBytes    = 64 << 20
)

// received is a message as it came.
type received struct {
	topic    string // below the prefix
	payload  []byte
	retained bool
	arrival  time.Duration
}

// inbox is the queue between the client's receiving goroutine, which must never wait, and the one that decodes
// pictures and calls back, which may. It keeps the order, and is bounded in messages and in bytes.
type inbox struct {
	queue chan received
	bytes atomic.Int64
}

func newInbox() *inbox { return &inbox{queue: make(chan received, inboxMessages)} }

// put is false when there is no room.
func (i *inbox) put(m received) bool {
	if i.bytes.Add(int64(len(m.payload))) > inboxBytes {
		i.bytes.Add(-int64(len(m.payload)))
		return false
	}
	select {
	case i.queue <- m:
		return true
	default:
		i.bytes.Add(-int64(len(m.payload)))
		return false
	}
}

// drain hands on what comes until ctx ends.
func (i *inbox) drain(ctx context.Context, handle func(received)) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-i.queue:
			i.bytes.Add(-int64(len(m.payload)))
			handle(m)
		}
	}
}

// onMessage runs on the client's receiving goroutine. What must be current whatever a callback does is decoded here,
// because it is small; what is large or calls back waits its turn. In lock-step a state waits behind its pictures.
func (l *Link) onMessage(_ mqtt.Client, m mqtt.Message) {
	r := received{m.Topic()[len(l.prefix):], m.Payload(), m.Retained(), l.opts.Clock()}
	if len(r.payload) > l.atMost(r.topic) {
		l.drop(Malformed)
		return
	}
	if handle, ok := l.atOnce(r.topic); ok {
		handle(r)
		return
	}
	if !l.inbox.put(r) {
		l.drop(Overflow)
	}
}

// atOnce is the handler of a topic that is dealt with on the receiving goroutine.
func (l *Link) atOnce(topic string) (func(received), bool) {
	switch topic {
	case "factsheet":
		return l.onFactsheet, true
	case "echo/answer":
		return l.onEchoAnswer, true
	case "lease/state":
		return l.onLeaseState, true
	case "daemon/connection":
		return l.onDaemon, true
	case "request":
		return l.onRequest, true
	case "joint_states":
		return l.onState, !l.lockstep()
	}
	return nil, false
}

// inTurn is for the topics that wait in the inbox.
func (l *Link) inTurn(m received) {
	switch m.topic {
	case "joint_states":
		l.onState(m)
	case "expert":
		l.onExpert(m)
	case "episode/state":
		l.onEpisode(m)
	default:
		l.onFrame(m)
	}
}

func (l *Link) lockstep() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.factsheet.Clock == "lockstep"
}
