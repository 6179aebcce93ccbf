package topic

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// nonsense is what must be refused, and quickly, wherever it comes in.
func nonsense() map[string][]byte {
	return map[string][]byte{
		"empty":           {},
		"one byte":        []byte("x"),
		"not JSON":        []byte(`{"epoch":`),
		"not UTF-8":       []byte("{\"robot\":\"\xff\xfe\"}"),
		"deep lists":      []byte(strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001)),
		"deep objects":    []byte(strings.Repeat(`{"a":`, 10_001) + "1" + strings.Repeat("}", 10_001)),
		"never closed":    []byte(strings.Repeat("[", 60_000)),
		"64 MiB":          make([]byte, 64<<20),
		"64 MiB of a key": append(append([]byte(`{"`), bytes.Repeat([]byte("k"), 64<<20)...), `":1}`...),
		"seq 2^64":        []byte(`{"seq":18446744073709551616}`),
		"seq -1":          []byte(`{"seq":-1}`),
		"seq 1.5":         []byte(`{"seq":1.5}`),
	}
}

// TestNonsenseIsRefusedEverywhere sends each to the handler of each topic. What is measured is the best of three, since
// the machine has other things to do.
func TestNonsenseIsRefusedEverywhere(t *testing.T) {
	l := &Link{opts: Options{Robot: "arm", Clock: func() time.Duration { return 0 }, Log: slog.New(slog.DiscardHandler)}, epoch: self, inbox: newInbox()}
	for name, payload := range nonsense() {
		for _, topic := range []string{"factsheet", "joint_states", "camera/front", "expert", "episode/state", "request", "echo/answer", "lease/state"} {
			if topic == "request" && strings.HasPrefix(name, "seq") {
				continue // it has no envelope
			}
			best := time.Hour
			for range 3 {
				before := l.Dropped[Malformed].Load()
				began := time.Now()
				l.onMessage(nil, message{topic, payload})
				l.handleQueued()
				best = min(best, time.Since(began))
				if l.Dropped[Malformed].Load() != before+1 {
					t.Errorf("%s on %s was not refused", name, topic)
				}
			}
			if best > 5*time.Millisecond && !raceEnabled {
				t.Errorf("%s on %s took %v", name, topic, best)
			}
		}
	}
}

// handleQueued does what the inbox's goroutine would.
func (l *Link) handleQueued() {
	for {
		select {
		case m := <-l.inbox.queue:
			l.inbox.bytes.Add(-int64(len(m.payload)))
			l.inTurn(m)
		default:
			return
		}
	}
}

// message is one as the library hands it over.
type message struct {
	topic   string
	payload []byte
}

func (m message) Duplicate() bool   { return false }
func (m message) Qos() byte         { return 0 }
func (m message) Retained() bool    { return false }
func (m message) Topic() string     { return m.topic }
func (m message) MessageID() uint16 { return 0 }
func (m message) Payload() []byte   { return m.payload }
func (m message) Ack()              {}

func TestPicturesMayBeAsLargeAsTheyAre(t *testing.T) {
	l := &Link{factsheet: Factsheet{Cameras: []CameraFact{{Name: "front", Width: 224, Height: 224}, {Name: "huge", Width: 1 << 20, Height: 1 << 20}}}}
	for topic, want := range map[string]int{
		"joint_states": maxSmall, "request": maxSmall, "factsheet": maxFactsheet, "camera/front": maxSmall + 224*224*6,
		"camera/huge": maxPayload, "camera/other": maxPayload,
	} {
		if got := l.atMost(topic); got != want {
			t.Errorf("%s: %d bytes, want %d", topic, got, want)
		}
	}
	// A picture that does not compress at all, in base64, with its envelope.
	if raw := 224 * 224 * 3; l.atMost("camera/front") < raw*4/3+1024 {
		t.Error("a noisy picture finds no room")
	}
}

func FuzzDecodeEverything(f *testing.F) {
	f.Add([]byte(`{"epoch":"aaaaaaaaaaaaaaaa","seq":1,"stamp":{"sec":1,"nanosec":2},"answers":{"epoch":"aaaaaaaaaaaaaaaa","seq":1}}`))
	f.Add([]byte(`{"holder":"x","ttl_ms":1e308,"state":"offline"}`))
	for name, payload := range nonsense() {
		if len(payload) < 1000 {
			f.Log(name)
			f.Add(payload)
		}
	}
	topics := []string{"factsheet", "joint_states", "camera/front", "expert", "episode/state", "echo/answer", "lease/state", "daemon/connection"}
	f.Fuzz(func(t *testing.T, payload []byte) {
		l := &Link{opts: Options{Robot: "arm", Clock: func() time.Duration { return time.Second }, Log: slog.New(slog.DiscardHandler)}, epoch: self, inbox: newInbox()}
		for range 2 {
			for _, topic := range topics {
				l.onMessage(nil, message{topic, payload})
				l.handleQueued()
			}
		}
		now := time.Hour
		if l.Lease(now).Held && l.factsheet.LeaseTTLMs != nil && l.lease.ttl > 0 {
			t.Errorf("a lease of %v is held after an hour", l.lease.ttl)
		}
		_ = l.Echo(now)
		if s, ok := l.State(); ok && (!s.Q.Finite(len(l.factsheet.JointNames)) || !s.DQ.Finite(len(l.factsheet.JointNames))) {
			t.Errorf("not finite: %+v", s)
		}
	})
}

func TestDecodeSaysWhy(t *testing.T) {
	for name, payload := range nonsense() {
		if err := decode(payload, new(JointStates)); !errors.Is(err, ErrPayload) && !strings.HasPrefix(name, "deep") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
