package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"sim2reald/model/adapter"
	"sim2reald/model/dataset"
	"sim2reald/model/train"
)

// torchArgs are the interpreter's arguments; file is the base, dir where the results go.
func (f *trainFlags) torchArgs(file, dir string) []string {
	o := &f.opt
	args := []string{"-m", "sim2real_torch", "train", "--data", f.data, "--base", file,
		"--out", filepath.Join(dir, torchBundle), "--report", filepath.Join(dir, torchReport), "--name", o.Name, "--commit", o.Commit}
	say := func(flag string, values ...any) {
		args = append(args, "--"+flag)
		for _, v := range values {
			args = append(args, word(v))
		}
	}
	say("size", f.size)
	say("mean", o.Mean[0], o.Mean[1], o.Mean[2])
	say("std", o.Std[0], o.Std[1], o.Std[2])
	say("history", o.History)
	say("proprioception", o.Proprioception)
	if f.labelsFile() != "" {
		say("labels", f.labelsFile())
	}
	say("chunk", o.ChunkSize)
	say("steps", o.NSteps)
	say("arm", o.Arm)
	args = append(args, f.torchPlaces()...)
	say("head", listed(o.Widths, "linear"))
	say("activation", o.Activation)
	f.sayRecipe(say)
	f.sayAugment(say)
	say("held-out", o.ValidateShare)
	say("seed", o.Seed)
	say("threads", o.BLASThreads)
	say("every", o.Every)
	say("keep", f.keep)
	say("device", f.torch.device)
	if f.torch.tf32 {
		say("tf32")
	}
	if f.torch.bf16 {
		say("bf16")
	}
	if f.torch.eager {
		say("eager")
	}
	return args
}

// torchPlaces say what is trained inside the base.
func (f *trainFlags) torchPlaces() []string {
	if f.opt.Full {
		return []string{"--full"}
	}
	args := []string{"--adapters", f.opt.Adapters.String()}
	m := f.opt.Adapters.Middle
	if m == nil {
		return args
	}
	args = append(args, "--middle-width", strconv.Itoa(m.Width))
	if len(m.Blocks) > 0 {
		args = append(args, "--middle-blocks", list(m.Blocks))
	}
	if len(m.Branches) > 0 {
		args = append(args, "--middle-branches", strings.Join(m.Branches, ","))
	}
	return args
}

func (f *trainFlags) sayRecipe(say func(string, ...any)) {
	o := &f.opt
	say("epochs", o.Epochs)
	say("batch", o.Batch)
	for _, place := range slices.Sorted(maps.Keys(o.Rates)) {
		if place == adapter.PlaceTop {
			say("rate", o.Rates[place])
		} else {
			say("rate-"+place, o.Rates[place])
		}
	}
	say("warm-up", o.WarmUp)
	say("weight-decay", o.WeightDecay)
	switch head := train.HeadRecipe(); {
	case o.Init != nil:
		say("init", f.init)
		say("init-digest", o.Init.Digest())
	case o.Head != nil:
		say("init-head", f.head)
		say("init-head-digest", o.Head.Digest())
	case o.HeadFirst:
		say("head-epochs", head.Epochs)
		say("head-batch", head.Batch)
		say("head-rate", head.Rates[adapter.PlaceTop])
		say("head-warm-up", head.WarmUp)
		say("head-weight-decay", head.WeightDecay)
	default:
		say("head-epochs", 0)
	}
}

func (f *trainFlags) sayAugment(say func(string, ...any)) {
	a := &f.opt.Augment
	if a.Fresh {
		say("fresh")
	} else {
		say("no-fresh")
	}
	say("views", a.Views)
	say("shift", a.ShiftPx)
	say("brightness", a.Brightness)
	say("contrast", a.Contrast)
	say("saturation", a.Saturation)
	say("noise", a.Noise)
	say("augment-seed", a.Seed)
}

// labelsFile is the file that says what PyTorch learns; empty where that is the joints' velocities, which it reads itself.
func (f *trainFlags) labelsFile() string {
	if f.opt.Tool == nil {
		return ""
	}
	return f.out + ".labels.safetensors"
}

// tellLabels writes that file. It stays where the command is printed, to be run with it.
func (f *trainFlags) tellLabels(data *dataset.Dataset) error {
	if f.labelsFile() == "" || f.torch.trained != "" {
		return nil
	}
	labels, err := f.opt.Labels(data)
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(f.labelsFile()), 0o755); err != nil {
		return err
	}
	return labels.WriteFile(f.labelsFile())
}

func (f *trainFlags) forgetLabels() error {
	if err := os.Remove(f.labelsFile()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil // there were none
}

// word spells a value so that Python reads the same number.
func word(v any) string {
	if x, ok := v.(float64); ok {
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}

// listed is list, or a word for an empty one.
func listed(numbers []int, none string) string {
	if len(numbers) == 0 {
		return none
	}
	return list(numbers)
}

// quoted is a command line for a shell.
func quoted(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = w
		if w == "" || strings.ContainsAny(w, " \t\n'\"\\$`*?[]{}()<>|&;#~!") {
			out[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}
