package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"sync"
	"time"

	"sim2reald/daemon/config"
	"sim2reald/daemon/control"
	"sim2reald/daemon/evaluation"
	"sim2reald/model/bundle"
	"sim2reald/model/dataset"
	"sim2reald/robot"
)

// Seeds of demonstrations begin far from those of evaluations, which begin at 10000.
const firstDemonstration = 1_000_000

type collectFlags struct {
	config, out, task, jitter string
	episodes, first           int64
	noise, scale              float64
}

func (f *collectFlags) set(fs *flag.FlagSet) {
	fs.StringVar(&f.config, "config", "", "configuration `file`; none means the defaults, which `sim2reald config` prints")
	fs.StringVar(&f.out, "out", "build/demonstrations/kitchen-slide", "dataset `folder`; one that is there is gone on with")
	fs.StringVar(&f.task, "task", "", "`task`, instead of the configuration's bridge.task")
	fs.StringVar(&f.jitter, "jitter", "", "`preset` of the start, instead of the configuration's bridge.jitter")
	fs.Int64Var(&f.episodes, "episodes", 100, "how many `episodes` the dataset shall hold")
	fs.Int64Var(&f.first, "seed", firstDemonstration, "`seed` of the first episode; the next ones count up")
	fs.Float64Var(&f.noise, "noise", 0.2, "disturbance of the commands, as a `part` of each joint's speed limit")
	fs.Float64Var(&f.scale, "speed-scale", 0.5, "`part` of the robot's speed limits that the demonstrations may use")
}

func (f *collectFlags) apply(cfg *config.Config) error {
	if f.task != "" {
		cfg.Bridge.Task = f.task
	}
	if f.jitter != "" {
		cfg.Bridge.Jitter = f.jitter
	}
	cfg.Bridge.Clock = "lockstep"
	if f.episodes < 1 || f.first < 0 {
		return fmt.Errorf("collect: %d episodes from seed %d; want at least 1, from 0 up", f.episodes, f.first)
	}
	if !(f.noise >= 0 && f.noise <= 1) || !(f.scale > 0 && f.scale <= 1) {
		return fmt.Errorf("collect: noise %g and speed-scale %g; want 0 to 1, and the scale above 0", f.noise, f.scale)
	}
	return cfg.Validate()
}

// cmdCollect records demonstrations.
func cmdCollect(ctx context.Context, args []string) error {
	var f collectFlags
	fs := flag.NewFlagSet("collect", flag.ContinueOnError)
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
	return collect(ctx, cfg, f)
}

func collect(ctx context.Context, cfg config.Config, f collectFlags) (err error) {
	t := &teacher{noise: f.noise}
	w, err := openWorkcell(ctx, cfg, newLog(), workcellOptions{startBridge: true, teacher: true, onExpert: t.onExpert})
	if err != nil {
		return err
	}
	defer closing(&err, w.Close)
	if !w.fact.Teacher || !w.lockstep() {
		return fmt.Errorf("collect: the bridge has no teacher, or not the clock lockstep; start it with --teacher --clock lockstep")
	}
	t.joints, t.limits = w.model.Joints, w.model.Limits.Scaled(f.scale)
	data, err := dataset.Create(f.out, w.datasetMeta(f.scale))
	if err != nil {
		return err
	}
	c := &collector{w: w, teacher: t, data: data, flags: f, began: time.Now(), had: len(data.Seeds())}
	return c.run(ctx)
}

// datasetMeta says whose demonstrations these are.
func (w *workcell) datasetMeta(scale float64) dataset.Meta {
	rig := w.rigOf("", scale)
	m := dataset.Meta{
		Schema: dataset.Schema, Version: dataset.Version, Robot: rig.Robot, ControlRateHz: w.fact.ControlRateHz,
		Task: w.cfg.Bridge.Task, Jitter: w.cfg.Bridge.Jitter, Software: w.fact.Software, Daemon: version,
		Limits: bundle.LimitsOf(w.model.Limits, w.model.N(), scale),
	}
	for _, c := range rig.Cameras {
		m.Cameras = append(m.Cameras, dataset.Camera{Name: c.Name, Width: c.Width, Height: c.Height, Encoding: "png", Colour: c.Colour})
	}
	return m
}

// collector records what the teacher shows.
type collector struct {
	w       *workcell
	teacher *teacher
	data    *dataset.Dataset
	flags   collectFlags
	began   time.Time
	had     int // episodes that were there already

	mu    sync.Mutex
	steps []dataset.Step
}

func (c *collector) run(ctx context.Context) error {
	l := c.w.newLoop(control.Pilot{Actor: c.teacher, Limits: c.teacher.limits, Bundle: "none: a teacher's demonstration"})
	l.recorder = c.record
	looping, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- l.run(looping, c.w) }()
	err := c.episodes(ctx, &evaluation.Runner{Bridge: c.w.link, Operator: l, States: c.w.episodes})
	stop()
	return errors.Join(err, <-ended)
}

// episodes goes through the seeds that the dataset lacks.
func (c *collector) episodes(ctx context.Context, r *evaluation.Runner) error {
	horizon := time.Duration(10 * float64(c.w.fact.HorizonSteps) / c.w.fact.ControlRateHz * float64(time.Second))
	plan := evaluation.Plan{Task: c.w.cfg.Bridge.Task, Jitter: c.w.cfg.Bridge.Jitter, Patience: 30 * time.Second, Horizon: horizon}
	for seed := c.flags.first; seed < c.flags.first+c.flags.episodes; seed++ {
		if c.data.Has(seed) {
			continue
		}
		c.begin(seed)
		trial, err := r.Once(ctx, plan, seed)
		if ctx.Err() != nil {
			fmt.Fprintf(os.Stderr, "collect: interrupted; %d episodes are kept, the same command goes on\n", len(c.data.Seeds()))
			return nil
		}
		if err != nil {
			return fmt.Errorf("demonstration of seed %d: %w", seed, err)
		}
		if err := c.keep(trial); err != nil {
			return err
		}
	}
	return c.summary()
}

func (c *collector) begin(seed int64) {
	c.mu.Lock()
	c.steps = nil
	c.mu.Unlock()
	c.teacher.begin(seed)
}

// record keeps one answered observation of a running episode.
func (c *collector) record(a control.Answer) {
	if a.Output.State.Episode != robot.EpisodeRunning {
		return
	}
	s := dataset.Step{
		Stamp: a.Output.State.Stamp, Q: a.Output.State.Q, DQ: a.Output.State.DQ, Gripper: a.Output.State.Gripper,
		Wanted: c.teacher.advised(), Sent: a.Output.Command,
	}
	for _, camera := range c.w.cfg.Cameras {
		// The observation was complete, so the newest picture is the one that was acted on.
		picture, _ := c.w.picture(camera.Name)
		s.Pictures = append(s.Pictures, picture.Data)
	}
	c.mu.Lock()
	c.steps = append(c.steps, s)
	c.mu.Unlock()
}

// keep writes an episode that has ended; an aborted one is no demonstration.
func (c *collector) keep(t evaluation.Trial) error {
	if t.Void() {
		return fmt.Errorf("demonstration of seed %d was aborted: %s", t.Seed, t.Reason)
	}
	c.mu.Lock()
	e := &dataset.Episode{Seed: t.Seed, Success: t.Outcome == "success", Steps: c.steps}
	c.mu.Unlock()
	if err := c.data.Write(e); err != nil {
		return err
	}
	done := len(c.data.Seeds())
	each := time.Since(c.began) / time.Duration(max(1, done-c.had))
	left := time.Duration(math.Max(0, float64(c.flags.episodes)-float64(done))) * each
	fmt.Fprintf(os.Stderr, "collect: %d of %d: seed %d %s after %d steps; %v left\n",
		done, c.flags.episodes, t.Seed, t.Outcome, t.Steps, left.Round(time.Second))
	return nil
}

func (c *collector) summary() error {
	digest, err := c.data.Digest()
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "collect: %s holds %d episodes, %s\n", c.flags.out, len(c.data.Seeds()), digest)
	return nil
}
