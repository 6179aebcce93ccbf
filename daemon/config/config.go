// Package config is the daemon's configuration: one tree of structs, its defaults, and a strict reader.
//
// What belongs here: keys, defaults, bounds. What does not: what the parts do with them (daemon's wire.go).
package config

import (
	_ "embed"
	"fmt"
	"os"
	"slices"
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

// What realtime.core can say, beside a number.
const (
	CoreAuto = "auto"
	CoreOff  = "off"
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
	Core       string `yaml:"core"` // CoreAuto, CoreOff or a number
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
			Want: RealtimeAuto, Priority: 20, LockMemory: true, Core: CoreAuto,
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
