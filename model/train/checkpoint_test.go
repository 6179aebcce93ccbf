package train

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sim2reald/model/adapter"
	"sim2reald/model/bundle"
)

// victimOf says to this test, run again as a process of its own, that it is the one to be killed, and where it works.
const victimOf = "TRAIN_TEST_VICTIM"

// stepwise trains a head, then adapters, and writes a checkpoint after each step.
func stepwise(t *testing.T, dir string) *lesson {
	t.Helper()
	l := newLesson(t, "vit_token", adapter.Placement{Bottom: true, Middle: &adapter.Middle{Width: 4}, Norms: true})
	o := &l.opt
	o.HeadFirst, o.Epochs, o.Augment.Fresh, o.Augment.Noise = true, 2, true, 0.01
	o.CacheDir, o.Checkpoint, o.CheckpointEvery = filepath.Join(dir, "cache"), filepath.Join(dir, "checkpoint"), 0
	return l
}

// TestKilledGoesOn kills a training without warning at six moments, in the head's stage and in that of the whole
// network, each time going on from there: losses, bundle and the bundles of single epochs are those of a training that
// nobody killed.
func TestKilledGoesOn(t *testing.T) {
	if dir := os.Getenv(victimOf); dir != "" {
		l := stepwise(t, dir)
		_, _, err := Run(t.Context(), testData(t), l.source, l.opt, func(p Progress) { fmt.Println("at", p.Stage, p.Step) })
		t.Fatalf("it came to its end: %v", err)
	}
	l, snaps := stepwise(t, t.TempDir()), map[int]string{}
	l.opt.Every, l.opt.Snapshot = 1, func(epoch int, b *bundle.Bundle) error { snaps[epoch] = b.Digest(); return nil }
	want, straight := mustRun(t, t.Context(), testData(t), l.source, l.opt)

	dir := t.TempDir()
	r := rand.New(rand.NewPCG(7, 7))
	for _, stage := range []string{StageHead, StageHead, StageHead, StageTraining, StageTraining, StageTraining} {
		killTraining(t, dir, stage, 1+r.IntN(4))
	}
	l.opt.CacheDir, l.opt.Checkpoint = filepath.Join(dir, "cache"), filepath.Join(dir, "checkpoint")
	if err := os.WriteFile(filepath.Join(dir, ".checkpoint.123"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := snaps
	snaps = map[int]string{}
	got, resumed := mustRun(t, t.Context(), testData(t), l.source, l.opt)
	if resumed.Resumed < 3 || resumed.Resumed >= straight.Steps {
		t.Errorf("went on after %d of %d steps", resumed.Resumed, straight.Steps)
	}
	if !slices.Equal(resumed.Losses, straight.Losses) || !slices.Equal(resumed.HeadLosses, straight.HeadLosses) || !slices.Equal(resumed.Validations, straight.Validations) {
		t.Errorf("losses\n%v, %v, %v after kills\n%v, %v, %v without", resumed.HeadLosses, resumed.Losses, resumed.Validations,
			straight.HeadLosses, straight.Losses, straight.Validations)
	}
	if len(straight.HeadLosses) != HeadRecipe().Epochs || len(straight.Losses) != 2 {
		t.Errorf("%d losses of the head, %d of the whole", len(straight.HeadLosses), len(straight.Losses))
	}
	if got.Digest() != want.Digest() {
		t.Errorf("bundle %s after kills, %s without", got.Digest(), want.Digest())
	}
	if before[2] == "" || snaps[2] != before[2] {
		t.Errorf("bundles of epochs %v after kills, %v without", snaps, before)
	}
	// Neither the checkpoint of a training that ended well, nor halves of it that were written when it was killed.
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 || left[0].Name() != "cache" {
		t.Errorf("left over: %v, %v", left, err)
	}
}

// killTraining starts a training and kills it when it has told so many steps of a stage.
func killTraining(t *testing.T, dir, stage string, steps int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	cmd.Env = append(os.Environ(), victimOf+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	told := 0
	var said []string
	for lines := bufio.NewScanner(out); told < steps && lines.Scan(); {
		said = append(said, lines.Text())
		if strings.HasPrefix(lines.Text(), "at "+stage+" ") && !strings.HasSuffix(lines.Text(), " 0") {
			told++
		}
	}
	if err := cmd.Process.Kill(); err != nil || told < steps {
		t.Fatalf("%d steps of %s before its end, want %d (%v):\n%s", told, stage, steps, err, strings.Join(said, "\n"))
	}
	_ = cmd.Wait() // it was killed
}

// TestCancelGoesOn interrupts a training in each stage: it gives a bundle of what was learned, and goes on to the end
// of one that nobody interrupted.
func TestCancelGoesOn(t *testing.T) {
	straight := stepwise(t, t.TempDir())
	want, whole := mustRun(t, t.Context(), testData(t), straight.source, straight.opt)
	for _, c := range []struct {
		stage string
		step  int
	}{{StageHead, 7}, {StageTraining, 5}} {
		t.Run(c.stage, func(t *testing.T) {
			l := stepwise(t, t.TempDir())
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			b, r, err := Run(ctx, testData(t), l.source, l.opt, func(p Progress) {
				if p.Stage == c.stage && p.Step == c.step {
					cancel()
				}
			})
			if err != nil || !r.Cancelled || r.Steps != c.step || b.Digest() == want.Digest() {
				t.Fatalf("%v, %+v", err, r)
			}
			got, r := mustRun(t, t.Context(), testData(t), l.source, l.opt)
			if r.Resumed != c.step && c.stage == StageTraining || r.Cancelled {
				t.Errorf("went on after %d steps, want %d", r.Resumed, c.step)
			}
			if got.Digest() != want.Digest() || !slices.Equal(r.Losses, whole.Losses) {
				t.Errorf("%s with %v, want %s with %v", got.Digest(), r.Losses, want.Digest(), whole.Losses)
			}
		})
	}
}

// TestCheckpointRefuses: what cannot be gone on from is named with the remedy, and left as it is.
func TestCheckpointRefuses(t *testing.T) {
	l, d := stepwise(t, t.TempDir()), testData(t)
	ctx, cancel := context.WithCancel(t.Context())
	if _, _, err := Run(ctx, d, l.source, l.opt, func(p Progress) {
		if p.Stage == StageTraining && p.Step == 2 {
			cancel()
		}
	}); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(l.opt.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	damaged := slices.Clone(whole)
	damaged[len(damaged)-2] ^= 1
	for name, c := range map[string]struct {
		file   []byte
		change func(*Options)
		says   string
	}{
		"another seed":    {whole, func(o *Options) { o.Seed = 3 }, "is of another run: its seed is 0, this run has 3; name another file, or remove it"},
		"another rate":    {whole, func(o *Options) { o.WeightDecay = 0.5 }, "is of another run: its recipe is"},
		"another picture": {whole, func(o *Options) { o.Augment.Noise = 0.02 }, "is of another run: its augment is"},
		"a flipped bit":   {damaged, func(*Options) {}, "its tensors are not those that were written; remove it to begin anew"},
		"cut off":         {whole[:len(whole)/2], func(*Options) {}, "remove it to begin anew"},
		"nothing":         {nil, func(*Options) {}, "remove it to begin anew"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(l.opt.Checkpoint, c.file, 0o600); err != nil {
				t.Fatal(err)
			}
			o := l.opt
			c.change(&o)
			_, _, err := Run(t.Context(), d, l.source, o, func(Progress) {})
			if !errors.Is(err, ErrCheckpoint) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %q", err, c.says)
			}
			if left, err := os.ReadFile(o.Checkpoint); err != nil || !slices.Equal(left, c.file) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
}
