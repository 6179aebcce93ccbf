package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"sim2reald/camera"
	"sim2reald/camera/encoded"
	"sim2reald/daemon/config"
	"sim2reald/daemon/topic"
	"sim2reald/model/dataset"
	"sim2reald/robot"
)

// guided is a real arm's bridge, played: a person moves its arm, and it hears whether anything is sent to it.
type guided struct {
	t      *testing.T
	client mqtt.Client
	seq    uint64

	mu    sync.Mutex
	heard []string // commands
}

const guidedEpoch = "b00000000000000b"

func newGuided(t *testing.T, address string) *guided {
	t.Helper()
	g := &guided{t: t, client: mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + address))}
	g.done(g.client.Connect())
	t.Cleanup(func() { g.client.Disconnect(10) })
	for _, name := range []string{"joint_command", "episode/reset", "episode/start"} {
		g.done(g.client.Subscribe("sim2real/v1/arm/"+name, 1, func(_ mqtt.Client, m mqtt.Message) {
			g.mu.Lock()
			g.heard = append(g.heard, m.Topic())
			g.mu.Unlock()
		}))
	}
	arm := robot.Panda()
	g.say("factsheet", true, topic.Factsheet{
		Envelope: g.envelope(0), Robot: "arm", Model: arm.Name, Serial: "7", Software: map[string]string{"bridge": "played"}, Clock: "realtime",
		JointNames: arm.Joints, Modes: []string{"velocity", "hold"}, ControlRateHz: 12.5, StateRateHz: 100, CommandTimeoutMs: 200,
		Limits: topic.FactsheetLimits{PositionMin: arm.Limits.QMin[:7], PositionMax: arm.Limits.QMax[:7],
			VelocityMax: arm.Limits.DQMax[:7], AccelerationMax: arm.Limits.DDQMax[:7]},
		Gripper: topic.GripperSense{Open: 0, Closed: 1}, HorizonSteps: 100,
		Cameras: []topic.CameraFact{{Name: "front", Width: 16, Height: 12, Encoding: "png", Colour: "rgb", FovyRad: 1}},
	})
	return g
}

func (g *guided) done(token mqtt.Token) {
	g.t.Helper()
	if !token.WaitTimeout(5*time.Second) || token.Error() != nil {
		g.t.Fatalf("mqtt: %v", token.Error())
	}
}

func (g *guided) envelope(stamp time.Duration) topic.Envelope {
	g.seq++
	return topic.Envelope{Epoch: guidedEpoch, Seq: g.seq, Stamp: topic.StampOf(stamp)}
}

func (g *guided) say(name string, retained bool, message any) {
	g.t.Helper()
	text, err := json.Marshal(message)
	if err != nil {
		g.t.Fatal(err)
	}
	g.done(g.client.Publish("sim2real/v1/arm/"+name, 1, retained, text))
}

// shade is the one grey of the picture at a time.
func shade(at time.Duration) byte { return byte(at.Milliseconds() / 40 % 256) }

func (g *guided) show(at time.Duration) {
	g.t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 16, 12))
	for i := range 16 * 12 {
		m.SetNRGBA(i%16, i/16, color.NRGBA{shade(at), 100, 255 - shade(at), 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		g.t.Fatal(err)
	}
	g.say("camera/front", false, topic.CameraFrame{Envelope: g.envelope(at), Name: "front", Width: 16, Height: 12, Encoding: "png", Data: b.Bytes()})
}

// pose is where the person has the arm at a time.
func pose(joint int, at time.Duration) float64 {
	return -0.5 + 0.1*float64(joint) + 0.3*math.Sin(at.Seconds()*float64(joint+1))
}

func grip(at time.Duration) float64 { return math.Min(1, at.Seconds()/10) }

func (g *guided) stand(at time.Duration) {
	g.t.Helper()
	arm := robot.Panda()
	s := topic.JointStates{Envelope: g.envelope(at), Robot: "arm", Name: arm.Joints, Effort: make([]float64, 7), Gripper: grip(at), Mode: "hold"}
	for j := range arm.Joints {
		s.Position = append(s.Position, pose(j, at))
		s.Velocity = append(s.Velocity, 0.3*float64(j+1)*math.Cos(at.Seconds()*float64(j+1)))
	}
	g.say("joint_states", false, s)
}

// chair is a sitting at such an arm.
type chair struct {
	*guided
	s     *sitting
	lines chan string
	out   safeBuffer
	ended chan error
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func newChair(t *testing.T, dir string, episodes int64) *chair {
	t.Helper()
	broker, err := topic.StartBroker("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Close() })
	cfg := config.Default()
	cfg.Robot.Name, cfg.MQTT.Broker, cfg.Bridge.Task = "arm", broker.Address(), "shelve"
	cfg.Ages.FrameMs, cfg.Ages.StateSilentMs = 600_000, 60_000 // the person of this test may be slow
	f := &collectFlags{source: dataset.SourceHandGuided, episodes: episodes, first: firstDemonstration, scale: 0.5, bridgeFlags: bridgeFlags{cameras: []string{"front"}, horizon: -1}}
	if err := f.apply(&cfg); err != nil {
		t.Fatal(err)
	}
	c := &chair{guided: newGuided(t, broker.Address()), lines: make(chan string), ended: make(chan error, 1)}
	w, err := openWorkcell(t.Context(), cfg, slog.New(slog.DiscardHandler), workcellOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	data, err := dataset.Create(dir, w.datasetMeta(f))
	if err != nil {
		t.Fatal(err)
	}
	c.s = &sitting{w: w, data: data, flags: f, lines: c.lines, out: &c.out}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go func() {
		whole, err := c.s.run(ctx)
		if err == nil && !whole {
			err = errQuit
		}
		c.ended <- err
	}()
	return c
}

// types a line once the sitting asks for one.
func (c *chair) types(line, after string) {
	c.t.Helper()
	c.lines <- line
	c.says(after)
}

// says waits for a text, and forgets what was said until it.
func (c *chair) says(text string) {
	c.t.Helper()
	eventually(c.t, 20*time.Second, fmt.Sprintf("%q in %s", text, c.out.String()), func() bool { return strings.Contains(c.out.String(), text) })
	c.out.mu.Lock()
	c.out.b.Reset()
	c.out.mu.Unlock()
}

// guides the arm for n steps from a time on, with a state between the steps that must not count.
func (c *chair) guides(from time.Duration, n int) {
	c.t.Helper()
	for i := range n {
		at := from + time.Duration(i)*80*time.Millisecond
		c.show(at)
		eventually(c.t, 20*time.Second, "the picture", func() bool { return c.seen(at) })
		c.stand(at)
		eventually(c.t, 20*time.Second, "the step; so far "+c.out.String(), func() bool { return c.s.taken.Load() == int64(i+1) })
		c.stand(at + 40*time.Millisecond)
	}
}

// seen reports whether the picture of a time has arrived.
func (c *chair) seen(at time.Duration) bool {
	var f camera.Frame
	return c.s.w.cameras[0].Read(&f, c.s.w.clock(), time.Hour) == nil && f.Stamp == at
}

func (c *chair) begins() {
	c.t.Helper()
	c.types("", "recording")
}

// TestHandGuided goes through a person's afternoon: what is recorded is what the arm did, and nothing is sent to it.
func TestHandGuided(t *testing.T) {
	dir := t.TempDir()
	c := newChair(t, dir, 3)
	c.says("Enter begins the next")

	c.begins() // before the first picture
	c.stand(0)
	c.says("discarded")
	c.types("x", "means nothing here")

	c.begins()
	c.guides(time.Second, 10)
	c.types("", "s: it went well")
	c.types("s", "kept as seed 1000000: 9 steps, success true")

	c.begins()
	c.guides(3*time.Second, 3)
	c.types("d", "discarded")

	c.begins()
	c.guides(5*time.Second, 3)
	c.stand(5*time.Second + 320*time.Millisecond) // one step is missing
	c.says("a gap of 80ms")

	c.begins()
	c.guides(7*time.Second, 1)
	c.types("s", "want at least 2")

	c.begins()
	c.guides(8*time.Second, 4)
	c.types("f", "kept as seed 1000001: 3 steps, success false")
	c.lines <- "q"
	if err := <-c.ended; err != errQuit {
		t.Errorf("the sitting ended with %v", err)
	}
	checkGuided(t, dir)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.heard) > 0 {
		t.Errorf("sent to the arm: %v", c.heard)
	}
}

func checkGuided(t *testing.T, dir string) {
	t.Helper()
	d, err := dataset.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if d.Meta.Source != dataset.SourceHandGuided || d.Meta.Domain != "" || d.Meta.Jitter != placedByHand || d.Meta.Task != "shelve" || len(d.Seeds()) != 2 {
		t.Errorf("%+v, seeds %v", d.Meta, d.Seeds())
	}
	e, err := d.Episode(1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range e.Steps {
		at := time.Second + time.Duration(i)*80*time.Millisecond
		next := at + 80*time.Millisecond
		if s.Stamp != at-time.Second || s.Gripper != grip(at) || s.Wanted.Gripper != grip(next) || s.Sent.DQ != (robot.Vector{}) {
			t.Errorf("step %d: %+v", i, s)
		}
		for j := range 7 {
			if want := (pose(j, next) - pose(j, at)) / 0.08; math.Abs(s.Wanted.DQ[j]-want) > 1e-9 || s.Q[j] != pose(j, at) {
				t.Errorf("step %d joint %d: %v rad, wanted %v rad/s; want %v and %v", i, j, s.Q[j], s.Wanted.DQ[j], pose(j, at), want)
			}
		}
		var f camera.Frame
		if err := encoded.Decode(s.Pictures[0], &f); err != nil || f.Pix[0] != shade(at) || f.Pix[1] != 100 || f.Pix[2] != 255-shade(at) {
			t.Errorf("step %d: picture %v, %v; want shade %d", i, f.Pix[:3], err, shade(at))
		}
	}
}
