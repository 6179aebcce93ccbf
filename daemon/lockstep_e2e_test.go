package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	broker "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
	"go.yaml.in/yaml/v3"

	"sim2reald/daemon/config"
	"sim2reald/daemon/evaluation"
	"sim2reald/daemon/topic"
)

// evaluated is what an evaluation leaves behind.
type evaluated struct {
	text     string
	report   evaluation.Report
	commands []topic.JointCommand // without the epochs, which are drawn anew at each start
}

// evaluateTyped runs the command in a process of its own: one process has ONNX Runtime once, and tests wait for it in turn. Of the
// flags it hands on those that say how many episodes there are of what; what else they ask, apply has made the configuration's.
func evaluateTyped(t *testing.T, cfg config.Config, f evaluateFlags) evaluated {
	t.Helper()
	dir := t.TempDir()
	report, commands := filepath.Join(dir, "report.json"), filepath.Join(dir, "commands.jsonl")
	settings, err := yaml.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "evaluate", "-config", configFile(t, string(settings)), "-page=false", "-json", report, "-commands", commands,
		fmt.Sprint("-seed=", seedOfTests), fmt.Sprint("-episodes=", f.episodes), fmt.Sprint("-control=", f.control), fmt.Sprint("-hold=", f.onlyHolder))
	cmd.Stderr = testWriter{t}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd.Args, err)
	}
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	e := evaluated{text: string(out), commands: recorded(t, commands)}
	if err := json.Unmarshal(text, &e.report); err != nil {
		t.Fatal(err)
	}
	return e
}

func recorded(t *testing.T, path string) []topic.JointCommand {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []topic.JointCommand
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var c topic.JointCommand
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		if c.Epoch == "" || c.Observed.Epoch == "" {
			t.Fatalf("a command without epochs: %+v", c)
		}
		c.Epoch, c.Observed.Epoch = "", ""
		all = append(all, c)
	}
	return all
}

// trials are an arm's, without what the wall clock says of them.
func (e evaluated) trials(arm int) []evaluation.Trial {
	trials := e.report.Arms[arm].Trials
	for i := range trials {
		trials[i].Wall = 0
	}
	return trials
}

// TestLockstep runs the same seeds three times: as they are, again, and with messages lost and doubled on the
// way. Every command must be the same. The first run has the controls beside it, and the untrained must fail.
func TestLockstep(t *testing.T) {
	t.Parallel()
	cfg := rigConfig(t)
	cfg.Bridge.Horizon = 120
	first := evaluateTyped(t, cfg, evaluateFlags{episodes: 2, control: 1})
	checkReport(t, first)
	policy := first.commands[:first.trials(0)[0].Steps+first.trials(0)[1].Steps]
	checkCommands(t, policy, first.trials(0))

	t.Run("again", func(t *testing.T) {
		second := evaluateTyped(t, cfg, evaluateFlags{episodes: 2})
		sameCommands(t, second.commands, policy)
	})
	t.Run("with losses", func(t *testing.T) {
		l := newLossyBroker(t)
		lossy := cfg
		lossy.MQTT.Broker = l.address
		lossy.Bridge.Command = append(append([]string{}, cfg.Bridge.Command...), "--repeat-s", "0.5")
		p := newTap(t, l.address)
		third := evaluateTyped(t, lossy, evaluateFlags{episodes: 2})
		sameCommands(t, third.commands, policy)
		if got, want := third.trials(0), first.trials(0); !reflect.DeepEqual(got, want) {
			t.Errorf("trials %+v\nwant %+v", got, want)
		}
		l.checkCounts(t, p.newestState().Dropped)
	})
}

// checkReport wants every arm in the table, a policy that opens the door and an untrained head that does not.
func checkReport(t *testing.T, e evaluated) {
	t.Helper()
	for _, want := range []string{"\npolicy: ", "\nuntrained: an untrained head on the same base", "successes          0 of 1 (0 %)", "\nblind: ", "seeds              30000 to 30001"} {
		if !strings.Contains(e.text, want) {
			t.Errorf("the table does not say %q", want)
		}
	}
	if _, successes, _ := e.report.Arms[0].Counts(); successes == 0 {
		t.Errorf("the policy never succeeds: %+v", e.trials(0))
	}
	untrained := e.trials(1)[0]
	if untrained.Outcome != "truncated" || untrained.Steps != e.report.Horizon {
		t.Errorf("untrained: %+v", untrained)
	}
}

// checkCommands wants one command for each step, stamped with simulator time.
func checkCommands(t *testing.T, commands []topic.JointCommand, trials []evaluation.Trial) {
	t.Helper()
	if want := trials[0].Steps + trials[1].Steps; len(commands) != want {
		t.Fatalf("%d commands for %d steps", len(commands), want)
	}
	for i, c := range commands {
		step := i
		if i >= trials[0].Steps {
			step -= trials[0].Steps
		}
		since := c.Stamp.Duration() - commands[i-step].Stamp.Duration()
		if c.Seq != uint64(i+1) || c.Stamp != c.Observed.Stamp || since != time.Duration(step)*80*time.Millisecond || c.Mode != "velocity" {
			t.Fatalf("command %d, step %d: %+v", i, step, c)
		}
	}
}

func sameCommands(t *testing.T, got, want []topic.JointCommand) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d commands, want %d", len(got), len(want))
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("command %d differs:\ngot  %+v\nwant %+v", i, got[i], want[i])
		}
	}
}

// TestHoldOnlyScoresNothing is the policy that sends nothing but holds: lock-step goes on to the horizon, and
// the score is zero.
func TestHoldOnlyScoresNothing(t *testing.T) {
	t.Parallel()
	cfg := rigConfig(t)
	cfg.Bridge.Horizon = 60
	e := evaluateTyped(t, cfg, evaluateFlags{episodes: 1, onlyHolder: true})
	trial := e.trials(0)[0]
	if trial.Outcome != "truncated" || trial.Steps != 60 || len(e.commands) != 60 {
		t.Errorf("%+v with %d commands", trial, len(e.commands))
	}
	for _, c := range e.commands {
		if c.Mode != "hold" || c.Reason != "policy" || len(c.Velocity) != 0 {
			t.Fatalf("sent %+v", c)
		}
	}
	for _, want := range []string{"a policy that sends nothing but holds", "successes          0 of 1 (0 %), 95 % interval 0.00 to 0.79"} {
		if !strings.Contains(e.text, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
}

// lossyBroker is a real broker that loses some messages and doubles others.
type lossyBroker struct {
	broker.HookBase
	server  *broker.Server
	address string

	mu   sync.Mutex
	seen map[string]int
}

// faults say which of a topic's messages are lost and which come twice, counted from one.
func faults() map[string]struct{ lost, doubled []int } {
	return map[string]struct{ lost, doubled []int }{
		kitchen + "joint_command":  {lost: []int{5}, doubled: []int{9, 17, 60}},
		kitchen + "joint_states":   {lost: []int{14}, doubled: []int{24}},
		kitchen + "camera/default": {lost: []int{30}, doubled: []int{35}},
	}
}

func newLossyBroker(t *testing.T) *lossyBroker {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &lossyBroker{address: listener.Addr().String(), seen: map[string]int{}}
	l.server = broker.New(&broker.Options{InlineClient: true, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	for _, err := range []error{
		l.server.AddHook(new(auth.AllowHook), nil), l.server.AddHook(l, nil),
		l.server.AddListener(listeners.NewNet("tcp", listener)), l.server.Serve(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = l.server.Close() })
	return l
}

// ID names the hook.
func (l *lossyBroker) ID() string { return "losses" }

// Provides says what the hook does.
func (l *lossyBroker) Provides(b byte) bool { return b == broker.OnPublish }

// OnPublish loses or doubles a message.
func (l *lossyBroker) OnPublish(from *broker.Client, pk packets.Packet) (packets.Packet, error) {
	fault, ok := faults()[pk.TopicName]
	if !ok || from.Net.Inline {
		return pk, nil
	}
	l.mu.Lock()
	l.seen[pk.TopicName]++
	n := l.seen[pk.TopicName]
	l.mu.Unlock()
	for _, lost := range fault.lost {
		if n == lost {
			return pk, packets.ErrRejectPacket
		}
	}
	for _, doubled := range fault.doubled {
		if n == doubled {
			return pk, l.server.Publish(pk.TopicName, pk.Payload, false, 0)
		}
	}
	return pk, nil
}

// checkCounts wants the bridge to have counted each doubled command, and nothing that is not a copy. It may
// count more copies: on a slow machine it repeats an observation that is about to be answered.
func (l *lossyBroker) checkCounts(t *testing.T, dropped map[string]uint64) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, fault := range faults() {
		if last := max(fault.lost[len(fault.lost)-1], fault.doubled[len(fault.doubled)-1]); l.seen[name] < last {
			t.Errorf("%s had %d messages; the faults need %d", name, l.seen[name], last)
		}
	}
	if want := len(faults()[kitchen+"joint_command"].doubled); dropped["sequence"] < uint64(want) {
		t.Errorf("dropped %v, want at least %d by sequence", dropped, want)
	}
	delete(dropped, "sequence")
	if len(dropped) > 0 {
		t.Errorf("dropped for other reasons: %v", dropped)
	}
}
