package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sim2reald/daemon/config"
)

// mutant is a configuration that must be refused, and what the refusal must name.
type mutant struct{ text, names string }

// mutants are typing errors, values of the wrong kind, numbers out of range and what the keys forbid.
func mutants() []mutant {
	out := []mutant{
		{"robots: {name: arm}", "robots"}, {"robot: {nam: arm}", "robot.nam"}, {"robot: {name: ''}", "robot.name"},
		{"robot: arm", "robot"}, {"robot: {name: [a]}", "robot.name"}, {"robot: {name: a}\nrobot: {name: b}", "robot"},
		{"robot: {name: a, name: b}", "name"}, {"mqtt: {broker: nowhere}", "mqtt.broker"}, {"mqtt: {brokr: embedded}", "mqtt.brokr"},
		{"mqtt: {broker: ''}", "mqtt.broker"}, {"mqtt: {listen: '127.0.0.1'}", "mqtt.listen"},
		{"mqtt: {listen: '127.0.0.1:99999'}", "mqtt.listen"}, {"bridge: {clock: wall}", "bridge.clock"},
		{"bridge: {horizon: -1}", "bridge.horizon"}, {"bridge: {horizon: 1.5}", "bridge.horizon"}, {"bridge: {horizon: many}", "bridge.horizon"},
		{"bridge: {horizon: .nan}", "bridge.horizon"}, {"bridge: {command: 3}", "bridge.command"}, {"bridge: {tsk: slide}", "bridge.tsk"},
		{"policy: {base: ''}", "policy.base"}, {"policy: {bundle: ''}", "policy.bundle"}, {"policy: {folder: ''}", "policy.folder"},
		{"policy: {resident: ['']}", "policy.resident[0]"}, {"policy: {allow_full: maybe}", "policy.allow_full"}, {"policy: {bundel: x}", "policy.bundel"},
		{"engine: {device: gpu}", "engine.device"}, {"engine: {name: torch}", "engine.name"}, {"engine: {precision: float16}", "engine.precision"},
		{"engine: {threads: 0}", "engine.threads"}, {"engine: {threads: -1}", "engine.threads"}, {"engine: {threads: 1e9}", "engine.threads"},
		{"engine: {thread: 1}", "engine.thread"}, {"engine: {threads: '4'}", "engine.threads"}, {"engine: {device: cpu, device: cuda}", "device"},
		{"cameras: []", "cameras"}, {"cameras: [{name: a}]", "cameras[0].source"}, {"cameras: [{source: bridge}]", "cameras[0].name"},
		{"cameras: [{name: a, source: bridge}, {name: a, source: bridge}]", "cameras[1].name"}, {"cameras: {name: a}", "cameras"},
		{"cameras: [{name: a, src: b}]", "cameras[0].src"}, {"ages: {frame_ms: 0}", "ages.frame_ms"}, {"ages: {frame_ms: -300}", "ages.frame_ms"},
		{"ages: {frame_ms: .nan}", "ages.frame_ms"}, {"ages: {frame_ms: .inf}", "ages.frame_ms"}, {"ages: {frame_ms: 300ms}", "ages.frame_ms"},
		{"ages: {frame_ms: 0.3}", "ages.frame_ms"}, {"ages: {frame_s: 1}", "ages.frame_s"}, {"ages: {state_hold_ms: 99999999}", "ages.state_hold_ms"},
		{"ages: {state_hold_ms: 500, state_silent_ms: 100}", "ages.state_silent_ms"}, {"ages: {action_ms: 0}", "ages.action_ms"},
		{"ages: {frame_ms: 1, frame_ms: 2}", "frame_ms"}, {"ages: 300", "ages"}, {"web: {listen: here}", "web.listen"},
		{"web: {listn: '127.0.0.1:1'}", "web.listn"}, {"web: {listen: 8080}", "web.listen"}, {"web: [1]", "web"},
		{"realtime: {want: always}", "realtime.want"}, {"realtime: {priority: 99}", "realtime.priority"}, {"realtime: {lock_memory: 7}", "realtime.lock_memory"},
		{"- robot", "line"}, {"robot: {name: 'a", "line"}, {"engine:\n\tthreads: 1", "line"}, {"!!binary aGk=", "line"},
	}
	return out
}

// configMutants loads each.
func configMutants(_ context.Context, b *bench) outcome {
	path := filepath.Join(b.dir, "mutant.yaml")
	var wrong []string
	for _, m := range mutants() {
		if err := os.WriteFile(path, []byte(m.text+"\n"), 0o600); err != nil {
			return broken(err)
		}
		_, err := config.Load(path)
		if err == nil || !strings.Contains(err.Error(), m.names) || strings.Contains(err.Error(), "\n") {
			wrong = append(wrong, fmt.Sprintf("%q: %v", m.text, err))
		}
	}
	n := len(mutants())
	if len(wrong) > 0 {
		return measured(false, "%d of %d refused by name; not so: %s", n-len(wrong), n, strings.Join(wrong, "; "))
	}
	return measured(n >= 60, "%d of %d refused, each in one line that names the key or the line", n, n)
}
