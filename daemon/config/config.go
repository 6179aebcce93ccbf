// Package config is the daemon's configuration: one tree of structs, its defaults, and a strict reader.
//
// What belongs here: keys, defaults, bounds. What does not: what the parts do with them (daemon's wire.go).
package config

import (
	_ "embed"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"sim2reald/robot/upsample"
)

//go:embed sim2reald.yaml
var example []byte

// Example is the shipped sim2reald.yaml: every key with its default and what it means.
func Example() []byte { return slices.Clone(example) }

// Config is the whole file.
type Config struct {
	Robot       Robot       `yaml:"robot"`
	MQTT        MQTT        `yaml:"mqtt"`
	Bridge      Bridge      `yaml:"bridge"`
	Policy      Policy      `yaml:"policy"`
	Engine      Engine      `yaml:"engine"`
	Cameras     []Camera    `yaml:"cameras"`
	Calibration Calibration `yaml:"calibration"`
	Ages        Ages        `yaml:"ages"`
	Watch       Watch       `yaml:"watch"`
	Recording   Recording   `yaml:"recording"`
	Realtime    Realtime    `yaml:"realtime"`
	Web         Web         `yaml:"web"`
}

// Robot names the robot in the topic prefix, and says what it may do here.
type Robot struct {
	Name string `yaml:"name"`
	// SpeedScale is the part of the arm's speed limits that may be used; 0: RealSpeedScale of a real arm, 1 of a simulated one.
	SpeedScale float64 `yaml:"speed_scale"`
	// Workspace is x_min, x_max, y_min, y_max, z_min, z_max of the box that the arm stays in, in its base's coordinate frame,
	// m; empty: the bridge's.
	Workspace  []float64 `yaml:"workspace_m"`
	SelfMargin float64   `yaml:"self_margin_m"` // that links keep from each other
	Tool       []float64 `yaml:"tool_m"`        // length from the flange and radius of the hand; empty: the arm's usual one
}

// RealSpeedScale is the part of a real arm's speed limits that is used unless the configuration says another.
const RealSpeedScale = 0.3

// Bridge is the simulated workcell that evaluate and collect start by themselves. {domain} in the Command stands
// for Domain: not all of them can live in one environment. With an empty Command they use the bridge that is there.
type Bridge struct {
	Command []string `yaml:"command"`
	Domain  string   `yaml:"domain"`
	Task    string   `yaml:"task"`
	Clock   string   `yaml:"clock"`
	Jitter  string   `yaml:"jitter"`
	Horizon int      `yaml:"horizon"`
}

// Policy names the base, the bundle that decides first, further ones that are kept ready beside it, and the
// folder that an operator may stage others from.
type Policy struct {
	Base     string   `yaml:"base"`
	Bundle   string   `yaml:"bundle"`
	Resident []string `yaml:"resident"`
	Folder   string   `yaml:"folder"`
	// AllowFull lets a bundle of kind full run, which replaces the base instead of adapting it.
	AllowFull bool `yaml:"allow_full"`
	// Ensemble is how many of the newest answers are averaged where their actions overlap, EnsembleDecay the m of their
	// weights exp(-m·i), i = 0 for the oldest.
	Ensemble      int     `yaml:"ensemble"`
	EnsembleDecay float64 `yaml:"ensemble_decay"`
	// RequireReference refuses a bundle that does not say what its cameras should show.
	RequireReference bool `yaml:"require_reference"`
	// TrustedKeys, if there are any, are those that must have signed a bundle; Releases is the file that keeps the newest
	// release of each name.
	TrustedKeys []string `yaml:"trusted_keys"`
	Releases    string   `yaml:"releases"`
}

// Engines by name.
const (
	ONNXRuntime = "onnxruntime"
	Gorgonia    = "gorgonia"
)

// Engine says what computes, on what, and in which precision of the frozen weights.
type Engine struct {
	Name      string `yaml:"name"`
	Library   string `yaml:"library"` // of onnxruntime
	Device    string `yaml:"device"`
	Precision string `yaml:"precision"`
	Threads   int    `yaml:"threads"`
	Spin      bool   `yaml:"spin"` // of onnxruntime: threads wait for each other without sleeping
}

// Ages bound how old what is acted on may be, in milliseconds.
type Ages struct {
	FrameMs       int `yaml:"frame_ms"`
	ApartMs       int `yaml:"apart_ms"` // between pictures of several cameras
	StateHoldMs   int `yaml:"state_hold_ms"`
	StateSilentMs int `yaml:"state_silent_ms"`
	ActionMs      int `yaml:"action_ms"`
}

// Web says where the page is served.
type Web struct {
	Listen string   `yaml:"listen"`
	Hosts  []string `yaml:"hosts"` // names that it is opened by, beside localhost and IP addresses
	RTSP   string   `yaml:"rtsp"`  // where the cameras are served; "": nowhere
}

// What realtime.want can say.
const (
	RealtimeOff      = "off"
	RealtimeAuto     = "auto"
	RealtimeRequired = "required"
)

// Watch bounds what else is watched.
type Watch struct {
	CommandMs       int     `yaml:"command_ms"`
	ThinkingPeriods int     `yaml:"thinking_periods"`
	EchoHoldMs      int     `yaml:"echo_hold_ms"` // 0: off
	EchoSilentMs    int     `yaml:"echo_silent_ms"`
	SkewMs          int     `yaml:"skew_ms"` // 0: off
	ClampedMs       int     `yaml:"clamped_ms"`
	ClampedShare    float64 `yaml:"clamped_share"` // of a speed limit
}

// Recording says where `run` writes down what it sends, and how much of a disk that may take, in MB of 2^20 bytes.
type Recording struct {
	Folder  string `yaml:"folder"` // "": nowhere
	FileMB  int    `yaml:"file_mb"`
	TotalMB int    `yaml:"total_mb"`
	FreeMB  int    `yaml:"free_mb"`
}

// Realtime says what the control loop's thread asks of the kernel where the clock is the wall's.
type Realtime struct {
	Want       string `yaml:"want"`
	Priority   int    `yaml:"priority"` // of SCHED_FIFO
	LockMemory bool   `yaml:"lock_memory"`
}

// Default is the demonstration: the simulated kitchen, the base that `make setup` converts, and the bundle that
// this repository ships.
func Default() Config {
	return Config{
		Robot: Robot{Name: "kitchen", Workspace: []float64{}, SelfMargin: 0.01, Tool: []float64{}},
		MQTT:  MQTT{Broker: "embedded", Listen: "127.0.0.1:1883", Users: []MQTTUser{}},
		Bridge: Bridge{
			Command: []string{"build/venv-{domain}/bin/python", "-m", "sim2real_bridge"},
			Domain:  "kitchen", Task: "slide", Clock: "realtime", Jitter: "j05",
		},
		Policy: Policy{
			Base:   "build/base/vit_small_patch14_dinov2.safetensors",
			Bundle: "model/bundles/kitchen-slide.safetensors", Resident: []string{}, Folder: "model/bundles", TrustedKeys: []string{},
			Ensemble: 1, EnsembleDecay: 0.01,
		},
		Engine: Engine{
			Name: ONNXRuntime, Library: "build/lib/libonnxruntime.so", Device: "cpu", Precision: "float32", Threads: 1,
		},
		Cameras:     []Camera{{Name: "default", Source: SourceBridge, Controls: map[string]int{}}},
		Calibration: Calibration{MaxAgeDays: 30},
		Ages:        Ages{FrameMs: 300, ApartMs: 50, StateHoldMs: 100, StateSilentMs: 500, ActionMs: 400},
		Watch:       Watch{CommandMs: 300, ThinkingPeriods: 3, EchoHoldMs: 300, EchoSilentMs: 2000, SkewMs: 250, ClampedMs: 1000, ClampedShare: 1},
		Recording:   Recording{FileMB: 64, TotalMB: 4096, FreeMB: 1024},
		Realtime: Realtime{
			Want: RealtimeAuto, Priority: 20, LockMemory: true,
		},
		Web: Web{Listen: "127.0.0.1:8080", Hosts: []string{}},
	}
}

// Load reads a file over the defaults: what it does not say stays as Default has it. An empty path is the
// defaults themselves.
func Load(path string) (Config, error) {
	c := Default()
	if path == "" {
		return c, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("reading config: %w; see `sim2reald config` for an example", err)
	}
	doc, err := decode(data, &c)
	if err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	if err := located(c.Validate(), doc); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

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

// validate keeps the priority below the kernel's own threads, which interrupts wait for.
func (r Realtime) validate() error {
	if err := oneOf("realtime.want", r.Want, RealtimeOff, RealtimeAuto, RealtimeRequired); err != nil {
		return err
	}
	return between("realtime.priority", r.Priority, 1, 49)
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
