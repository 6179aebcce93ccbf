package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"sim2reald/daemon/config"
	"sim2reald/daemon/control"
	"sim2reald/daemon/evaluation"
	"sim2reald/daemon/topic"
)

// evaluateFlags are the command's wishes.
type evaluateFlags struct {
	config           string
	episodes, first  int64
	control          int64
	clock, jitter    string
	task, bundle     string
	json, commands   string
	page, onlyHolder bool
}

func (f *evaluateFlags) set(fs *flag.FlagSet) {
	fs.StringVar(&f.config, "config", "", "configuration `file`; none means the defaults, which `sim2reald config` prints")
	fs.Int64Var(&f.episodes, "episodes", 10, "how many `episodes`; 0 goes on until Ctrl-C")
	fs.Int64Var(&f.first, "seed", 10000, "`seed` of the first episode; the next ones count up")
	fs.Int64Var(&f.control, "control", 0, "then so many `episodes` with an untrained head, as a control")
	fs.StringVar(&f.clock, "clock", "", "realtime or lockstep, instead of the configuration's bridge.clock")
	fs.StringVar(&f.jitter, "jitter", "", "`preset` of the start, instead of the configuration's bridge.jitter")
	fs.StringVar(&f.task, "task", "", "`task`, instead of the configuration's bridge.task")
	fs.StringVar(&f.bundle, "bundle", "", "bundle `file`, instead of the configuration's policy.bundle")
	fs.StringVar(&f.json, "json", "", "write the report as JSON to this `file` as well")
	fs.StringVar(&f.commands, "commands", "", "write every command sent to this `file`, one JSON object a line")
	fs.BoolVar(&f.page, "page", true, "serve the page")
	fs.BoolVar(&f.onlyHolder, "hold", false, "evaluate a policy that sends nothing but holds, instead of the bundle")
}

// apply puts the flags over the configuration.
func (f *evaluateFlags) apply(cfg *config.Config) error {
	for _, o := range []struct {
		value string
		into  *string
	}{
		{f.clock, &cfg.Bridge.Clock}, {f.jitter, &cfg.Bridge.Jitter}, {f.task, &cfg.Bridge.Task}, {f.bundle, &cfg.Policy.Bundle},
	} {
		if o.value != "" {
			*o.into = o.value
		}
	}
	if f.episodes < 0 || f.control < 0 || f.first < 0 {
		return fmt.Errorf("evaluate: episodes, control and seed must not be negative")
	}
	return cfg.Validate()
}

// cmdEvaluate runs episodes and reports.
func cmdEvaluate(ctx context.Context, args []string) error {
	var f evaluateFlags
	fs := flag.NewFlagSet("evaluate", flag.ContinueOnError)
	f.set(fs)
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	cfg, err := config.Load(f.config)
	if err != nil {
		return err
	}
	if err := f.apply(&cfg); err != nil {
		return err
	}
	return evaluate(ctx, cfg, f, newLog(), os.Stdout)
}

// evaluate opens everything, runs each arm, and writes the report of what was done even when an arm fails.
func evaluate(ctx context.Context, cfg config.Config, f evaluateFlags, log *slog.Logger, out io.Writer) (err error) {
	b, err := openBrain(cfg)
	if err != nil {
		return err
	}
	defer closing(&err, b.Close)
	w, err := openWorkcell(ctx, cfg, log, workcellOptions{startBridge: true})
	if err != nil {
		return err
	}
	defer closing(&err, w.Close)
	e := &evaluator{brain: b, w: w, flags: f, out: out, board: b.board(w)}
	if err := e.openCommands(); err != nil {
		return err
	}
	defer closing(&err, e.closeCommands)
	runErr := e.attended(ctx)
	return errors.Join(runErr, e.write())
}

// evaluator holds an evaluation together.
type evaluator struct {
	brain    *brain
	w        *workcell
	flags    evaluateFlags
	out      io.Writer
	board    *board
	arms     []evaluation.Arm
	commands *os.File // nil when not asked for
}

func (e *evaluator) attended(ctx context.Context) error {
	if !e.flags.page {
		return e.runArms(ctx)
	}
	return e.w.attended(ctx, e.board, func() error { return e.runArms(ctx) })
}

// runArms runs the bundle, or the holder, and then the control.
func (e *evaluator) runArms(ctx context.Context) error {
	if e.flags.onlyHolder {
		return e.runHolder(ctx)
	}
	if err := e.runBundle(ctx); err != nil || e.flags.control == 0 || ctx.Err() != nil {
		return err
	}
	return e.runUntrained(ctx)
}

func (e *evaluator) runBundle(ctx context.Context) error {
	p, l, err := e.brain.bundleLoop(e.w)
	if err != nil {
		return err
	}
	err = e.runArm(ctx, "policy", e.board.bundle, l, int(e.flags.episodes))
	return errors.Join(err, p.Close())
}

// runUntrained is the same loop with a head that has learned nothing.
func (e *evaluator) runUntrained(ctx context.Context) error {
	const seed = 1
	head, err := e.brain.untrained(seed)
	if err != nil {
		return err
	}
	p, err := e.brain.policy(head)
	if err != nil {
		return err
	}
	l := e.w.newLoop(p.actor, e.brain.bundle.Manifest.Limits.Robot(), "untrained", nil)
	err = e.runArm(ctx, "control", fmt.Sprintf("the same base with an untrained head, seed %d", seed), l, int(e.flags.control))
	return errors.Join(err, p.Close())
}

func (e *evaluator) runHolder(ctx context.Context) error {
	l := e.w.newLoop(control.Holder{}, e.brain.bundle.Manifest.Limits.Robot(), "none", nil)
	return e.runArm(ctx, "control", "a policy that sends nothing but holds", l, int(e.flags.episodes))
}

// runArm runs one arm's episodes beside its loop.
func (e *evaluator) runArm(ctx context.Context, name, policy string, l *loop, episodes int) error {
	arm := evaluation.Arm{Name: name, Policy: policy}
	l.audit = e.auditCommand
	e.board.runs(l, e.next(name, 0, episodes))
	fmt.Fprintf(e.out, "%s: %s\n", name, policy)
	looping, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	running, cancel := context.WithCancelCause(ctx)
	go func() {
		err := l.run(looping, e.w)
		ended <- err
		cancel(err)
	}()
	err := e.runner(l).Run(running, e.plan(episodes), func(t evaluation.Trial) error {
		arm.Trials = append(arm.Trials, t)
		e.tell(arm, t, episodes)
		return nil
	})
	stop()
	loopErr := <-ended
	cancel(nil)
	arm.Inference, arm.FrameToCommand, arm.Overruns = l.InferenceTime.Summary(), l.FrameToCommand.Summary(), l.Overruns()
	e.arms = append(e.arms, arm)
	if _, _, void := arm.Counts(); void > 0 && err == nil {
		err = fmt.Errorf("%d episodes were aborted and do not count; the reasons stand above", void)
	}
	return errors.Join(err, loopErr)
}

func (e *evaluator) runner(l *loop) *evaluation.Runner {
	return &evaluation.Runner{Bridge: e.w.link, Operator: l, States: e.w.episodes}
}

// plan bounds an episode's wall time by ten times what it takes in real time: a lock-step simulator on a busy
// machine may be slow, but not for ever.
func (e *evaluator) plan(episodes int) evaluation.Plan {
	horizon := float64(e.w.fact.HorizonSteps) / e.w.fact.ControlRateHz
	return evaluation.Plan{
		Task: e.w.cfg.Bridge.Task, Jitter: e.w.cfg.Bridge.Jitter, FirstSeed: e.flags.first, Episodes: episodes,
		Patience: 30 * time.Second, Horizon: time.Duration(10 * horizon * float64(time.Second)),
	}
}

func (e *evaluator) next(name string, done, episodes int) string {
	of := ""
	if episodes > 0 {
		of = fmt.Sprintf(" of %d", episodes)
	}
	return fmt.Sprintf("%s: episode %d%s, seed %d", name, done+1, of, e.flags.first+int64(done))
}

// tell prints one trial as it ends.
func (e *evaluator) tell(arm evaluation.Arm, t evaluation.Trial, episodes int) {
	n, successes, _ := arm.Counts()
	last := fmt.Sprintf("seed %d: %s after %d steps", t.Seed, t.Outcome, t.Steps)
	if t.Reason != "" {
		last += " (" + t.Reason + ")"
	}
	fmt.Fprintf(e.out, "  %s, %.1f s; %d of %d\n", last, t.Wall, successes, n)
	now := "done"
	if episodes == 0 || len(arm.Trials) < episodes {
		now = e.next(arm.Name, len(arm.Trials), episodes)
	}
	e.board.scored(arm, last, now)
}

func (e *evaluator) openCommands() (err error) {
	if e.flags.commands == "" {
		return nil
	}
	e.commands, err = os.Create(e.flags.commands)
	return err
}

func (e *evaluator) closeCommands() error {
	if e.commands == nil {
		return nil
	}
	return e.commands.Close()
}

// auditCommand writes one command as it was sent.
func (e *evaluator) auditCommand(msg topic.JointCommand) {
	if e.commands == nil {
		return
	}
	if err := json.NewEncoder(e.commands).Encode(msg); err != nil {
		e.w.log.Error("command not recorded", "cause", err)
	}
}

// write prints the report, and writes it where it was asked for.
func (e *evaluator) write() error {
	r := evaluation.Report{
		Schema: "sim2reald.evaluation/1", Task: e.w.cfg.Bridge.Task, Jitter: e.w.cfg.Bridge.Jitter, Clock: e.w.fact.Clock,
		Rule: e.w.fact.SuccessRule, Horizon: e.w.fact.HorizonSteps, Engine: e.board.engine, Base: e.board.base,
		Daemon: version, Software: e.w.fact.Software, Arms: e.arms,
	}
	err := r.WriteText(e.out)
	if e.flags.json == "" {
		return err
	}
	file, createErr := os.Create(e.flags.json)
	if createErr != nil {
		return errors.Join(err, createErr)
	}
	return errors.Join(err, r.WriteJSON(file), file.Close())
}
