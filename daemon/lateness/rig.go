package main

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"sim2reald/daemon/control"
	"sim2reald/daemon/topic"
	"sim2reald/robot"
)

const prefix = "sim2real/v1/lateness/"

// rig is the arm over the broker: measurements come in and commands go out as between daemon and bridge.
type rig struct {
	client mqtt.Client
	clock  func() time.Duration
	seq    uint64 // of commands, which one goroutine sends

	mu    sync.Mutex
	state robot.State
	ok    bool
	first chan struct{} // closed by the first measurement
}

func openRig(broker string, clock func() time.Duration) (*rig, error) {
	r := &rig{clock: clock, first: make(chan struct{})}
	var err error
	if r.client, err = dial(broker); err != nil {
		return nil, err
	}
	token := r.client.Subscribe(prefix+"joint_states", 0, func(_ mqtt.Client, m mqtt.Message) { r.hear(m) })
	if !token.WaitTimeout(patience) || token.Error() != nil {
		return nil, fmt.Errorf("subscribing to measurements: %v", token.Error())
	}
	return r, nil
}

// patience is how long anything here may take to answer.
const patience = 5 * time.Second

func dial(broker string) (mqtt.Client, error) {
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + broker).SetAutoReconnect(false))
	token := client.Connect()
	if !token.WaitTimeout(patience) || token.Error() != nil {
		return nil, fmt.Errorf("connecting to the broker at %s: %v", broker, token.Error())
	}
	return client, nil
}

func (r *rig) hear(m mqtt.Message) {
	var msg topic.JointStates
	if json.Unmarshal(m.Payload(), &msg) != nil {
		return // only the flood would send nonsense, and it has other topics
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state = robot.State{Seq: msg.Seq, Stamp: msg.Stamp.Duration(), Arrival: r.clock()}
	copy(r.state.Q[:], msg.Position)
	if !r.ok {
		r.ok = true
		close(r.first)
	}
}

// State is the newest measurement.
func (r *rig) State() (robot.State, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state, r.ok
}

// send puts a command on the wire as the daemon does.
func (r *rig) send(o control.Output) error {
	r.seq++
	b, err := json.Marshal(topic.JointCommand{
		Envelope: topic.Envelope{Epoch: "00000000000be9c4", Seq: r.seq, Stamp: topic.StampOf(o.State.Stamp)},
		Robot:    "lateness", Observed: topic.Observed{Epoch: "00000000000be9c5", Seq: o.State.Seq}, Mode: o.Command.Mode.String(),
		Reason: o.Reason.String(), Name: robot.Panda().Joints, Velocity: o.Command.DQ[:robot.Panda().N()], Bundle: o.Bundle,
	})
	if err != nil {
		return err
	}
	r.client.Publish(prefix+"joint_command", 0, false, b)
	return nil
}

func (r *rig) close() { r.client.Disconnect(100) }
