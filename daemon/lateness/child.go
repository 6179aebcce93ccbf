package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"sim2reald/daemon/topic"
	"sim2reald/robot"
)

// What the children send.
const (
	stateRate = 100    // Hz
	floodRate = 10_000 // messages a second
	floodStep = 2 * time.Millisecond
)

// child goes on until its input ends.
func child(as, broker string, in io.Reader, out io.Writer) error {
	client, err := dial(broker)
	if err != nil {
		return err
	}
	defer client.Disconnect(100)
	over := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, in) // whatever ends it, it has ended
		close(over)
	}()
	switch as {
	case "bridge":
		return beBridge(client, over)
	case "flood":
		return beFlood(client, over, out)
	}
	return fmt.Errorf("-as %q; it is bridge or flood", as)
}

// beBridge measures an arm that stands, and hears every command.
func beBridge(client mqtt.Client, over <-chan struct{}) error {
	token := client.Subscribe(prefix+"joint_command", 0, func(mqtt.Client, mqtt.Message) {})
	if !token.WaitTimeout(patience) || token.Error() != nil {
		return fmt.Errorf("subscribing to commands: %v", token.Error())
	}
	panda := robot.Panda()
	zeros := make([]float64, panda.N())
	ticker := time.NewTicker(time.Second / stateRate)
	defer ticker.Stop()
	for seq := uint64(1); ; seq++ {
		b, err := json.Marshal(topic.JointStates{
			Envelope: topic.Envelope{Epoch: "00000000000be9c5", Seq: seq}, Robot: "lateness", Name: panda.Joints,
			Position: zeros, Velocity: zeros, Effort: zeros, Mode: "hold", Errors: []string{}, Dropped: map[string]uint64{},
		})
		if err != nil {
			return err
		}
		client.Publish(prefix+"joint_states", 0, false, b)
		select {
		case <-over:
			return nil
		case <-ticker.C:
		}
	}
}

// beFlood sends foreign commands and junk by turns, and says how many a second at the end.
func beFlood(client mqtt.Client, over <-chan struct{}, out io.Writer) error {
	payload := []byte(`{"epoch":"f100d","seq":1,"junk":"` + strings.Repeat("x", 200) + `"}`)
	topics := []string{prefix + "joint_command", "junk/a", prefix + "junk", "junk/b"}
	began, sent := time.Now(), 0
	if _, err := fmt.Fprintln(out, "flowing"); err != nil {
		return err
	}
	ticker := time.NewTicker(floodStep)
	defer ticker.Stop()
	for {
		for due := int(time.Since(began).Seconds() * floodRate); sent < due; sent++ {
			if token := client.Publish(topics[sent%len(topics)], 0, false, payload); token.WaitTimeout(0) && token.Error() != nil {
				return fmt.Errorf("flooding: %w", token.Error())
			}
		}
		select {
		case <-over:
			_, err := fmt.Fprintln(out, float64(sent)/time.Since(began).Seconds())
			return err
		case <-ticker.C:
		}
	}
}
