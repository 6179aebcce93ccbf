package main

import (
	"flag"
	"io"
	"reflect"
	"strings"
	"testing"

	"sim2reald/model/adapter"
)

// TestTrainFlags: what is trained, and how, by the words of the command line.
func TestTrainFlags(t *testing.T) {
	type said struct {
		placement string
		middle    *adapter.Middle
		hidden    int
		epochs    int
		batch     int
		rate      float64
	}
	for args, want := range map[string]said{
		"":                 {"top", nil, 2, 60, 256, 1e-3},
		"-hidden= -rate 1": {"top", nil, 0, 60, 256, 1},
		"-adapters norms":  {"norms,top", nil, 2, 12, 16, 3e-4},
		"-adapters bottom,middle,norms -epochs 3 -batch 4": {"bottom,middle,norms,top", &adapter.Middle{Width: -1, Blocks: []int{}}, 2, 3, 4, 3e-4},
		"-adapters middle -width 0 -blocks 3,11 -branches mlp -epochs 60": {"middle,top",
			&adapter.Middle{Width: 0, Blocks: []int{3, 11}, Branches: []string{"mlp"}}, 2, 60, 16, 3e-4},
	} {
		var f trainFlags
		fs := flag.NewFlagSet("train", flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		f.set(fs)
		if err := fs.Parse(strings.Fields(args)); err != nil {
			t.Fatal(err)
		}
		if err := f.inside.apply(fs, &f.opt); err != nil {
			t.Fatal(err)
		}
		o := &f.opt
		got := said{o.Adapters.String(), o.Adapters.Middle, len(o.Widths), o.Epochs, o.Batch, o.LearningRate}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, want %+v", args, got, want)
		}
	}
}
