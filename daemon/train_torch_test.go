package main

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"sim2reald/daemon/config"
	"sim2reald/model/base"
	"sim2reald/model/bundle"
	"sim2reald/model/dataset"
	"sim2reald/model/safetensors"
	"sim2reald/model/train"
)

// TestTorchArgs: the command line in Python's words, every number spelled out.
func TestTorchArgs(t *testing.T) {
	for args, want := range map[string][]string{
		"-arm probe": {"--adapters top", "--head linear", "--epochs 60 --batch 256 --rate 0.001 --warm-up", "--head-epochs 0", "--no-fresh", "--arm probe"},
		"-arm top":   {"--adapters top", "--head 256,256"},
		"-arm full":  {"--full --head", "--rate-base 5e-05 --rate 0.0005", "--head-epochs 60 --head-batch 256 --head-rate 0.001 --head-warm-up 0.05 --head-weight-decay 0.0001", "--fresh"},
		"-arm all":   {"--adapters bottom,middle,norms,top --middle-width 16 --head", "--epochs 60 --batch 32 --rate-bottom 5e-05 --rate-middle 0.001 --rate-norms 0.0002 --rate 0.0003 --warm-up 0.2"},
		"-arm all -tf32 -bf16 -torch-eager -init-head random -every 2 -keep 3 -noise 0.125 -threads 4 -torch-device cuda": {"--head-epochs 0", "--tf32", "--bf16", "--eager", "--every 2 --keep 3", "--noise 0.125", "--threads 4", "--device cuda"},
		"-arm all -init model/bundles/kitchen-light.safetensors":                                                          {"--init model/bundles/kitchen-light.safetensors --init-digest sha256:105c477a84583e366f56cf31965f0eddddb3fb7af9486fdcd4cf3f44ff63f751 --fresh"},
		"-adapters middle -width 0 -blocks 3,11 -branches mlp -mean 0.5,0.25,-1":                                          {"--adapters middle,top --middle-width 0 --middle-blocks 3,11 --middle-branches mlp", "--mean 0.5 0.25 -1"},
	} {
		f, err := trainFlagsOf(t, "vit_small_patch14_dinov2", "-trainer torch "+args)
		if err != nil {
			t.Errorf("%q: %v", args, err)
			continue
		}
		got := strings.Join(f.torchArgs("base", "dir"), " ")
		for _, part := range append(want, "-m sim2real_torch train --data ", "--base base --out dir/trained.safetensors --report dir/report.json", "--activation relu") {
			if !strings.Contains(got+" ", part+" ") && !strings.Contains(got, part) {
				t.Errorf("%q: %s\nlacks %q", args, got, part)
			}
		}
	}
	f, err := trainFlagsOf(t, "vit_small_patch14_dinov2", "-trainer torch -arm top -out a/b.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	f.opt.Tool = &train.Tool{}
	if got := strings.Join(f.torchArgs("base", "dir"), " "); !strings.Contains(got, " --labels a/b.safetensors.labels.safetensors ") {
		t.Errorf("of a tool's motion: %s", got)
	}
	for args, want := range map[string]string{"-trainer tensorflow": "neither", "-tf32": "for -trainer torch", "-bf16": "for -trainer torch", "-torch-eager": "for -trainer torch", "-torch-print": "for -trainer torch"} {
		if _, err := trainFlagsOf(t, "vit_small_patch14_dinov2", args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
	if got := quoted([]string{"a b", "it's", "", "c=1,2"}); got != `'a b' 'it'\''s' '' c=1,2` {
		t.Error(got)
	}
}

const torchData = "model/torch/tests/data/dataset"

// stage is a training by a script in place of the interpreter, which leaves what PyTorch once left.
type torchStage struct {
	cfg    config.Config
	on     *base.Base
	flags  trainFlags
	told   torchTold
	script string // run with the folder of the files in $1 and that of the results in $2
}

func newTorchStage(t *testing.T) *torchStage {
	t.Helper()
	s := &torchStage{cfg: config.Default()}
	s.cfg.Policy.Base = torchBase(t)
	var err error
	if s.on, err = base.Open(s.cfg.Policy.Base); err != nil {
		t.Fatal(err)
	}
	args := "-trainer torch -arm full -size 16 -hidden= -data " + torchData + " -out " + filepath.Join(t.TempDir(), "out.safetensors") +
		" -report " + filepath.Join(t.TempDir(), "report.json") + " -epochs 2 -every 1 -keep 1 -batch 16 -rate 1e-3 -rate-base 3e-5" // as recorded
	if s.flags, err = trainFlagsOf(t, "vit_small_patch14_dinov2", args); err != nil {
		t.Fatal(err)
	}
	s.told = torchTold{Schema: torchReportSchema, Method: "m", Computer: "c", Episodes: 2, Epochs: 2, Steps: 8, Frames: 8, Examples: 8,
		Losses: []float64{2, 1}, HeadLosses: []float64{3}, Trained: map[string]int{"top": 1, "base": 2}, Minutes: 0.5}
	s.script = "cp $1/* $2/"
	return s
}

// files writes what PyTorch leaves, with edits of what its bundles say, into a folder.
func (s *torchStage) files(t *testing.T, edits ...string) string {
	t.Helper()
	files := t.TempDir()
	d, err := dataset.Open(torchData)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := d.Digest()
	if err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.ReadFile("model/bundle/testdata/torch.full.vit.safetensors", safetensors.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	nothing := (&safetensors.File{}).Digest()
	f.Metadata = map[string]string{"sim2real_torch": strings.NewReplacer(append(edits, nothing, digest)...).Replace(f.Metadata["sim2real_torch"])}
	for _, name := range []string{torchBundle, "trained.epoch01.safetensors", "trained.epoch02.safetensors"} {
		if err := f.WriteFile(filepath.Join(files, name)); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(s.told)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(files, torchReport), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return files
}

// run writes files and script, and trains.
func (s *torchStage) run(ctx context.Context, t *testing.T, edits ...string) error {
	t.Helper()
	python := filepath.Join(t.TempDir(), "python")
	script := "#!/bin/sh\nset -- " + s.files(t, edits...) + " " + s.flags.out + ".torch \"$@\"\n" + s.script + "\n"
	if err := os.WriteFile(python, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	s.flags.torch.python = python
	return runTraining(ctx, s.cfg, s.on, s.flags)
}

func (s *torchStage) left(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(s.flags.out))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestTrainTorch: what PyTorch leaves becomes what Gorgonia's training leaves.
func TestTrainTorch(t *testing.T) {
	s := newTorchStage(t)
	if err := s.run(t.Context(), t); err != nil {
		t.Fatal(err)
	}
	if got := s.left(t); !slices.Equal(got, []string{"out.epoch02.safetensors", "out.safetensors"}) {
		t.Errorf("left %v", got)
	}
	b, err := bundle.Load(s.flags.out)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(s.flags.report)
	if err != nil {
		t.Fatal(err)
	}
	var r trainReport
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if len(b.Manifest.Unreferenced()) != 0 {
		t.Errorf("no reference picture of %v", b.Manifest.Unreferenced())
	}
	if r.Digest != b.Digest() || r.Kind != bundle.KindFull || r.Arm != "full" || r.Minutes != 0.5 || r.Steps != 8 || len(r.Snapshots) != 1 ||
		!maps.Equal(r.Trained, s.told.Trained) || !slices.Equal(r.Losses, s.told.Losses) || r.Features != "c" || r.Recipe.Rates["base"] != 3e-5 {
		t.Errorf("report %+v", r)
	}
}

func TestTrainTorchFails(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*torchStage)
		edits  []string
		want   string
		left   []string
	}{
		"python":    {func(s *torchStage) { s.script = "exit 3" }, nil, "exit status 3", nil},
		"no report": {func(s *torchStage) { s.script = "true" }, nil, "it did not end", []string{"out.safetensors.torch"}},
		"other arm": {func(*torchStage) {}, []string{`"arm":"full"`, `"arm":"all"`}, "the command line asks for", []string{"out.safetensors.torch"}},
		"no losses": {func(s *torchStage) { s.told.Losses = nil }, nil, "not a report", []string{"out.safetensors.torch"}},
		"cancelled": {func(s *torchStage) { s.told.Cancelled = true }, nil, "begins anew", []string{"out.epoch02.safetensors", "out.safetensors"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTorchStage(t)
			c.change(s)
			err := s.run(t.Context(), t, c.edits...)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %q in one line", err, c.want)
			}
			if got := s.left(t); !slices.Equal(got, c.left) {
				t.Errorf("left %v, want %v", got, c.left)
			}
		})
	}
}

// TestTrainTorchRefusesAnotherAction: a bundle of the joints' velocities is none of a tool's motion.
func TestTrainTorchRefusesAnotherAction(t *testing.T) {
	s := newTorchStage(t)
	s.flags.identify(s.on)
	path := filepath.Join(s.files(t), torchBundle)
	if _, err := s.flags.imported(path); err != nil {
		t.Errorf("as asked: %v", err)
	}
	s.flags.opt.Tool = &train.Tool{Dimensions: []string{"vx"}, Chain: "panda"}
	if _, err := s.flags.imported(path); err == nil || !strings.Contains(err.Error(), "[vx] of [0 0 0] m on panda") {
		t.Errorf("%v, want a refusal that names the tool", err)
	}
}

// TestTrainTorchIsInterrupted: the interrupt is passed on, and what was learned is taken over.
func TestTrainTorchIsInterrupted(t *testing.T) {
	s := newTorchStage(t)
	ready := filepath.Join(t.TempDir(), "ready")
	if err := syscall.Mkfifo(ready, 0o600); err != nil {
		t.Fatal(err)
	}
	s.told.Cancelled = true
	s.script = "trap 'cp $1/* $2/; exit 0' INT\necho > " + ready + "\nwhile :; do sleep 0.01; done"
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = os.ReadFile(ready) // until the script has opened it
		cancel()
	}()
	if err := s.run(ctx, t); !errors.Is(err, errTorchInterrupted) {
		t.Errorf("%v, want %v", err, errTorchInterrupted)
	}
	if _, err := bundle.Load(s.flags.out); err != nil {
		t.Error(err)
	}
}
