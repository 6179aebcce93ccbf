package main

import (
	"flag"
	"io"
	"maps"
	"reflect"
	"strings"
	"testing"

	"sim2reald/model/adapter"
	"sim2reald/model/backbone"
)

func trainFlagsOf(t *testing.T, preset, args string) (trainFlags, error) {
	t.Helper()
	arch, err := backbone.Preset(preset)
	if err != nil {
		t.Fatal(err)
	}
	first := newTrainFlags()
	fs := flag.NewFlagSet("train", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	first.set(fs)
	if err := fs.Parse(strings.Fields(args)); err != nil {
		t.Fatal(err)
	}
	return first.suited(strings.Fields(args), given(fs), arch)
}

// TestTrainFlags: what is trained, and how, by the words of the command line.
func TestTrainFlags(t *testing.T) {
	type said struct {
		arm, placement string
		full           bool
		middle         *adapter.Middle
		hidden, epochs int
		fresh, first   bool
	}
	const vit, resnet = "vit_small_patch14_dinov2", "resnet50"
	all := []int{}
	for _, c := range []struct {
		preset, args string
		want         said
	}{
		{vit, "", said{"top", "top", false, nil, 2, 60, false, false}},
		{vit, "-arm probe", said{"probe", "top", false, nil, 0, 60, false, false}},
		{vit, "-arm top -hidden= -epochs 3", said{"top", "top", false, nil, 0, 3, false, false}},
		{vit, "-arm bottom+top", said{"bottom+top", "bottom,top", false, nil, 2, 60, true, true}},
		{vit, "-arm middle+top", said{"middle+top", "middle,norms,top", false, &adapter.Middle{Width: 16, Blocks: all}, 2, 60, true, true}},
		{vit, "-arm all -fresh=false -init-head random", said{"all", "bottom,middle,norms,top", false, &adapter.Middle{Width: 16, Blocks: all}, 2, 60, false, false}},
		{resnet, "-arm all -epochs 5", said{"all", "bottom,middle,top", false, &adapter.Middle{Blocks: all}, 2, 5, true, true}},
		{vit, "-arm full", said{"full", "top", true, nil, 2, 60, true, true}},
		{vit, "-adapters norms", said{"", "norms,top", false, nil, 2, 60, true, true}},
		{vit, "-adapters middle -width 0 -blocks 3,11 -branches mlp -epochs 60", said{"", "middle,top", false,
			&adapter.Middle{Width: 0, Blocks: []int{3, 11}, Branches: []string{"mlp"}}, 2, 60, true, true}},
	} {
		f, err := trainFlagsOf(t, c.preset, c.args)
		if err != nil {
			t.Errorf("%q: %v", c.args, err)
			continue
		}
		o := &f.opt
		got := said{o.Arm, o.Adapters.String(), o.Full, o.Adapters.Middle, len(o.Widths), o.Epochs, o.Augment.Fresh, o.HeadFirst}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %+v, want %+v", c.args, got, c.want)
		}
	}
}

func TestTrainRates(t *testing.T) {
	f, err := trainFlagsOf(t, "vit_small_patch14_dinov2", "-arm full -rate 0.5 -rate-base 0.25 -mean 0.5,0.25,1 -checkpoint-minutes 0.5 -out x/y.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]float64{"top": 0.5, "base": 0.25}; !maps.Equal(f.opt.Rates, want) {
		t.Errorf("rates %v, want %v", f.opt.Rates, want)
	}
	if f.opt.Mean != [3]float64{0.5, 0.25, 1} || f.name != "y" || f.opt.Checkpoint != "x/y.safetensors.checkpoint" || f.opt.CheckpointEvery.Seconds() != 30 {
		t.Errorf("mean %v, name %s, checkpoint %s every %s", f.opt.Mean, f.name, f.opt.Checkpoint, f.opt.CheckpointEvery)
	}
	for args, want := range map[string]string{
		"-arm all -adapters norms": "both say",
		"-arm most":                "want one of",
		"-blocks 3":                "for middle adapters",
		"-mean 1,2":                "three numbers",
		"-init-head nowhere":       "nowhere",
		"-init nowhere":            "nowhere",
		"-init a -init-head b":     "both say how",
		"-keep -1":                 "want 0 or more",
	} {
		if _, err := trainFlagsOf(t, "vit_small_patch14_dinov2", args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
}
