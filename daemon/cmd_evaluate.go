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
	"sim2reald/daemon/evaluation"
	"sim2reald/daemon/topic"
	"sim2reald/model/bundle"
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
	record           bool
}

func (f *evaluateFlags) set(fs *flag.FlagSet) {
	fs.StringVar(&f.config, "config", "", "configuration `file`; none means the defaults, which `sim2reald config` prints")
	fs.Int64Var(&f.episodes, "episodes", 10, "how many `episodes`; 0 goes on until Ctrl-C")
	fs.Int64Var(&f.first, "seed", 10000, "`seed` of the first episode; the next ones count up")
	fs.Int64Var(&f.control, "control", 0, "then so many `episodes` of each control: an untrained head, and the mean action whatever is seen")
	fs.StringVar(&f.clock, "clock", "", "realtime or lockstep, instead of the configuration's bridge.clock")
	fs.StringVar(&f.jitter, "jitter", "", "`preset` of the start, instead of the configuration's bridge.jitter")
	fs.StringVar(&f.task, "task", "", "`task`, instead of the configuration's bridge.task")
	fs.StringVar(&f.bundle, "bundle", "", "bundle `file`, instead of the configuration's policy.bundle")
	fs.StringVar(&f.json, "json", "", "write the report as JSON to this `file` as well")
	fs.StringVar(&f.commands, "commands", "", "write every command sent to this `file`, one JSON object a line")
	fs.BoolVar(&f.page, "page", true, "serve the page")
	fs.BoolVar(&f.record, "record", false, "write the measured success rate into the bundle's manifest; its digest stays")
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
	var d desk
	w, err := openWorkcell(ctx, cfg, log, workcellOptions{startBridge: true, onRequest: d.answer})
	if err != nil {
		return err
	}
	defer closing(&err, w.Close)
	e := &evaluator{brain: b, w: w, flags: f, out: out, board: b.board(w)}
	d.board.Store(e.board)
	if err := e.openCommands(); err != nil {
		return err
	}
	defer closing(&err, e.closeCommands)
	runErr := e.attended(ctx)
	err = errors.Join(runErr, e.write())
	if err == nil && f.record {
		err = e.record()
	}
	return err
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
	return e.w.attended(ctx, e.board, func(url string) error {
		fmt.Fprintf(e.out, "\nwatch the arm at %s\n\n", url)
		return e.runArms(ctx)
	})
}

// runArms runs the bundle, or the holder, and then the controls.
func (e *evaluator) runArms(ctx context.Context) error {
	if e.flags.onlyHolder {
		return e.runHolder(ctx)
	}
	if err := e.runBundle(ctx); err != nil || e.flags.control == 0 || ctx.Err() != nil {
		return err
	}
	return e.runControls(ctx)
}

func (e *evaluator) runBundle(ctx context.Context) error {
	p, l, err := e.brain.bundleLoop(e.w)
	if err != nil {
		return err
	}
	err = e.runArm(ctx, "policy", e.board.bundle, l, int(e.flags.episodes))
	return errors.Join(err, p.Close())
}

// runArm runs one arm's episodes beside its loop.
func (e *evaluator) runArm(ctx context.Context, name, policy string, l *loop, episodes int) error {
	arm := evaluation.Arm{Name: name, Policy: policy}
	looping, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	running, cancel := context.WithCancelCause(ctx)
	l.audit, l.atRest = e.auditCommand, func() { cancel(errAskedForRest) }
	e.board.runs(l, e.next(name, 0, episodes))
	fmt.Fprintf(e.out, "%s: %s\n", name, policy)
	go func() {
		err := l.run(looping, e.w)
		ended <- err
		cancel(err)
	}()
	err := e.trials(running, &arm, l, episodes)
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

// trials runs an arm's episodes. The one that a person interrupted is void.
func (e *evaluator) trials(ctx context.Context, arm *evaluation.Arm, l *loop, episodes int) error {
	keep := func(t evaluation.Trial) error {
		arm.Trials = append(arm.Trials, t)
		e.tell(*arm, t, episodes)
		return nil
	}
	plan := e.plan(episodes)
	err := e.runner(l).Run(ctx, plan, keep)
	if done := len(arm.Trials); l.interrupted.Load() && (episodes == 0 || done < episodes) {
		e.void(arm, evaluation.Trial{Seed: plan.FirstSeed + int64(done), Outcome: "aborted", Reason: "stopped by an operator"})
		err = errAskedForRest
	}
	return err
}

// void keeps the trial that ended the evaluation before its own end.
func (e *evaluator) void(arm *evaluation.Arm, t evaluation.Trial) {
	arm.Trials = append(arm.Trials, t)
	last := fmt.Sprintf("seed %d: %s, which does not count", t.Seed, t.Reason)
	fmt.Fprintf(e.out, "  %s\n", last)
	e.board.scored(*arm, last, arm.Name+": ended")
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

// record writes the first arm's result into the bundle.
func (e *evaluator) record() error {
	if len(e.arms) == 0 || e.flags.onlyHolder {
		return fmt.Errorf("evaluate: there is no result of the bundle to record")
	}
	n, successes, _ := e.arms[0].Counts()
	lo, hi := evaluation.Wilson(successes, n)
	result := &bundle.Result{Successes: successes, Episodes: n, Interval: [2]float64{lo, hi}, Jitter: e.w.cfg.Bridge.Jitter}
	for _, t := range e.arms[0].Trials {
		if !t.Void() {
			result.Seeds = append(result.Seeds, t.Seed)
		}
	}
	b, err := e.brain.bundle.WithResult(result)
	if err != nil {
		return err
	}
	return b.Save(e.w.cfg.Policy.Bundle)
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
