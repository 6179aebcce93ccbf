package topic

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"sim2reald/robot"
)

// examples are the messages that both sides of the contract are tested against.
const examples = "../../robot/bridge/examples"

func example(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(examples, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestExamplesDecode reads every example of the contract: no field of the bridge's is unknown here, and none
// of ours is lost on the way back.
func TestExamplesDecode(t *testing.T) {
	into := map[string]any{
		"bridge_connection.json": &Connection{}, "daemon_connection.json": &Connection{}, "factsheet.json": &Factsheet{},
		"joint_states.json": &JointStates{}, "camera_default.json": &CameraFrame{}, "expert.json": &Expert{},
		"joint_command.json": &JointCommand{}, "joint_command_hold.json": &JointCommand{},
		"lease.json": &LeaseAsk{}, "lease_state.json": &LeaseState{}, "echo.json": &Envelope{}, "echo_answer.json": &EchoAnswer{},
		"episode_reset.json": &EpisodeReset{}, "episode_start.json": &EpisodeStart{}, "episode_state.json": &EpisodeState{},
	}
	files, err := filepath.Glob(filepath.Join(examples, "*.json"))
	if err != nil || len(files) != len(into) {
		t.Fatalf("%d examples for %d messages, %v", len(files), len(into), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			want := example(t, name)
			d := json.NewDecoder(bytes.NewReader(want))
			d.DisallowUnknownFields()
			if err := d.Decode(into[name]); err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(into[name])
			if err != nil {
				t.Fatal(err)
			}
			same(t, got, want)
		})
	}
}

// same compares two JSON objects by their values.
func same(t *testing.T, got, want []byte) {
	t.Helper()
	var a, b any
	for _, d := range []struct {
		text []byte
		into *any
	}{{got, &a}, {want, &b}} {
		if err := json.Unmarshal(d.text, d.into); err != nil {
			t.Fatal(err)
		}
	}
	x, _ := json.Marshal(a) // sorts keys
	y, _ := json.Marshal(b)
	if !bytes.Equal(x, y) {
		t.Errorf("got  %.900s\nwant %.900s", x, y)
	}
}

// TestLinkSaysWhatTheExamplesSay: a bridge refuses a message with an unknown, missing or repeated key, so what
// leaves the link has exactly the examples' keys.
func TestLinkSaysWhatTheExamplesSay(t *testing.T) {
	r := newRig(t)
	r.introduce()
	r.done(r.peer.Subscribe("sim2real/v1/arm/episode/+", 1, func(_ mqtt.Client, m mqtt.Message) { r.heard <- m }))
	r.done(r.peer.Subscribe("sim2real/v1/arm/daemon/connection", 1, func(_ mqtt.Client, m mqtt.Message) { r.heard <- m }))
	state := robot.State{Seq: 3}
	send := func(c robot.Command, reason string) func() error {
		return func() error {
			_, err := r.link.SendCommand(Outgoing{Command: c, Reason: reason, State: state, Bundle: "sha256:00"})
			return err
		}
	}
	for _, c := range []struct {
		example string
		topic   string
		say     func() error
		qos     byte
	}{
		{"daemon_connection.json", "daemon/connection", func() error { return nil }, 1}, // said at Dial, and retained
		{"joint_command.json", "joint_command", send(robot.Command{Mode: robot.Velocity}, ""), 0},
		{"joint_command_hold.json", "joint_command", send(robot.Command{}, "disarmed"), 0},
		{"episode_reset.json", "episode/reset", func() error { return r.link.ResetEpisode(EpisodeReset{Episode: "a"}, 0) }, 1},
		{"episode_start.json", "episode/start", func() error { return r.link.StartEpisode("a", 0) }, 1},
	} {
		t.Run(c.example, func(t *testing.T) {
			if err := c.say(); err != nil {
				t.Fatal(err)
			}
			m := hear(t, r.heard)
			for !strings.HasSuffix(m.Topic(), c.topic) { // an online may come as it is said, and as it is kept
				m = hear(t, r.heard)
			}
			if got, want := keys(t, m.Payload(), ""), keys(t, example(t, c.example), ""); !slices.Equal(got, want) {
				t.Errorf("keys %v\nwant %v", got, want)
			}
			if m.Qos() != c.qos {
				t.Errorf("QoS %d, want %d", m.Qos(), c.qos)
			}
		})
	}
}

// keys are an object's keys with those of the objects in it, as a.b, sorted. A list may be empty but not null.
func keys(t *testing.T, text []byte, prefix string) []string {
	t.Helper()
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, k := range slices.Sorted(maps.Keys(object)) {
		all = append(all, prefix+k)
		switch value := strings.TrimSpace(string(object[k])); {
		case value == "null":
			t.Errorf("%s%s is null", prefix, k)
		case strings.HasPrefix(value, "{"):
			all = append(all, keys(t, object[k], prefix+k+".")...)
		}
	}
	return all
}
