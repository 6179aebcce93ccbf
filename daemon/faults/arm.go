package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"sim2reald/robot"
)

// joints of the suite's arm, a Panda.
const joints = 7

// armTick is one tick of the arm, in simulated time.
const armTick = 10 * time.Millisecond

// tick is one line of the arm's log: what it did, whatever anybody was told.
type tick struct {
	at      moment
	mode    string // of the bridge
	episode string // its state
	epoch   string // of the command applied, "-" before the first of an episode
	seq     uint64
	q, v    robot.Vector // rad, rad/s: where it is, and the velocity that it was told after shaping
}

// still reports whether the arm is told to stand.
func (t *tick) still() bool { return t.v == robot.Vector{} }

// arm is the process that owns it.
type arm struct {
	*process
	path string
}

// startArm runs the bridge on the suite's arm. It appends to the log at path.
func startArm(b *bench, broker, path string, args ...string) (*arm, error) {
	words := append([]string{
		"daemon/faults/arm.py", "--broker", broker, "--robot", robotName, "--clock", "realtime",
		"--size", strconv.Itoa(pictureSize), "--exit-with-parent",
	}, args...)
	p, err := start([]string{"PYTHONPATH=robot/bridge", "FAULTS_LOG=" + path}, b.python, words...)
	if err != nil {
		return nil, fmt.Errorf("%w; `make setup` makes its environment", err)
	}
	return &arm{p, path}, nil
}

// suffer replaces what is wrong with the arm; see arm.py.
func (a *arm) suffer(faults map[string]any) error {
	line, err := json.Marshal(faults)
	if err != nil {
		return err
	}
	_, err = a.stdin.Write(append(line, '\n'))
	return err
}

// recover ends what is wrong with it.
func (a *arm) recover() error { return a.suffer(map[string]any{}) }

// ticks reads the log.
func (a *arm) ticks() ([]tick, error) { return readTicks(a.path) }

func readTicks(path string) ([]tick, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(string(text), "\n")
	out := make([]tick, 0, len(lines))
	for i, line := range lines[:len(lines)-1] { // the last is empty, or not whole
		t, err := parseTick(line)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, i+1, err)
		}
		out = append(out, t)
	}
	return out, nil
}

// tickFields are the words of a line.
const tickFields = 5 + 2*joints

func parseTick(line string) (tick, error) {
	words := strings.Fields(line)
	if len(words) != tickFields {
		return tick{}, fmt.Errorf("%d words, want %d", len(words), tickFields)
	}
	t := tick{mode: words[1], episode: words[2], epoch: words[3]}
	seconds, err := strconv.ParseFloat(words[0], 64)
	if err != nil {
		return t, err
	}
	t.at = moment(seconds * float64(time.Second))
	if t.seq, err = strconv.ParseUint(words[4], 10, 64); err != nil {
		return t, err
	}
	for j := range joints {
		for _, part := range []struct {
			word string
			into *float64
		}{{words[5+j], &t.q[j]}, {words[5+joints+j], &t.v[j]}} {
			if *part.into, err = strconv.ParseFloat(part.word, 64); err != nil {
				return t, err
			}
		}
	}
	return t, nil
}

// newestTick is the last whole line of the log; false before the first.
func (a *arm) newestTick() (tick, bool) {
	f, err := os.Open(a.path)
	if err != nil {
		return tick{}, false
	}
	defer f.Close()
	const tail = 2048
	info, err := f.Stat()
	if err != nil {
		return tick{}, false
	}
	from := max(0, info.Size()-tail)
	text := make([]byte, info.Size()-from)
	if _, err := f.ReadAt(text, from); err != nil {
		return tick{}, false
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 2 {
		return tick{}, false
	}
	t, err := parseTick(lines[len(lines)-2])
	return t, err == nil
}

// since are the ticks from a moment on.
func since(ticks []tick, from moment) []tick {
	for i := range ticks {
		if ticks[i].at >= from {
			return ticks[i:]
		}
	}
	return nil
}
