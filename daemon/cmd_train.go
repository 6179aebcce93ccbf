package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"sim2reald/daemon/config"
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

// cmdTrain makes a bundle.
func cmdTrain(ctx context.Context, args []string) error {
	f, on, cfg, err := trainArgs(args)
	if err != nil {
		return err
	}
	return runTraining(ctx, cfg, on, f)
}

// trainArgs reads the command line twice: what an arm is trained with unless told otherwise depends on the base,
// which the first reading names.
func trainArgs(args []string) (f trainFlags, on *base.Base, cfg config.Config, err error) {
	first := newTrainFlags()
	fs := flag.NewFlagSet("train", flag.ContinueOnError)
	first.set(fs)
	if err := parseFlags(fs, args); err != nil {
		return f, nil, cfg, err
	}
	if first.out == "" {
		return f, nil, cfg, fmt.Errorf("train: -out is missing; name the file to write the bundle to")
	}
	if cfg, err = loadConfig(first.config); err != nil {
		return f, nil, cfg, err
	}
	if on, err = base.Open(cfg.Policy.Base); err != nil {
		return f, nil, cfg, err
	}
	f, err = first.suited(args, given(fs), on.Arch)
	if err != nil {
		err = fmt.Errorf("train: %w", err)
	}
	return f, on, cfg, err
}

// given are the names of the flags that were said.
func given(fs *flag.FlagSet) map[string]bool {
	out := map[string]bool{}
	fs.Visit(func(g *flag.Flag) { out[g.Name] = true })
	return out
}

// nameOf is the file's name without folder and extension.
func nameOf(path string) string {
	name := filepath.Base(path)
	return name[:len(name)-len(filepath.Ext(name))]
}

func runTraining(ctx context.Context, cfg config.Config, on *base.Base, f trainFlags) error {
	data, err := dataset.Open(f.data)
	if err != nil {
		return fmt.Errorf("%w; `sim2reald collect` makes one", err)
	}
	if f.opt.Tool, err = f.action.of(&data.Meta); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	if f.identify(on); f.torch.trainer == trainerTorch {
		return trainTorch(ctx, on, cfg.Policy.Base, data, f)
	}
	return trainHere(ctx, cfg.Engine, on, data, f)
}

// trainHere trains in this process, in Gorgonia.
func trainHere(ctx context.Context, cfg config.Engine, on *base.Base, data *dataset.Dataset, f trainFlags) (err error) {
	rt, err := engine.Open(cfg.Library)
	if err != nil {
		return err
	}
	defer closing(&err, rt.Close)
	if err := f.weigh(on); err != nil {
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
	source, err := train.NewEngineSource(rt, net, on.File, cfg.Device, featureBatch)
	if err != nil {
		return err
	}
	snaps := snapshots{f.out, f.keep, f.opt.Every, f.opt.Epochs}
	f.opt.Snapshot = snaps.save
	b, report, err := train.Run(ctx, data, source, f.opt, newTeller(os.Stderr).tell)
	if err != nil {
		return err
	}
	if err := b.Save(f.out); err != nil {
		return err
	}
	if err := on.Unchanged(); err != nil {
		return err
	}
	return errors.Join(tellTraining(b, report, f.out), writeTraining(f, b, report, snaps))
}

// identify fills in what the base and this build say.
func (f *trainFlags) identify(on *base.Base) {
	o := &f.opt
	o.Name, o.Daemon = f.name, version
	o.Base = bundle.Base{Name: on.Record.Name, Digest: on.Identity(), Arch: on.Record.Architecture}
	o.Width, o.Height = f.size, f.size
}

// weigh gets the base's values where training goes through it.
func (f *trainFlags) weigh(on *base.Base) (err error) {
	o := &f.opt
	if o.Full || !o.Adapters.None() {
		o.Weights, err = on.Arch.Values(on.File, o.Height, o.Width)
	}
	return err
}

var errInterrupted = errors.New("train: interrupted; the bundle holds what was learned so far, and the same command goes on")

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
