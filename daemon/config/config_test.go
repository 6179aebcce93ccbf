package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestExampleIsTheDefault(t *testing.T) {
	var c Config
	if _, err := decode(Example(), &c); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c, Default()) {
		t.Errorf("sim2reald.yaml says\n%+v\nDefault() says\n%+v", c, Default())
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

// TestDemonstrationByRTSP: the file that make run names is one.
func TestDemonstrationByRTSP(t *testing.T) {
	c, err := Load("../../robot/bridge/rtsp.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if c.Cameras[0].Source != SourceBridgeRTSP || c.Ages.ActionMs <= Default().Ages.ActionMs || c.Policy.Base != Default().Policy.Base {
		t.Errorf("%+v", c)
	}
}

func TestLoadRefuses(t *testing.T) {
	cases := []struct{ name, yaml, want string }{
		{"unknown key", "engine:\n  thread: 2\n", "line 2: unknown key engine.thread; did you mean threads?"},
		{"unknown section", "cameraz: []\n", "line 1: unknown key cameraz; did you mean cameras?"},
		{"unknown key in a list", "cameras:\n  - {name: a, sorce: b}\n", "line 2: unknown key cameras[0].sorce; did you mean source?"},
		{"repeated key", "web:\n  listen: a:1\n  listen: b:2\n", "line 3: key web.listen stands twice; keep one"},
		{"no value", "web:\n  listen:\n", "line 2: web.listen has no value; give it one or take the key out"},
		{"a value for a section", "web: 8080\n", "line 1: web holds keys, not a value"},
		{"wrong type", "engine:\n  threads: many\n", `line 2: engine.threads: "many" is not a whole number`},
		{"half a step", "bridge: {horizon: 1.5}", `line 1: bridge.horizon: "1.5" is not a whole number`},
		{"neither true nor false", "policy: {allow_full: maybe}", `policy.allow_full: "maybe" is not true or false`},
		{"a list for a name", "robot: {name: [a]}", `robot.name: "" is not one value`},
		{"no list", "cameras: {name: a}", `cameras: "" is not a list`},
		{"port", "mqtt: {listen: '127.0.0.1:99999'}", `mqtt.listen: port "99999" of "127.0.0.1:99999" is not a number from 0 to 65535`},
		{"not YAML", "a: [", "line 1: did not find expected node content"},
		{"negative", "engine: {threads: -1}", "engine.threads: -1 is not between 1 and 256"},
		{"NaN", "ages: {frame_ms: .nan}", `ages.frame_ms: ".nan" is not a whole number`},
		{"device", "engine: {device: gpu}", `engine.device: "gpu" is not one of [cpu cuda tensorrt auto]`},
		{"engine", "engine: {name: torch}", `engine.name: "torch" is not one of [onnxruntime gorgonia]`},
		{"precision", "engine: {precision: int4}", `engine.precision: "int4" is not one of [float32 int8]`},
		{"no ensemble", "policy: {ensemble: 0}", "policy.ensemble: 0 is not between 1 and 16"},
		{"ensemble of many", "policy: {ensemble: 17}", "policy.ensemble: 17 is not between 1 and 16"},
		{"NaN decay", "policy: {ensemble_decay: .nan}", "policy.ensemble_decay: NaN is not between 0 and 100"},
		{"newest first", "policy: {ensemble_decay: -0.1}", "policy.ensemble_decay: -0.1 is not between 0 and 100"},
		{"empty resident", "policy: {resident: [\"\"]}", "policy.resident[0]: is empty"},
		{"no camera", "cameras: []", "cameras: none; name at least one"},
		{"password in the source", "cameras: [{name: a, source: 'rtsp://u:hunter2@h/x'}]", "cameras[0].source: user and password stand in it; put"},
		{"no address", "cameras: [{name: a, source: 'rtsp:///x?t=hunter2'}]", "cameras[0].source: rtsp:///x is not an address"},
		{"transport", "cameras: [{name: a, source: 'rtsp://h/x', transport: ip}]", `cameras[0].transport: "ip" is not one of [tcp udp]`},
		{"transport of a device", "cameras: [{name: a, source: /dev/video0, transport: udp}]", "cameras[0]: credentials_file, transport and clock are for"},
		{"clock of a camera", "cameras: [{name: a, source: \"rtsp://h/p\", clock: mine}]", `cameras[0].clock: "mine" is not one of [sender arrival]`},
		{"both ways of a bridge", "cameras: [{name: a, source: bridge}, {name: b, source: bridge-rtsp}]", "cameras[1].source: bridge-rtsp where cameras[0].source is bridge"},
		{"rate of a stream", "cameras: [{name: a, source: bridge, rate_hz: 10}]", "cameras[0]: rate_hz and loop are for a device or file, and bridge is neither"},
		{"no rate", "cameras: [{name: a, source: a.mp4, rate_hz: -1}]", "cameras[0].rate_hz: -1 is not between 0 and 1000"},
		{"controls of a file", "cameras: [{name: a, source: a.mp4, controls: {gain: 1}}]", "cameras[0].controls: they are for a device of this host"},
		{"a control's half step", "cameras: [{name: a, source: /dev/video0, controls: {gain: 1.5}}]", `cameras[0].controls.gain: "1.5" is not a whole number`},
		{"controls in a list", "cameras: [{name: a, source: /dev/video0, controls: [gain]}]", `cameras[0].controls: "" is not names with their values`},
		{"loop of a device", "cameras: [{name: a, source: /dev/video0, loop: true}]", "cameras[0].loop: it is for a file, and /dev/video0 is a device"},
		{"serial of a calibration", "cameras: [{name: a, source: b, intrinsics: lens.yaml}]", "cameras[0].serial: is empty; with intrinsics"},
		{"age of a calibration", "calibration: {max_age_days: 0}", "calibration.max_age_days: 0 is not between 1 and 36500"},
		{"warp without a lens", "cameras: [{name: a, source: b, warp: {width: 9, height: 9, fovy_rad: 1}}]", "cameras[0].intrinsics: is empty; a warp needs the lens"},
		{"warp to NaN", "cameras: [{name: a, source: b, warp: {width: 9, height: 9, fovy_rad: .nan}}]", "cameras[0].warp.fovy_rad: NaN is not above 0"},
		{"warp to nothing", "cameras: [{name: a, source: b, warp: {width: 9, fovy_rad: 1}}]", "cameras[0].warp: 9x0 px; want 1 to 8192"},
		{"warp of the bridge's", "cameras: [{name: a, source: bridge, serial: s, intrinsics: l, warp: {width: 9, height: 9, fovy_rad: 1}}]", "cameras[0].warp: the bridge's own pictures"},
		{"camera twice", "cameras: [{name: a, source: b}, {name: a, source: c}]", `cameras[1].name: "a" stands twice`},
		{"address", "web: {listen: nowhere}", `web.listen: "nowhere" is not host:port`},
		{"fault before hold", "ages: {state_silent_ms: 50}", "ages.state_silent_ms: 50 is below ages.state_hold_ms 100"},
		{"no file", "recording: {file_mb: 0}", "recording.file_mb: 0 is not between 1 and 4096"},
		{"one file alone", "recording: {total_mb: 127}", "recording.total_mb: 127 is not between 128 and 1073741824: two files of recording.file_mb at least"},
		{"no room to keep", "recording: {free_mb: 0}", "recording.free_mb: 0 is not between 1 and 1073741824"},
		{"real time", "realtime: {want: always}", `realtime.want: "always" is not one of [off auto required]`},
		{"priority", "realtime: {priority: 50}", "realtime.priority: 50 is not between 1 and 49"},
		{"core by name", "realtime: {core: last}", `realtime.core: "last" is not auto, off, or the number of a core`},
		{"negative core", "realtime: {core: -1}", `realtime.core: "-1" is not auto, off`},
		{"half a core", "realtime: {core: 0.5}", `realtime.core: "0.5" is not auto, off`},
		{"core of no machine", "realtime: {core: 1024}", `realtime.core: "1024" is not auto, off`},
		{"no command at all", "watch: {command_ms: 0}", "watch.command_ms: 0 is not between 1 and 3600000"},
		{"no time to think", "watch: {thinking_periods: 0}", "watch.thinking_periods: 0 is not between 1 and 1000"},
		{"no clamping at all", "watch: {clamped_ms: 0}", "watch.clamped_ms: 0 is not between 1 and 3600000"},
		{"silence before a hold", "watch: {echo_silent_ms: 299}", "watch.echo_silent_ms: 299 is below watch.echo_hold_ms 300"},
		{"negative skew", "watch: {skew_ms: -1}", "watch.skew_ms: -1 is not between 0 and 3600000"},
		{"NaN share", "watch: {clamped_share: .nan}", "watch.clamped_share: NaN is not above 0 and at most 100"},
		{"no share", "watch: {clamped_share: 0}", "watch.clamped_share: 0 is not above 0 and at most 100"},
		{"open to all", "mqtt: {listen: '0.0.0.0:1883'}", `mqtt.listen: "0.0.0.0:1883" is open to other hosts, without TLS`},
		{"open on all", "mqtt: {listen: ':1883'}", `mqtt.listen: ":1883" is open to other hosts`},
		{"open by name", "mqtt: {listen: 'robot.example:1883'}", "use 127.0.0.1 there, and mqtt.listen_tls with mqtt.users for others"},
		{"TLS without files", "mqtt: {listen_tls: '0.0.0.0:8883'}", "mqtt.tls.ca: is empty; give it a value; mqtt.listen_tls needs it"},
		{"TLS without users", "mqtt: {listen_tls: '0.0.0.0:8883', tls: {ca: a, certificate: b, key: c}}", "mqtt.users: none"},
		{"role", "mqtt: {listen_tls: '[::]:8883', tls: {ca: a, certificate: b, key: c}, users: [{name: x, role: root}]}", `mqtt.users[0].role: "root" is not one of [daemon bridge operator onlooker]`},
		{"user twice", "mqtt: {listen_tls: '[::]:8883', tls: {ca: a, certificate: b, key: c}, users: [{name: x, role: bridge}, {name: x, role: daemon}]}", `mqtt.users[1].name: "x" stands twice`},
		{"key alone", "mqtt: {broker: 'b:8883', tls: {ca: a, key: c}}", `mqtt.tls: certificate "" and key "c" go together`},
		{"certificate without authority", "mqtt: {broker: 'b:8883', tls: {certificate: b, key: c}}", "mqtt.tls.ca: is empty"},
		{"password of nobody", "mqtt: {broker: 'b:8883', password_file: p}", "mqtt.user: is empty, and mqtt.password_file is not"},
		{"too fast", "robot: {speed_scale: 1.1}", "robot.speed_scale: 1.1 is not between 0 and 1"},
		{"no speed", "robot: {speed_scale: .nan}", "robot.speed_scale: NaN is not between 0 and 1"},
		{"links in each other", "robot: {self_margin_m: -0.01}", "robot.self_margin_m: -0.01 is not between 0 and 0.2"},
		{"half a box", "robot: {workspace_m: [-1, 1, -1, 1]}", "robot.workspace_m: has 4 numbers; give x_min"},
		{"box turned round", "robot: {workspace_m: [-1, 1, 0.5, -0.5, 0, 1]}", "robot.workspace_m[2]: 0.5 to -0.5 is no length"},
		{"box of nothing", "robot: {workspace_m: [-1, 1, -1, 1, .nan, 1]}", "robot.workspace_m[4]: NaN to 1 is no length"},
		{"box in millimetres", "robot: {workspace_m: [-300, 900, -700, 700, 0, 1200]}", "robot.workspace_m[0]: -300 to 900 is no length within 100 m"},
		{"half a tool", "robot: {tool_m: [0.2]}", "robot.tool_m: [0.2] is not the length of a hand"},
		{"tool wider than long", "robot: {tool_m: [0.05, 0.1]}", "robot.tool_m: [0.05 0.1] is not the length of a hand"},
		{"tool of nothing", "robot: {tool_m: [.nan, 0.1]}", "robot.tool_m: [NaN 0.1] is not the length of a hand"},
		{"clock", "bridge: {clock: wall}", `bridge.clock: "wall" is not one of [realtime lockstep]`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "c.yaml")
			if err := os.WriteFile(path, []byte(c.yaml), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Load(path)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestLoadKeepsDefaults(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte("engine: {threads: &n 2}\nbridge: {horizon: *n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	want := Default()
	want.Engine.Threads, want.Bridge.Horizon = 2, 2
	if err != nil || !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, %v", c, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Example())
	f.Add([]byte("cameras: [{name: a}]\nages: {frame_ms: 1e9}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := Default()
		if doc, err := decode(data, &c); err == nil {
			_ = located(c.Validate(), doc)
		}
	})
}
