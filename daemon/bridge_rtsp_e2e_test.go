package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sim2reald/camera"
	"sim2reald/daemon/config"
	"sim2reald/daemon/topic"
)

// TestBridgeByRTSP takes the simulated camera like an IP camera: its pictures come at the control rate, none is broken, and
// they age from when the simulator took them, which is before they came.
func TestBridgeByRTSP(t *testing.T) {
	cfg := rigConfig(t)
	cfg.MQTT.Listen, cfg.Bridge.Clock = "127.0.0.1:0", "realtime"
	cfg.Cameras = []config.Camera{{Name: "default", Source: config.SourceBridgeRTSP}}
	var log bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	w, err := openWorkcell(ctx, cfg, slog.New(slog.NewTextHandler(&log, nil)), workcellOptions{startBridge: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if strings.Contains(log.String(), "camera lost") {
			t.Error(log.String())
		}
	}()
	if c := w.fact.Cameras[0]; c.Encoding != "h264" || c.Address == "" || w.rigOf("").Cameras[0].Width != c.Width {
		t.Errorf("%+v, and the rig has %+v", c, w.rigOf("").Cameras[0])
	}
	var f camera.Frame
	for told := 0; told < 3; {
		select {
		case <-w.cameras[0].Updated():
		case <-ctx.Done():
			t.Fatalf("no picture, or the bridge does not tell its clock: %s", &log)
		}
		if err := w.cameras[0].Read(&f, w.clock(), time.Hour); err != nil {
			t.Fatal(err)
		}
		if f.Sent == 0 {
			continue
		}
		told++
		if way := f.Arrival - f.Taken; way <= 0 || way > 2*time.Second {
			t.Errorf("a picture was %v on its way", way)
		}
	}
}

// TestWaysOfABridge refuses a source that the bridge does not have, with the remedy.
func TestWaysOfABridge(t *testing.T) {
	cfg := rigConfig(t)
	cfg.MQTT.Listen, cfg.Bridge.Clock = "127.0.0.1:0", "lockstep"
	cfg.Cameras[0].Source = config.SourceBridgeRTSP
	for name, c := range map[string]struct{ source, address, want string }{
		"topics":    {config.SourceBridge, "", ""},
		"RTSP":      {config.SourceBridgeRTSP, "rtsp://127.0.0.1:5/default", ""},
		"RTSP only": {config.SourceBridge, "rtsp://127.0.0.1:5/default", "cameras[0].source: bridge, and the bridge sends camera default by RTSP alone; set it to bridge-rtsp"},
		"no RTSP":   {config.SourceBridgeRTSP, "", "cameras[0].source: bridge-rtsp, and the bridge does not send camera default by RTSP; set it to bridge, or start the bridge with --rtsp"},
		"elsewhere": {config.SourceBridgeRTSP, "file:///etc/passwd", `camera default of the factsheet: address "file:///etc/passwd" does not begin with rtsp://; mend the bridge`},
	} {
		got := ""
		if err := checkServed(0, c.source, topic.CameraFact{Name: "default", Address: c.address}); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: got  %s\nwant %s", name, got, c.want)
		}
	}
	flags := evaluateFlags{workers: 1, bridgeFlags: bridgeFlags{horizon: -1}, rtsp: true, clock: "lockstep"}
	if err := flags.apply(&cfg); err == nil || !strings.Contains(err.Error(), "-rtsp is for real time") {
		t.Errorf("%v", err)
	}
}
