package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sim2reald/daemon/config"
	"sim2reald/model/adapter"
	"sim2reald/model/base"
	"sim2reald/model/bundle"
	"sim2reald/model/graph"
	"sim2reald/model/preprocess"
	"sim2reald/model/safetensors"
	"sim2reald/robot"
)

// TestMain lets a test start this program as a real process: with asDaemon set, the test binary is sim2reald. Tests
// are in the repository's root, as a user is.
func TestMain(m *testing.M) {
	if os.Getenv(asDaemon) != "" {
		main()
		os.Exit(0)
	}
	if err := errors.Join(os.Setenv(asDaemon, "1"), os.Chdir("..")); err != nil {
		panic(err)
	}
	flag.Bool("update", false, "write the screenshot that the README shows")
	os.Exit(m.Run())
}

const asDaemon = "SIM2REALD_TEST_AS_DAEMON"

// need skips a test for lack of something that `make setup` installs, and fails it under `make test`, which
// sets SIM2REALD_ALL.
func need(t *testing.T, path, what string) {
	t.Helper()
	if _, err := os.Stat(path); err == nil {
		return
	}
	if os.Getenv("SIM2REALD_ALL") != "" {
		t.Fatalf("%s is not at %s; `make setup-test` installs it", what, path)
	}
	t.Skipf("%s is not at %s; run `make setup`", what, path)
}

// rigConfig is the demonstration with ports of its own.
func rigConfig(t *testing.T) config.Config {
	t.Helper()
	cfg := config.Default()
	need(t, pythonOf(cfg.Bridge), "the simulated workcell")
	need(t, cfg.Policy.Base, "the pretrained base")
	need(t, cfg.Engine.Library, "ONNX Runtime")
	cfg.MQTT.Listen, cfg.Web.Listen = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Bridge.Clock = "lockstep"
	return cfg
}

// pythonOf is the interpreter of a domain.
func pythonOf(b config.Bridge) string {
	return strings.ReplaceAll(b.Command[0], "{domain}", b.Domain)
}

// freePort is a loopback address that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// untrainedBundle writes a bundle for the demonstration's rig whose head has learned nothing, after edit.
func untrainedBundle(t *testing.T, cfg config.Config, edit func(*bundle.Manifest)) string {
	t.Helper()
	record, err := recordOf(cfg.Policy.Base)
	if err != nil {
		t.Fatal(err)
	}
	panda := robot.Panda()
	m := bundle.Manifest{
		Schema: bundle.Schema, Version: bundle.VersionHead, MinDaemon: "0.1.0", Name: "test", Task: "slide",
		Base:     bundle.Base{Name: record.Name, Digest: record.CanonicalDigest, Arch: record.Architecture},
		Adapters: bundle.Adapters{Placement: bundle.PlacementTop, Kind: bundle.KindMLP, Widths: []int{16}, Activation: graph.ReLU.String()},
		Robot:    bundle.Robot{Model: panda.Name, JointNames: panda.Joints, Gripper: bundle.Gripper{Open: 0, Closed: 1}},
		Limits:   bundle.LimitsOf(kitchenLimits(), panda.N(), 0.5),
		Cameras: []preprocess.Camera{{
			Name: "default", SourceWidth: 224, SourceHeight: 224, Width: 112, Height: 112, Colour: "rgb", Interpolation: "area",
			Mean: [3]float64{0.485, 0.456, 0.406}, Std: [3]float64{0.229, 0.224, 0.225},
		}},
		Proprioception: preprocess.ProprioNone, History: 1,
		Action: bundle.Action{
			Kind: bundle.ActionVelocity, Unit: bundle.UnitVelocity, RateHz: 12.5, ChunkSize: 1, NActionSteps: 1,
			Dimensions: bundle.Dimensions(panda.Joints),
		},
		Training: bundle.Training{DataDigest: "sha256:" + strings.Repeat("0", 64), Software: map[string]string{}},
	}
	if edit != nil {
		edit(&m)
	}
	return saveBundle(t, m)
}

// kitchenLimits are the Panda's, with joints 4, 6 and 7 held as the kitchen's simulated arm holds it.
func kitchenLimits() robot.Limits {
	l := robot.Panda().Limits
	l.QMax[3], l.QMax[5], l.QMin[6], l.QMax[6] = -0.5, 3.6, -2.1, 2.8
	return l
}

func saveBundle(t *testing.T, m bundle.Manifest) string {
	t.Helper()
	network, err := m.Network()
	if err != nil {
		t.Fatal(err)
	}
	tensors, err := network.Init(adapter.Start{Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	n := len(m.Action.Dimensions)
	std := make([]float32, n)
	for i := range std {
		std[i] = 0.3
	}
	tensors[bundle.ActionMean] = safetensors.Float32([]int{n}, make([]float32, n))
	tensors[bundle.ActionStd] = safetensors.Float32([]int{n}, std)
	b, err := bundle.New(m, tensors)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "test.safetensors")
	if err := b.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func recordOf(path string) (base.Record, error) {
	var r base.Record
	text, err := os.ReadFile(strings.TrimSuffix(path, ".safetensors") + ".json")
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(text, &r)
}

// quietly runs an evaluation and returns what it printed.
func quietly(ctx context.Context, t *testing.T, cfg config.Config, f evaluateFlags) (string, error) {
	t.Helper()
	defer engineTurn(t)()
	var out strings.Builder
	err := evaluate(ctx, cfg, f, newLog(), io.MultiWriter(&out, testWriter{t}))
	return out.String(), err
}

// engineTurn waits until no other test of this process has ONNX Runtime open, of which a process has one, and gives what
// ends the turn. Any file serves as the lock, and the test's own program is there.
func engineTurn(t *testing.T) (end func()) {
	t.Helper()
	file, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	return func() { _ = file.Close() }
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

// daemonProcess starts sim2reald as a process of its own.
func daemonProcess(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Stderr = testWriter{t}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(cmd) }) // and waits, so that nothing is logged after the test
	return cmd
}

// listens reports whether somebody accepts connections there.
func listens(address string) bool {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// eventually polls until ok or patience ends: for what another process does in its own time.
func eventually(t *testing.T, patience time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal(fmt.Sprint("waited in vain for ", what))
		}
		<-time.After(20 * time.Millisecond)
	}
}
