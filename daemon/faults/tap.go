package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"sim2reald/daemon/topic"
)

// robotName is the suite's in the topics.
const robotName = "faults"

const prefix = "sim2real/v1/" + robotName + "/"

// heard is one message as the recorder got it.
type heard struct {
	at       moment
	topic    string // below the prefix
	payload  []byte // of a camera's only the beginning
	retained bool
}

// tap records all that is said of the robot, and speaks as an operator or as somebody who should not.
type tap struct {
	client mqtt.Client

	mu   sync.Mutex
	log  []heard
	seqs map[string]uint64
}

// tapEpoch is the recorder's, where it speaks as an operator's program does.
const tapEpoch = "7e57000000000001"

// newTap connects to a broker, once it is there, and comes back by itself.
func newTap(ctx context.Context, broker string) (*tap, error) {
	t := &tap{seqs: map[string]uint64{}}
	o := mqtt.NewClientOptions().AddBroker("tcp://" + broker).SetCleanSession(true)
	o.SetAutoReconnect(true).SetMaxReconnectInterval(200 * time.Millisecond).SetConnectTimeout(time.Second)
	o.SetOnConnectHandler(func(c mqtt.Client) { c.Subscribe(prefix+"#", 0, t.hear) })
	t.client = mqtt.NewClient(o)
	err := eventually(ctx, 30*time.Second, "the broker at "+broker, func() bool {
		token := t.client.Connect()
		return token.WaitTimeout(time.Second) && token.Error() == nil
	})
	return t, err
}

func (t *tap) close() { t.client.Disconnect(10) }

// keptOfPicture is how much of a picture's message is recorded.
const keptOfPicture = 200

func (t *tap) hear(_ mqtt.Client, m mqtt.Message) {
	h := heard{at: now(), topic: strings.TrimPrefix(m.Topic(), prefix), payload: m.Payload(), retained: m.Retained()}
	if strings.HasPrefix(h.topic, "camera/") {
		h.payload = slices.Clone(h.payload[:min(keptOfPicture, len(h.payload))])
	}
	t.mu.Lock()
	t.log = append(t.log, h)
	t.mu.Unlock()
}

// since are the messages of a topic from a moment on.
func (t *tap) since(name string, from moment) []heard {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []heard
	for i := len(t.log) - 1; i >= 0 && t.log[i].at >= from; i-- {
		if t.log[i].topic == name {
			out = append(out, t.log[i])
		}
	}
	slices.Reverse(out)
	return out
}

// newest is the last message of a topic, decoded; false before the first.
func newest[T any](t *tap, name string) (heard, T, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var v T
	for _, h := range slices.Backward(t.log) {
		if h.topic == name {
			return h, v, json.Unmarshal(h.payload, &v) == nil
		}
	}
	return heard{}, v, false
}

// sent is a joint_command with the moment of its arrival.
type sent struct {
	at  moment
	msg topic.JointCommand
}

// commands are those of the daemon of an epoch, or of all for "", from a moment on.
func (t *tap) commands(from moment, epoch string) []sent {
	var out []sent
	for _, h := range t.since("joint_command", from) {
		var c topic.JointCommand
		if json.Unmarshal(h.payload, &c) == nil && (epoch == "" || c.Epoch == epoch) {
			out = append(out, sent{h.at, c})
		}
	}
	return out
}

// say publishes a message on a topic of the robot's.
func (t *tap) say(name string, qos byte, retained bool, message any) error {
	payload, ok := message.([]byte)
	if !ok {
		var err error
		if payload, err = json.Marshal(message); err != nil {
			return err
		}
	}
	token := t.client.Publish(prefix+name, qos, retained, payload)
	if !token.WaitTimeout(5 * time.Second) {
		return fmt.Errorf("publishing %s: no answer", name)
	}
	return token.Error()
}

// envelope numbers the tap's own messages.
func (t *tap) envelope(name string) topic.Envelope {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seqs[name]++
	return topic.Envelope{Epoch: tapEpoch, Seq: t.seqs[name]}
}
