package main

import (
	"flag"
	"fmt"
	"strconv"
	"strings"

	"sim2reald/model/adapter"
	"sim2reald/model/train"
)

// insideFlags say what is trained, from the picture to the action.
type insideFlags struct {
	places, blocks, branches, hidden string
	width                            int
}

func (f *insideFlags) set(fs *flag.FlagSet) {
	fs.StringVar(&f.places, "adapters", "", "`places` inside the base to train as well as the head: bottom,middle,norms or some of them; "+
		"the whole network is then trained end to end, which takes hours on a CPU")
	fs.IntVar(&f.width, "width", -1, "`features` of a middle adapter's bottleneck, 0 for a dense 1x1 convolution; -1 is a 24th of a ViT's width, and 0 else")
	fs.StringVar(&f.blocks, "blocks", "", "`numbers` of the blocks with a middle adapter, like 10,11; none means all")
	fs.StringVar(&f.branches, "branches", "", "`names` of the branches with a middle adapter, attn or mlp in a ViT; none means all")
	fs.StringVar(&f.hidden, "hidden", "256,256", "`widths` of the head's hidden layers; none makes it linear")
}

// apply fills in the options, and what adapters are trained with unless the flags say otherwise.
func (f *insideFlags) apply(fs *flag.FlagSet, o *train.Options) (err error) {
	if o.Widths, err = numbers("hidden", f.hidden); err != nil {
		return err
	}
	if o.Adapters, err = adapter.ParsePlacement(f.places); err != nil {
		return err
	}
	given := map[string]bool{}
	fs.Visit(func(g *flag.Flag) { given[g.Name] = true })
	if err := f.applyMiddle(o.Adapters.Middle, given); err != nil || o.Adapters.None() {
		return err
	}
	suits := train.AdapterOptions()
	if !given["epochs"] {
		o.Epochs = suits.Epochs
	}
	if !given["batch"] {
		o.Batch = suits.Batch
	}
	if !given["rate"] {
		o.LearningRate = suits.LearningRate
	}
	if !given["threads"] {
		o.BLASThreads = suits.BLASThreads
	}
	return nil
}

// applyMiddle fills in m, which is nil where no middle adapters were asked for.
func (f *insideFlags) applyMiddle(m *adapter.Middle, given map[string]bool) (err error) {
	if m == nil {
		for _, name := range []string{"width", "blocks", "branches"} {
			if given[name] {
				return fmt.Errorf("-%s is for middle adapters; add middle to -adapters, or leave it out", name)
			}
		}
		return nil
	}
	if f.branches != "" {
		m.Branches = strings.Split(f.branches, ",")
	}
	m.Width = f.width
	m.Blocks, err = numbers("blocks", f.blocks)
	return err
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
