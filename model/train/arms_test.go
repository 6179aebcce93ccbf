package train

import (
	"bytes"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sim2reald/model/adapter"
	"sim2reald/model/bundle"
	"sim2reald/model/dataset"
)

// TestArms is the table of what each arm trains, in a base with LayerNorms and in one without.
func TestArms(t *testing.T) {
	for _, c := range []struct {
		arm, vit, resnet string // places
		hidden           int
		whole            bool
	}{
		{ArmProbe, "top", "top", 0, false},
		{ArmTop, "top", "top", 2, false},
		{ArmBottom, "bottom,top", "bottom,top", 2, true},
		{ArmMiddle, "middle,norms,top", "middle,top", 2, true},
		{ArmAll, "bottom,middle,norms,top", "bottom,middle,top", 2, true},
		{ArmFull, "base,top", "base,top", 2, true},
	} {
		for base, want := range map[string]string{"vit_token": c.vit, "resnet_basic": c.resnet} {
			t.Run(c.arm+" "+base, func(t *testing.T) {
				o := DefaultOptions()
				if err := o.SetArm(c.arm, installed(t, base).Arch); err != nil {
					t.Fatal(err)
				}
				got := slices.Sorted(maps.Keys(o.Rates))
				if strings.Join(got, ",") != want {
					t.Errorf("trains %v, want %s", got, want)
				}
				if len(o.Widths) != c.hidden || o.whole() != c.whole || o.HeadFirst != c.whole || o.Full != (c.arm == ArmFull) {
					t.Errorf("%d hidden layers, whole %v, head first %v, full %v", len(o.Widths), o.whole(), o.HeadFirst, o.Full)
				}
				if err := o.Recipe.validate(o.places()); err != nil {
					t.Error(err)
				}
			})
		}
	}
	o := DefaultOptions()
	if err := o.SetArm("sideways", nil); !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), "probe, top, bottom+top, middle+top, all, full") {
		t.Errorf("%v", err)
	}
	if err := o.SetArm(ArmFull, nil); err != nil || o.Rates[adapter.PlaceBase] >= o.Rates[adapter.PlaceTop] {
		t.Errorf("full fine-tuning of a pretrained base at %v (%v)", o.Rates, err)
	}
}

// TestFullLearnsTheBase: full fine-tuning lowers the loss, moves the base's weights in the bundle, which is of kind
// full and holds all of them, and leaves the base's file alone.
func TestFullLearnsTheBase(t *testing.T) {
	for _, name := range []string{"vit_token", "resnet_basic", "nfnet_plain"} {
		t.Run(name, func(t *testing.T) {
			l := newLesson(t, name, adapter.Placement{})
			o := &l.opt
			o.Arm, o.Full = ArmFull, true
			o.SetRecipe()
			o.Epochs, o.Batch, o.Augment.Fresh, o.HeadFirst, o.Rates = 8, 9, false, false, map[string]float64{adapter.PlaceTop: 1e-3, adapter.PlaceBase: 1e-3}
			b, r := mustRun(t, t.Context(), testData(t), l.source, *o)
			if !(r.LastLoss < 0.5*r.FirstLoss) || r.Method != methodFull || r.Trained[adapter.PlaceBase] == 0 || r.Trained[adapter.PlaceTop] == 0 {
				t.Errorf("%+v", r)
			}
			if err := l.base.Unchanged(); err != nil {
				t.Error(err)
			}
			path := filepath.Join(t.TempDir(), "full.safetensors")
			if err := b.Save(path); err != nil {
				t.Fatal(err)
			}
			again, err := bundle.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			if m := again.Manifest; m.Kind != bundle.KindFull || m.Training.Recipe.Arm != ArmFull || again.Digest() != b.Digest() {
				t.Errorf("kind %q of arm %q, %s", m.Kind, m.Training.Recipe.Arm, again.Digest())
			}
			of := again.Backbone()
			if len(of) != len(o.Weights) {
				t.Fatalf("%d tensors of the base in the bundle, it has %d", len(of), len(o.Weights))
			}
			moved := 0
			for name, w := range o.Weights {
				if !bytes.Equal(of[name].Data, w.Data) {
					moved++
				}
			}
			if 2*moved < len(of) {
				t.Errorf("%d of %d tensors moved", moved, len(of))
			}
		})
	}
}

// TestHeadOfAnotherBundle begins with a head that was trained before, and with its scale of actions.
func TestHeadOfAnotherBundle(t *testing.T) {
	d := testData(t)
	top := newLesson(t, "vit_token", adapter.Placement{})
	head, before := mustRun(t, t.Context(), d, top.source, top.opt)
	l := newLesson(t, "vit_token", adapter.Placement{Norms: true})
	l.opt.Head, l.opt.Epochs = head, 1
	b, r := mustRun(t, t.Context(), d, l.source, l.opt)
	if !(r.FirstLoss < 1.2*before.LastLoss) {
		t.Errorf("loss %g at first, the head ended with %g", r.FirstLoss, before.LastLoss)
	}
	if b.Manifest.Training.Recipe.Head != head.Digest() {
		t.Errorf("the bundle says of its head: %q", b.Manifest.Training.Recipe.Head)
	}
	l.opt.ChunkSize = 2
	if _, _, err := Run(t.Context(), d, l.source, l.opt, func(Progress) {}); !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), "the head of bundle door speaks") {
		t.Errorf("%v", err)
	}
}

// TestPrefixIsTheSameNetwork: what comes before the first adapter, computed once and kept, gives the losses of the whole
// network, with a history and several views of each frame.
func TestPrefixIsTheSameNetwork(t *testing.T) {
	l, d := newLesson(t, "vit_token", adapter.Placement{Middle: &adapter.Middle{Width: 4, Blocks: []int{1}}}), testData(t)
	o := &l.opt
	o.Epochs, o.History, o.Augment.Views, o.Proprioception = 2, 2, 1, "joint_positions"
	var stages []string
	told := func(p Progress) {
		if !slices.Contains(stages, p.Stage) {
			stages = append(stages, p.Stage)
		}
	}
	_, kept, err := Run(t.Context(), d, l.source, *o, told)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(stages, StagePrefix) || !strings.Contains(kept.Features, "; gorgonia 1, layers ") {
		t.Fatalf("nothing was kept: stages %v, %s", stages, kept.Features)
	}
	o.CacheBytes = 0
	_, each, err := Run(t.Context(), d, l.source, *o, func(p Progress) {
		if p.Stage == StagePrefix {
			t.Error("kept all the same")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range each.Losses {
		if r := kept.Losses[i]/each.Losses[i] - 1; !(r < 1e-5 && r > -1e-5) {
			t.Errorf("epoch %d: loss %g kept, %g computed at each step", i+1, kept.Losses[i], each.Losses[i])
		}
	}
	o.CacheBytes = 1000
	if _, _, err := Run(t.Context(), d, l.source, *o, func(Progress) {}); !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), "raise -cache-gib") {
		t.Errorf("more than is allowed: %v", err)
	}
}

// TestNothingToKeepBefore: where adapters begin at once, nothing comes before them.
func TestNothingToKeepBefore(t *testing.T) {
	l := newLesson(t, "vit_token", adapter.Placement{Bottom: true})
	m := l.opt.manifest(&dataset.Meta{Cameras: []dataset.Camera{{Name: "front", Width: 56, Height: 56, Colour: "rgb"}}})
	net, err := m.Network()
	if err != nil {
		t.Fatal(err)
	}
	g, err := net.Graph()
	if err != nil {
		t.Fatal(err)
	}
	if p, rest, err := cutAt(net, g, l.opt.Weights); p != nil || rest != g || err != nil {
		t.Errorf("%v, %v", p, err)
	}
}

// TestRecipeIsRecorded: what decides the tensors stands in the bundle, that of the demonstrations included.
func TestRecipeIsRecorded(t *testing.T) {
	o := testOptions(t)
	o.Arm, o.Augment.Noise = ArmTop, 0.02
	m := o.manifest(&dataset.Meta{Shift: "randomised"})
	r := m.Training.Recipe
	if r == nil || r.Arm != ArmTop || r.Shift != "randomised" || r.Head != bundle.HeadRandom || r.Augment.Noise != 0.02 || r.Augment.ShiftPx != 1 || r.Batch != 32 {
		t.Errorf("%+v", r)
	}
}
