package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"sim2reald/daemon/evaluation"
)

// trials are the episodes of an evaluation on the suite's arm: those of odd seeds succeed, in their last steps.
const (
	trials     = 6
	firstSeed  = 100
	trialSteps = 150
)

// evaluateArgs are the command line of an evaluation on the suite's arm, whose bridge the daemon starts itself.
func (b *bench) evaluateArgs(dir, clock string, more ...string) ([]string, error) {
	files, err := b.policy()
	if err != nil {
		return nil, err
	}
	page, err := freeAddress()
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf(`robot: {name: %s}
mqtt: {broker: embedded, listen: "127.0.0.1:0"}
web: {listen: %q}
policy: {base: %q, bundle: %q}
bridge:
  command: [%q, daemon/faults/arm.py, --size, "%d"]
  domain: faults
  task: move
  jitter: none
  clock: %s
  horizon: %d
`, robotName, page, files.base, files.bundle, b.python, pictureSize, clock, trialSteps)
	path := filepath.Join(dir, "evaluate.yaml")
	args := []string{"evaluate", "-config", path, "-seed", fmt.Sprint(firstSeed), "-page=false"}
	return append(args, more...), os.WriteFile(path, []byte(text), 0o600)
}

// evaluateEnvironment lets the bridge succeed.
func evaluateEnvironment() []string {
	return []string{"PYTHONPATH=robot/bridge", fmt.Sprintf("FAULTS_SUCCESS_STEPS=%d", trialSteps-10)}
}

// evaluationResumed kills an evaluation between two of its trials, goes on with it, and counts.
func evaluationResumed(ctx context.Context, b *bench) outcome {
	dir, err := os.MkdirTemp(b.dir, "rig")
	if err != nil {
		return broken(err)
	}
	report := filepath.Join(dir, "report.json")
	args, err := b.evaluateArgs(dir, "lockstep", "-episodes", fmt.Sprint(trials), "-json", report)
	if err != nil {
		return broken(err)
	}
	kills, err := b.killedEvaluation(ctx, args, filepath.Join(dir, "report.jsonl"))
	if err != nil {
		return broken(err)
	}
	text, err := os.ReadFile(report)
	if err != nil {
		return broken(err)
	}
	return judgeReport(text, kills)
}

// killedEvaluation kills it once each time that its journal has grown by two trials, until it ends by itself.
func (b *bench) killedEvaluation(ctx context.Context, args []string, journal string) (kills int, err error) {
	for grown := 2; ; grown += 2 {
		p, err := start(evaluateEnvironment(), b.binary, args...)
		if err != nil {
			return kills, err
		}
		err = eventually(ctx, 60*time.Second, "trials", func() bool {
			return !p.alive() || grown < trials && linesOf(journal) >= 1+grown
		})
		if err != nil {
			p.kill()
			return kills, fmt.Errorf("%w: %s", err, p.lastLines(3))
		}
		if !p.alive() {
			if p.exit() != 0 {
				return kills, fmt.Errorf("exit %d: %s", p.exit(), p.lastLines(3))
			}
			return kills, nil
		}
		p.kill()
		kills++
	}
}

func linesOf(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	return bytes.Count(text, []byte("\n"))
}

// judgeReport wants each seed once, the successes that the arm had, and the interval that they give.
func judgeReport(text []byte, kills int) outcome {
	var r struct {
		Arms []struct {
			Trials []struct {
				Seed    int64  `json:"seed"`
				Outcome string `json:"outcome"`
			} `json:"trials"`
			Episodes  int        `json:"episodes"`
			Successes int        `json:"successes"`
			Interval  [2]float64 `json:"interval_95"`
		} `json:"arms"`
	}
	if err := json.Unmarshal(text, &r); err != nil || len(r.Arms) != 1 {
		return broken(fmt.Errorf("the report has %d arms: %v", len(r.Arms), err))
	}
	a := r.Arms[0]
	seeds := map[int64]bool{}
	for _, trial := range a.Trials {
		if (trial.Outcome == "success") != (trial.Seed%2 == 1) {
			return broken(fmt.Errorf("seed %d ended as %q", trial.Seed, trial.Outcome))
		}
		seeds[trial.Seed] = true
	}
	lo, hi := evaluation.Wilson(a.Successes, a.Episodes)
	same := math.Abs(lo-a.Interval[0]) < 1e-12 && math.Abs(hi-a.Interval[1]) < 1e-12
	ok := kills > 0 && len(seeds) == trials && len(a.Trials) == trials && a.Episodes == trials && a.Successes == trials/2 && same
	return measured(ok, "killed %d times and gone on with: %d trials of %d seeds, %d successes as the arm had, interval %.3f to %.3f recomputed equal",
		kills, len(a.Trials), len(seeds), a.Successes, lo, hi)
}

// diskFull gives the record of an evaluation's commands a disk of 64 KiB, and in the package that writes it a slow one.
func diskFull(ctx context.Context, b *bench) outcome {
	return beside(ctx, b.diskFull(ctx), "./daemon/recording", "^(TestFullDisk|TestSlowDisk|TestBrokenLineIsTakenBack)$", "a slow disk stops the record alone")
}

func (b *bench) diskFull(ctx context.Context) outcome {
	dir, err := os.MkdirTemp(b.dir, "rig")
	if err != nil {
		return broken(err)
	}
	disk := filepath.Join(dir, "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		return broken(err)
	}
	if err := syscall.Mount("none", disk, "tmpfs", 0, "size=64k"); err != nil {
		return needs("the right to mount a small disk: %v", err)
	}
	defer func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) }()
	record := filepath.Join(disk, "commands.jsonl")
	args, err := b.evaluateArgs(dir, "realtime", "-episodes", "2", "-commands", record)
	if err != nil {
		return broken(err)
	}
	p, err := start(evaluateEnvironment(), b.binary, args...)
	if err != nil {
		return broken(err)
	}
	defer p.end(3 * time.Second)
	if err := p.wait(90 * time.Second); err != nil {
		return broken(fmt.Errorf("%w: %s", err, p.lastLines(3)))
	}
	whole, torn, err := wholeLines(record)
	if err != nil {
		return broken(err)
	}
	said := p.said.String()
	loud := strings.Contains(said, "no space left") && strings.Contains(said, record)
	table := strings.Contains(said, "of 2") // which comes after the last trial
	return measured(loud && whole > 0 && torn == 0 && table, "record stopped aloud after %d whole lines, %d torn; the evaluation went on to its table, exit %d; %s",
		whole, torn, p.exit(), refusal(said))
}

// wholeLines counts a record's lines that can be read, and those that cannot.
func wholeLines(path string) (whole, torn int, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, err
	}
	for line := range bytes.Lines(text) {
		var v map[string]any
		if json.Unmarshal(line, &v) == nil {
			whole++
		} else {
			torn++
		}
	}
	return whole, torn, nil
}
