package config

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"sim2reald/robot/upsample"
)

// Validate checks each section and names the first key that is wrong, its value and what it may be.
func (c Config) Validate() error {
	for _, check := range []func() error{
		c.Robot.validate, c.MQTT.validate, c.Bridge.validate, c.Policy.validate, c.Engine.validate,
		c.validateCameras, c.Calibration.validate, c.Ages.validate, c.Watch.validate, c.Recording.validate, c.Realtime.validate, c.Web.validate,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (r Robot) validate() error {
	if err := required("robot.name", r.Name); err != nil {
		return err
	}
	// Each written so that NaN is refused.
	if !(r.SpeedScale >= 0 && r.SpeedScale <= 1) {
		return fmt.Errorf("robot.speed_scale: %g is not between 0 and 1", r.SpeedScale)
	}
	if !(r.SelfMargin >= 0 && r.SelfMargin <= 0.2) {
		return fmt.Errorf("robot.self_margin_m: %g is not between 0 and 0.2", r.SelfMargin)
	}
	if err := r.validateTool(); err != nil {
		return err
	}
	return r.validateWorkspace()
}

func (r Robot) validateTool() error {
	if len(r.Tool) == 0 {
		return nil
	}
	if len(r.Tool) != 2 || !(r.Tool[1] > 0 && r.Tool[1] <= 0.5) || !(r.Tool[0] >= r.Tool[1] && r.Tool[0] <= 1) {
		return fmt.Errorf("robot.tool_m: %g is not the length of a hand, at most 1, and its radius, at most 0.5 and that length", r.Tool)
	}
	return nil
}

func (r Robot) validateWorkspace() error {
	if len(r.Workspace) != 0 && len(r.Workspace) != 6 {
		return fmt.Errorf("robot.workspace_m: has %d numbers; give x_min, x_max, y_min, y_max, z_min, z_max, or none for the bridge's", len(r.Workspace))
	}
	for i := 0; i < len(r.Workspace); i += 2 {
		if lo, hi := r.Workspace[i], r.Workspace[i+1]; !(lo < hi && lo > -100 && hi < 100) {
			return fmt.Errorf("robot.workspace_m[%d]: %g to %g is no length within 100 m; the first must be below the second", i, lo, hi)
		}
	}
	return nil
}

func (b Bridge) validate() error {
	if err := oneOf("bridge.clock", b.Clock, "realtime", "lockstep"); err != nil {
		return err
	}
	return between("bridge.horizon", b.Horizon, 0, 1_000_000)
}

func (p Policy) validate() error {
	if err := required("policy.base", p.Base); err != nil {
		return err
	}
	for i, path := range p.Resident {
		if err := required(fmt.Sprintf("policy.resident[%d]", i), path); err != nil {
			return err
		}
	}
	if err := required("policy.folder", p.Folder); err != nil {
		return err
	}
	if err := p.validateEnsemble(); err != nil {
		return err
	}
	if len(p.TrustedKeys) > 0 && p.Releases == "" {
		return fmt.Errorf("policy.releases: is empty; with policy.trusted_keys, name a file that keeps the newest release of each bundle, where only the daemon can write")
	}
	return required("policy.bundle", p.Bundle)
}

func (p Policy) validateEnsemble() error {
	if err := between("policy.ensemble", p.Ensemble, 1, upsample.MaxChunks); err != nil {
		return err
	}
	// Written so that NaN is refused.
	if !(p.EnsembleDecay >= 0 && p.EnsembleDecay <= 100) {
		return fmt.Errorf("policy.ensemble_decay: %g is not between 0 and 100", p.EnsembleDecay)
	}
	return nil
}

func (e Engine) validate() error {
	if err := oneOf("engine.name", e.Name, ONNXRuntime, Gorgonia); err != nil {
		return err
	}
	if err := oneOf("engine.device", e.Device, "cpu", "cuda", "tensorrt", "auto"); err != nil {
		return err
	}
	if err := oneOf("engine.precision", e.Precision, "float32", "int8"); err != nil {
		return err
	}
	return between("engine.threads", e.Threads, 1, 256)
}

// hour is one in milliseconds, beyond which no age bounds anything.
const hour = 3_600_000

func (a Ages) validate() error {
	for _, k := range []struct {
		key   string
		value int
	}{
		{"ages.frame_ms", a.FrameMs}, {"ages.apart_ms", a.ApartMs}, {"ages.state_hold_ms", a.StateHoldMs},
		{"ages.state_silent_ms", a.StateSilentMs}, {"ages.action_ms", a.ActionMs},
	} {
		if err := between(k.key, k.value, 1, hour); err != nil {
			return err
		}
	}
	if a.StateSilentMs < a.StateHoldMs {
		return fmt.Errorf("ages.state_silent_ms: %d is below ages.state_hold_ms %d; a fault must come after a hold", a.StateSilentMs, a.StateHoldMs)
	}
	return nil
}

const mostCores = 1024 // that Linux is asked about at once

// validate keeps the priority below the kernel's own threads, which interrupts wait for.
func (r Realtime) validate() error {
	if err := oneOf("realtime.want", r.Want, RealtimeOff, RealtimeAuto, RealtimeRequired); err != nil {
		return err
	}
	if err := between("realtime.priority", r.Priority, 1, 49); err != nil {
		return err
	}
	if n, err := strconv.Atoi(r.Core); r.Core != CoreAuto && r.Core != CoreOff && (err != nil || n < 0 || n >= mostCores) {
		return fmt.Errorf("realtime.core: %q is not auto, off, or the number of a core, from 0", r.Core)
	}
	return nil
}

func (w Watch) validate() error {
	for _, k := range []struct {
		key           string
		value, lo, hi int
	}{
		{"watch.command_ms", w.CommandMs, 1, hour}, {"watch.thinking_periods", w.ThinkingPeriods, 1, 1000},
		{"watch.clamped_ms", w.ClampedMs, 1, hour}, {"watch.echo_hold_ms", w.EchoHoldMs, 0, hour},
		{"watch.echo_silent_ms", w.EchoSilentMs, 1, hour}, {"watch.skew_ms", w.SkewMs, 0, hour},
	} {
		if err := between(k.key, k.value, k.lo, k.hi); err != nil {
			return err
		}
	}
	if w.EchoSilentMs < w.EchoHoldMs {
		return fmt.Errorf("watch.echo_silent_ms: %d is below watch.echo_hold_ms %d; a fault must come after a hold", w.EchoSilentMs, w.EchoHoldMs)
	}
	// Written so that NaN is refused.
	if !(w.ClampedShare > 0 && w.ClampedShare <= 100) {
		return fmt.Errorf("watch.clamped_share: %g is not above 0 and at most 100", w.ClampedShare)
	}
	return nil
}

func (r Recording) validate() error {
	const most = 1 << 30 // a PiB
	if err := between("recording.file_mb", r.FileMB, 1, 4096); err != nil {
		return err
	}
	if err := between("recording.total_mb", r.TotalMB, 2*r.FileMB, most); err != nil {
		return fmt.Errorf("%w: two files of recording.file_mb at least", err)
	}
	return between("recording.free_mb", r.FreeMB, 1, most)
}

func (w Web) validate() error {
	for i, host := range w.Hosts {
		if host == "" || strings.ContainsAny(host, ":/*@ ") {
			return fmt.Errorf("web.hosts[%d]: %q is not a name; write it as in the browser, without http:// and port, such as robot-pc.local", i, host)
		}
	}
	if w.RTSP != "" {
		if err := address("web.rtsp", w.RTSP); err != nil {
			return err
		}
	}
	return address("web.listen", w.Listen)
}

// Milliseconds turns a key that ends in _ms into a duration.
func Milliseconds(ms int) time.Duration { return time.Duration(ms) * time.Millisecond }

func required(key, value string) error {
	if value == "" {
		return fmt.Errorf("%s: is empty; give it a value", key)
	}
	return nil
}

func oneOf(key, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("%s: %q is not one of %v", key, value, allowed)
}

func between(key string, value, lo, hi int) error {
	if value < lo || value > hi {
		return fmt.Errorf("%s: %d is not between %d and %d", key, value, lo, hi)
	}
	return nil
}

func address(key, value string) error {
	_, port, err := net.SplitHostPort(value)
	if err != nil {
		return fmt.Errorf("%s: %q is not host:port, such as 127.0.0.1:1883", key, value)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%s: port %q of %q is not a number from 0 to 65535", key, port, value)
	}
	return nil
}
