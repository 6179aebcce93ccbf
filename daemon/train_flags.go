package main

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"sim2reald/model/adapter"
	"sim2reald/model/backbone"
	"sim2reald/model/bundle"
	"sim2reald/model/train"
)

// trainFlags are the command's wishes.
type trainFlags struct {
	config, data, out, name     string
	size                        int
	arm                         string
	places, blocks, branches    string
	hidden, mean, std           string
	head, init                  string // how it begins
	width                       int
	rates                       map[string]*float64
	cacheGiB, checkpointMinutes float64
	checkpoint, report          string
	keep                        int
	action                      actionFlags
	torch                       torchFlags
	opt                         train.Options

	shown train.Shown // of the dataset, for what PyTorch trained
}

// Words of -init-head beside the name of a bundle.
const (
	headAuto   = "auto"
	headRandom = "random"
)

func newTrainFlags() trainFlags {
	f := trainFlags{opt: train.DefaultOptions(), rates: map[string]*float64{}}
	f.opt.Mean, f.opt.Std = imageNet()
	return f
}

func (f *trainFlags) set(fs *flag.FlagSet) {
	f.action.set(fs)
	f.torch.set(fs)
	fs.StringVar(&f.config, "config", "", "configuration `file`, for policy.base and engine; none means the defaults")
	fs.StringVar(&f.data, "data", "build/demonstrations/kitchen-slide", "dataset `folder`, as collect leaves it")
	fs.StringVar(&f.out, "out", "", "`file` to write the bundle to")
	fs.StringVar(&f.opt.Commit, "commit", "unknown", "`revision` of this source, for the bundle's record")
	fs.StringVar(&f.name, "name", "", "`name` of the bundle; none means that of the file")
	f.setWhat(fs)
	f.setHow(fs)
	f.setKept(fs)
}

// setWhat is for what is trained, from the picture to the action.
func (f *trainFlags) setWhat(fs *flag.FlagSet) {
	o := &f.opt
	fs.StringVar(&f.arm, "arm", train.ArmTop, "what to train, `one` of "+strings.Join(train.Arms(), ", ")+
		"; all but the first two go through the whole base, which takes an hour and more on a CPU")
	fs.StringVar(&f.places, "adapters", "", "`places` inside the base to train instead of an arm's: bottom,middle,norms or some of them")
	fs.IntVar(&f.width, "width", -1, "`features` of a middle adapter's bottleneck, 0 for a dense 1x1 convolution; -1 is a 24th of a ViT's width, and 0 else")
	fs.StringVar(&f.blocks, "blocks", "", "`numbers` of the blocks with a middle adapter, like 10,11; none means all")
	fs.StringVar(&f.branches, "branches", "", "`names` of the branches with a middle adapter, attn or mlp in a ViT; none means all")
	fs.StringVar(&f.hidden, "hidden", list(o.Widths), "`widths` of the head's hidden layers; none makes it linear")
	fs.StringVar(&f.head, "init-head", headAuto, "how the head begins: auto trains it first on frozen features where the base is trained too, random does not, or a bundle's `file`")
	fs.StringVar(&f.init, "init", "", "bundle `file` to go on from: all of it, adapters and head, which must be of the parts that are trained; none begins anew, see -init-head")
	fs.IntVar(&f.size, "size", 112, "width and height in `px` of the pictures that the base sees")
	fs.StringVar(&f.mean, "mean", list(o.Mean[:]), "`means` of red, green and blue that the base was pretrained with, of pixels in 0..1")
	fs.StringVar(&f.std, "std", list(o.Std[:]), "`deviations` of red, green and blue that the base was pretrained with")
	fs.StringVar(&o.Proprioception, "proprioception", o.Proprioception, "none or joint_positions")
	fs.IntVar(&o.History, "history", o.History, "`observations` that the policy sees at once")
	fs.IntVar(&o.ChunkSize, "chunk", o.ChunkSize, "`actions` in one answer")
	fs.IntVar(&o.NSteps, "steps", o.NSteps, "`actions` of an answer that are carried out")
}

// setHow is for how it is trained; the defaults are the arm's.
func (f *trainFlags) setHow(fs *flag.FlagSet) {
	o := &f.opt
	fs.IntVar(&o.Epochs, "epochs", o.Epochs, "`passes` over all frames; the arm's own unless said, as what follows")
	fs.IntVar(&o.Batch, "batch", o.Batch, "`examples` of a step")
	for _, place := range bundle.Groups() {
		name, about := "rate-"+place, "peak learning `rate` of "+place
		if place == adapter.PlaceTop {
			name, about = "rate", "peak learning `rate` of the head"
		}
		f.rates[place] = fs.Float64(name, o.Rates[place], about)
	}
	fs.Float64Var(&o.WeightDecay, "weight-decay", o.WeightDecay, "weight `decay`")
	fs.Float64Var(&o.WarmUp, "warm-up", o.WarmUp, "`share` of the steps in which the rates rise")
	fs.BoolVar(&o.Augment.Fresh, "fresh", o.Augment.Fresh, "see a new view of each frame in each epoch, where training goes through the base")
	fs.IntVar(&o.Augment.Views, "views", o.Augment.Views, "augmented `views` of each frame beside the plain one, in the cache of features")
	fs.IntVar(&o.Augment.ShiftPx, "shift", o.Augment.ShiftPx, "largest shift of an augmented view, source `px`")
	fs.Float64Var(&o.Augment.Brightness, "brightness", o.Augment.Brightness, "largest change of an augmented view's brightness, a `share`")
	fs.Float64Var(&o.Augment.Contrast, "contrast", o.Augment.Contrast, "the same of its contrast, a `share`")
	fs.Float64Var(&o.Augment.Saturation, "saturation", o.Augment.Saturation, "the same of its saturation, a `share`")
	fs.Float64Var(&o.Augment.Noise, "noise", o.Augment.Noise, "`deviation` of noise on an augmented view, of the range of a pixel")
	fs.Float64Var(&o.ValidateShare, "held", o.ValidateShare, "`share` of the episodes that is held out to validate")
	fs.Int64Var(&o.Seed, "seed", o.Seed, "`seed` of everything that is drawn")
	fs.IntVar(&o.BLASThreads, "threads", o.BLASThreads, "`threads` of a step; another number may round otherwise")
}

// setKept is for files.
func (f *trainFlags) setKept(fs *flag.FlagSet) {
	o := &f.opt
	fs.StringVar(&o.CacheDir, "cache", o.CacheDir, "`folder` of cached features")
	fs.Float64Var(&f.cacheGiB, "cache-gib", float64(o.CacheBytes)/(1<<30), "`GiB` of memory for what comes before the first adapter, without -fresh; 0 computes it at each step")
	fs.StringVar(&f.checkpoint, "checkpoint", "", "`file` that a killed run goes on from; none means OUT.checkpoint")
	fs.Float64Var(&f.checkpointMinutes, "checkpoint-minutes", o.CheckpointEvery.Minutes(), "`minutes` between two writes of it")
	fs.IntVar(&o.Every, "every", o.Every, "`epochs` between two bundles OUT.epochNN.safetensors; 0 for none")
	fs.IntVar(&f.keep, "keep", 0, "how many of these `bundles` are kept, the last ones; 0 for all")
	fs.StringVar(&f.report, "report", "", "write what was done as JSON to this `file`")
}

// suited reads the same command line over what suits the arm on this base.
func (f *trainFlags) suited(args []string, said map[string]bool, arch backbone.Arch) (trainFlags, error) {
	g := newTrainFlags()
	if err := f.what(&g.opt, said, arch); err != nil {
		return g, err
	}
	fs := flag.NewFlagSet("train", flag.ContinueOnError)
	g.set(fs)
	if err := parseFlags(fs, args); err != nil {
		return g, err
	}
	return g, g.apply(said)
}

// what fills in arm or places, with the recipe that goes with them.
func (f *trainFlags) what(o *train.Options, said map[string]bool, arch backbone.Arch) (err error) {
	if said["adapters"] && said["arm"] {
		return fmt.Errorf("-arm %s and -adapters %s both say what to train; leave one out", f.arm, f.places)
	}
	if !said["adapters"] {
		err = o.SetArm(f.arm, arch)
	} else if o.Adapters, err = adapter.ParsePlacement(f.places); err == nil {
		if o.Adapters.Middle != nil {
			o.Adapters.Middle.Width = adapter.DefaultWidth(arch)
		}
		o.SetRecipe()
	}
	if err != nil {
		return err
	}
	return f.middle(o.Adapters.Middle, said)
}

// middle fills in m, which is nil where no middle adapters were asked for.
func (f *trainFlags) middle(m *adapter.Middle, said map[string]bool) (err error) {
	for _, name := range []string{"width", "blocks", "branches"} {
		if m == nil && said[name] {
			return fmt.Errorf("-%s is for middle adapters; add middle to -adapters, or leave it out", name)
		}
	}
	if m == nil {
		return nil
	}
	if f.branches != "" {
		m.Branches = strings.Split(f.branches, ",")
	}
	if f.width >= 0 {
		m.Width = f.width
	}
	m.Blocks, err = numbers("blocks", f.blocks)
	return err
}

// apply fills in what flags say in words of their own.
func (f *trainFlags) apply(said map[string]bool) (err error) {
	o := &f.opt
	if err := f.torch.check(); err != nil {
		return err
	}
	if f.name == "" {
		f.name = nameOf(f.out)
	}
	if o.Widths, err = numbers("hidden", f.hidden); err != nil {
		return err
	}
	o.Rates = maps.Clone(o.Rates)
	for _, place := range bundle.Groups() {
		if said["rate-"+place] || place == adapter.PlaceTop {
			o.Rates[place] = *f.rates[place]
		}
	}
	if o.Mean, err = colours("mean", f.mean); err != nil {
		return err
	}
	if o.Std, err = colours("std", f.std); err != nil {
		return err
	}
	if f.keep < 0 || !(f.cacheGiB >= 0 && f.cacheGiB <= 1024) || !(f.checkpointMinutes >= 0 && f.checkpointMinutes <= 1e6) {
		return fmt.Errorf("-keep %d, -cache-gib %g, -checkpoint-minutes %g: want 0 or more", f.keep, f.cacheGiB, f.checkpointMinutes)
	}
	o.CacheBytes, o.CheckpointEvery = int64(f.cacheGiB*(1<<30)), time.Duration(f.checkpointMinutes*float64(time.Minute))
	if o.Checkpoint = f.checkpoint; o.Checkpoint == "" {
		o.Checkpoint = f.out + ".checkpoint"
	}
	return f.applyBegun(said["init-head"])
}

func (f *trainFlags) applyBegun(saidHead bool) (err error) {
	if f.init != "" {
		if saidHead {
			return fmt.Errorf("-init %s and -init-head %s both say how the head begins; leave one out", f.init, f.head)
		}
		f.opt.HeadFirst = false
		f.opt.Init, err = bundle.Load(f.init)
		return err
	}
	switch f.head {
	case headAuto:
	case headRandom:
		f.opt.HeadFirst = false
	default:
		f.opt.HeadFirst = false
		f.opt.Head, err = bundle.Load(f.head)
	}
	return err
}

// begins is what the command line says it begins with.
func (f *trainFlags) begins() string {
	if f.init != "" {
		return "-init " + f.init
	}
	return "-init-head " + f.head
}

// numbers reads a list like 10,11; an empty text is an empty list.
func numbers(name, list string) ([]int, error) {
	out := []int{}
	for text := range strings.SplitSeq(list, ",") {
		if list == "" {
			break
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("-%s %q: %q is not a whole number", name, list, text)
		}
		out = append(out, n)
	}
	return out, nil
}

// colours reads three numbers like 0.5,0.5,0.5.
func colours(name, list string) (out [3]float64, err error) {
	texts := strings.Split(list, ",")
	if len(texts) != len(out) {
		return out, fmt.Errorf("-%s %q: want three numbers, red, green and blue", name, list)
	}
	for i, text := range texts {
		if out[i], err = strconv.ParseFloat(text, 64); err != nil {
			return out, fmt.Errorf("-%s %q: %q is not a number", name, list, text)
		}
	}
	return out, nil
}

// list is the inverse of numbers and colours.
func list[T int | float64](v []T) string {
	var out []string
	for x := range slices.Values(v) {
		out = append(out, fmt.Sprint(x))
	}
	return strings.Join(out, ",")
}
