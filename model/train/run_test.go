package train

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sim2reald/model/adapter"
	"sim2reald/model/dataset"
	"sim2reald/model/preprocess"
)

func TestRunLearns(t *testing.T) {
	d, o := testData(t), testOptions(t)
	var lines []string
	b, r, err := Run(t.Context(), d, &meanSource{}, o, func(p Progress) { lines = append(lines, p.String()) })
	if err != nil {
		t.Fatal(err)
	}
	if r.Episodes != 8 || r.Excluded != 1 || r.HeldOut != 2 || r.Frames != 72 || r.Examples != 144 || r.Epochs != 30 {
		t.Fatalf("%+v", r)
	}
	if !(r.LastLoss < 0.2*r.FirstLoss) || !(r.ValidationLoss < 0.5*r.FirstLoss) {
		t.Fatalf("loss %g to %g, validation %g", r.FirstLoss, r.LastLoss, r.ValidationLoss)
	}
	// 144 examples are 4 steps of 32, and the end of an epoch is a line of its own.
	if last := len(lines) - 1; last != 8+30*5-1 || !strings.HasPrefix(lines[7], "features 8/8") || !strings.HasPrefix(lines[last], "training 30/30  step 120/120  loss 0.") {
		t.Fatalf("%d lines: %q", len(lines), lines)
	}
	m := b.Manifest
	if r := m.Reference("front"); r == nil || r.Pictures != 8*perEpisode {
		t.Errorf("reference of camera front: %+v", r)
	}
	if m.Training.Excluded != 1 || m.Training.HeldOut != 2 || m.Training.LastLoss != r.LastLoss || m.Limits.SpeedScale != 0.5 {
		t.Fatalf("%+v", m.Training)
	}
	if digest, err := d.Digest(); err != nil || m.Training.DataDigest != digest {
		t.Fatalf("data digest %s, want %s (%v)", m.Training.DataDigest, digest, err)
	}
	if !strings.Contains(r.BLAS, "OpenBLAS") {
		t.Fatalf("BLAS %q", r.BLAS)
	}
}

func saved(t *testing.T, save func(string) error) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "b.safetensors")
	if err := save(path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSameSeedSameBytes(t *testing.T) {
	d := testData(t)
	o := testOptions(t)
	o.Epochs, o.Proprioception, o.ChunkSize, o.Activation = 4, preprocess.ProprioPositions, 3, "gelu"
	one, _ := mustRun(t, t.Context(), d, &meanSource{}, o)
	o.CacheDir, o.Workers = t.TempDir(), 1
	two, _ := mustRun(t, t.Context(), d, &meanSource{}, o)
	if !bytes.Equal(saved(t, one.Save), saved(t, two.Save)) {
		t.Fatal("two runs of one seed differ")
	}
	o.Seed = 5
	three, _ := mustRun(t, t.Context(), d, &meanSource{}, o)
	if three.Digest() == two.Digest() {
		t.Fatal("another seed gave the same bundle")
	}
}

func TestFeaturesAreCachedEpisodeByEpisode(t *testing.T) {
	d, o := testData(t), testOptions(t)
	o.Epochs, o.Workers = 1, 1
	broken := errors.New("power cut")
	cut := &meanSource{fail: func(n int64) error {
		if n > 3*24 { // after three episodes of 12 steps in 2 views
			return broken
		}
		return nil
	}}
	if _, _, err := Run(t.Context(), d, cut, o, func(Progress) {}); !errors.Is(err, broken) {
		t.Fatalf("%v", err)
	}
	rest := &meanSource{}
	one, _ := mustRun(t, t.Context(), d, rest, o)
	if n := rest.extracted.Load(); n != 5*24 {
		t.Fatalf("%d observations computed after the cut, want those of 5 episodes", n)
	}
	again := &meanSource{}
	two, _ := mustRun(t, t.Context(), d, again, o)
	if n := again.extracted.Load(); n != 0 || one.Digest() != two.Digest() {
		t.Fatalf("%d observations computed again, digests %s and %s", n, one.Digest(), two.Digest())
	}
	damage(t, o.CacheDir)
	three, _ := mustRun(t, t.Context(), d, again, o)
	if n := again.extracted.Load(); n != 24 || one.Digest() != three.Digest() {
		t.Fatalf("%d observations computed after damage, want 24", n)
	}
	o.Augment.Seed = 1
	other := &meanSource{}
	mustRun(t, t.Context(), d, other, o)
	if n := other.extracted.Load(); n != 8*24 {
		t.Fatalf("%d observations for another augmentation, want all", n)
	}
}

// damage flips a byte of one cached file.
func damage(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "seed-*.safetensors"))
	if err != nil || len(files) != 8 {
		t.Fatalf("%d cached files (%v)", len(files), err)
	}
	data, err := os.ReadFile(files[2])
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-5] ^= 1
	if err := os.WriteFile(files[2], data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCancelKeepsWhatWasLearned(t *testing.T) {
	d, o := testData(t), testOptions(t)
	ctx, cancel := context.WithCancel(t.Context())
	b, r, err := Run(ctx, d, &meanSource{}, o, func(p Progress) {
		if p.Stage == StageTraining && p.Step == 3*4+1 {
			cancel()
		}
	})
	if err != nil || !r.Cancelled || r.Epochs != 3 || r.Steps != 13 || len(r.Losses) != 4 || b.Manifest.Training.Epochs != 3 {
		t.Fatalf("%v, %+v", err, r)
	}
	ctx, cancel = context.WithCancel(t.Context())
	_, _, err = Run(ctx, d, &meanSource{}, o, func(Progress) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled before the first step: %v", err)
	}
}

func TestRunRefuses(t *testing.T) {
	d := testData(t)
	nan := math.NaN()
	cases := map[string]struct {
		change func(*Options)
		want   string
	}{
		"epochs":      {func(o *Options) { o.Epochs = 0 }, "epochs 0"},
		"rate":        {func(o *Options) { o.Rates = map[string]float64{adapter.PlaceTop: nan} }, "learning rate NaN"},
		"share":       {func(o *Options) { o.ValidateShare = 1 }, "held-out share 1"},
		"views":       {func(o *Options) { o.Augment.Views = -1 }, "-1 views"},
		"strength":    {func(o *Options) { o.Augment.Contrast = nan }, "strength NaN"},
		"picture":     {func(o *Options) { o.Width = 30 }, "30x28"},
		"activation":  {func(o *Options) { o.Activation = "tanh" }, "tanh"},
		"chunk":       {func(o *Options) { o.NSteps = 2 }, "n_action_steps"},
		"base digest": {func(o *Options) { o.Base.Digest = "" }, "base.digest"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := testOptions(t)
			c.change(&o)
			_, _, err := Run(t.Context(), d, &meanSource{}, o, func(Progress) {})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestNoSuccessfulEpisode(t *testing.T) {
	d, err := dataset.Create(t.TempDir(), testData(t).Meta)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Write(&dataset.Episode{Seed: 1, Steps: []dataset.Step{testStep(t, 0.5)}}); err != nil {
		t.Fatal(err)
	}
	_, _, err = Run(t.Context(), d, &meanSource{}, testOptions(t), func(Progress) {})
	if !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), "no successful episode among 1") {
		t.Fatalf("%v", err)
	}
}
