package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"sim2reald/daemon/config"
	"sim2reald/model/adapter"
	"sim2reald/model/base"
	"sim2reald/model/bundle"
	"sim2reald/model/dataset"
	"sim2reald/model/engine"
	"sim2reald/model/train"
)

// ImageNet's channel statistics, of pixels in 0..1, in RGB order: what DINOv2 was pretrained with. They go
// into the bundle, and the robot reads them from there.
func imageNet() (mean, std [3]float64) {
	return [3]float64{0.485, 0.456, 0.406}, [3]float64{0.229, 0.224, 0.225}
}

// featureBatch is how many pictures go through the base at once; more gains nothing on a CPU.
const featureBatch = 16

type trainFlags struct {
	config, data, out, name string
	size                    int
	inside                  insideFlags
	opt                     train.Options
}

func (f *trainFlags) set(fs *flag.FlagSet) {
	f.opt = train.DefaultOptions()
	o := &f.opt
	o.Mean, o.Std = imageNet()
	fs.StringVar(&f.config, "config", "", "configuration `file`, for policy.base and engine; none means the defaults")
	fs.StringVar(&f.data, "data", "build/demonstrations/kitchen-slide", "dataset `folder`, as collect leaves it")
	fs.StringVar(&f.out, "out", "", "`file` to write the bundle to")
	fs.StringVar(&o.Commit, "commit", "unknown", "`revision` of this source, for the bundle's record")
	fs.StringVar(&f.name, "name", "", "`name` of the bundle; none means that of the file")
	fs.IntVar(&f.size, "size", 112, "width and height in `px` of the pictures that the base sees")
	fs.IntVar(&o.Epochs, "epochs", o.Epochs, "`passes` over all views of all frames; with adapters 12")
	fs.IntVar(&o.Batch, "batch", o.Batch, "`examples` of a step; with adapters 16")
	fs.Int64Var(&o.Seed, "seed", o.Seed, "`seed` of everything that is drawn")
	fs.Float64Var(&o.LearningRate, "rate", o.LearningRate, "peak learning `rate`; with adapters 0.0003")
	fs.Float64Var(&o.WeightDecay, "weight-decay", o.WeightDecay, "weight `decay`")
	fs.IntVar(&o.Augment.Views, "views", o.Augment.Views, "augmented `views` of each frame beside the plain one")
	fs.IntVar(&o.Augment.ShiftPx, "shift", o.Augment.ShiftPx, "largest shift of an augmented view, source `px`")
	fs.StringVar(&o.Proprioception, "proprioception", o.Proprioception, "none or joint_positions")
	fs.IntVar(&o.BLASThreads, "threads", o.BLASThreads, "`threads` of a step; with adapters one per core. Another number rounds otherwise")
	fs.IntVar(&o.History, "history", o.History, "`observations` that the policy sees at once")
	fs.IntVar(&o.ChunkSize, "chunk", o.ChunkSize, "`actions` in one answer")
	fs.IntVar(&o.NSteps, "steps", o.NSteps, "`actions` of an answer that are carried out")
	f.inside.set(fs)
	fs.StringVar(&o.CacheDir, "cache", o.CacheDir, "`folder` of cached features")
}

// cmdTrain makes a bundle.
func cmdTrain(ctx context.Context, args []string) error {
	var f trainFlags
	fs := flag.NewFlagSet("train", flag.ContinueOnError)
	f.set(fs)
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if f.out == "" {
		return fmt.Errorf("train: -out is missing; name the file to write the bundle to")
	}
	if f.name == "" {
		f.name = nameOf(f.out)
	}
	if err := f.inside.apply(fs, &f.opt); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	cfg, err := config.Load(f.config)
	if err != nil {
		return err
	}
	return runTraining(ctx, cfg, f)
}

// nameOf is the file's name without folder and extension.
func nameOf(path string) string {
	name := filepath.Base(path)
	return name[:len(name)-len(filepath.Ext(name))]
}

func runTraining(ctx context.Context, cfg config.Config, f trainFlags) (err error) {
	data, err := dataset.Open(f.data)
	if err != nil {
		return fmt.Errorf("%w; `sim2reald collect` makes one", err)
	}
	on, err := base.Open(cfg.Policy.Base)
	if err != nil {
		return err
	}
	rt, err := engine.Open(cfg.Engine.Library)
	if err != nil {
		return err
	}
	defer closing(&err, rt.Close)
	if err := f.complete(on); err != nil {
		return err
	}
	net, err := f.opt.Network(&data.Meta)
	if err != nil {
		return err
	}
	counts, err := net.Count()
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "train: parameters:", counts)
	source, err := train.NewEngineSource(rt, net, on.File, cfg.Engine.Device, featureBatch)
	if err != nil {
		return err
	}
	b, report, err := train.Run(ctx, data, source, f.opt, func(p train.Progress) { fmt.Fprintln(os.Stderr, "train:", p) })
	if err != nil {
		return err
	}
	if err := b.Save(f.out); err != nil {
		return err
	}
	if err := on.Unchanged(); err != nil {
		return err
	}
	return tellTraining(b, report, f.out)
}

// complete fills in what the base and this build say.
func (f *trainFlags) complete(on *base.Base) (err error) {
	o := &f.opt
	o.Name, o.Daemon = f.name, version
	o.Base = bundle.Base{Name: on.Record.Name, Digest: on.Identity(), Arch: on.Record.Architecture}
	o.Width, o.Height = f.size, f.size
	o.Workers = runtime.NumCPU()
	if o.Adapters.None() {
		return nil
	}
	if m := o.Adapters.Middle; m != nil && m.Width < 0 {
		m.Width = adapter.DefaultWidth(on.Arch)
	}
	o.Weights, err = on.Arch.Values(on.File, o.Height, o.Width)
	return err
}

var errInterrupted = errors.New("train: interrupted; the bundle holds what was learned so far")

func tellTraining(b *bundle.Bundle, r *train.Report, path string) error {
	fmt.Fprintf(os.Stderr, "train: %d episodes (%d held out, %d failed ones left out), %d frames, %d examples, %d epochs in %.0f s\n",
		r.Episodes, r.HeldOut, r.Excluded, r.Frames, r.Examples, r.Epochs, r.Elapsed.Seconds())
	fmt.Fprintf(os.Stderr, "train: loss %.4f to %.4f, held out %.4f; by %s; features by %s, BLAS %s\n",
		r.FirstLoss, r.LastLoss, r.ValidationLoss, r.Method, r.Features, r.BLAS)
	fmt.Fprintf(os.Stderr, "train: wrote %s, %s\n", path, b.Digest())
	if r.Cancelled {
		return errInterrupted
	}
	return nil
}
