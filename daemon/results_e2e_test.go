package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sim2reald/daemon/config"
	"sim2reald/daemon/results"
)

// tinyPlan is one real row that takes seconds: what it learns is nothing, and how it comes about is everything.
const tinyPlan = `experiments:
  - name: tiny
    title: A tiny row
    domain: kitchen
    task: slide
    camera: default
    jitter: j05
    horizon: 60
    base: {family: ViT-S/14, file: build/base/vit_small_patch14_dinov2.safetensors, size_px: 56}
    demonstrations: {episodes: 2, first_seed: 1000000, noise: 0.2, speed_scale: 0.5}
    training_seeds: [1]
    evaluation: {first_seed: 30000, episodes: 2, shifts: [none, camera_pose], checkpoints: 2, checkpoint_episodes: 1}
    rows:
      - {name: tiny-top, part: a, arm: top, every: 1, train: -epochs 2 -views 0 -held 0}
      - {name: tiny-again, part: b, arm: top, bundles_of: tiny-top}
`

// TestResultsRow runs a row from nothing to its page with the real commands. It is stopped before each of them in
// turn, and what was done is not done again.
func TestResultsRow(t *testing.T) {
	t.Parallel()
	cfg := rigConfig(t)
	dir := t.TempDir()
	f := resultsFlags{rows: filepath.Join(dir, "results", "rows.yaml"), work: filepath.Join(dir, "work"), commit: "test", workers: 1, seed: 1}
	if err := errors.Join(os.Mkdir(f.folder(), 0o755), os.WriteFile(f.rows, []byte(tinyPlan), 0o600)); err != nil {
		t.Fatal(err)
	}
	plan, err := results.Read(f.rows)
	if err != nil {
		t.Fatal(err)
	}
	errStopped := errors.New("stopped")
	var ran []string
	allowed := 0
	child := func(ctx context.Context, args []string) error {
		if allowed == 0 {
			return errStopped
		}
		allowed--
		ran = append(ran, args[0])
		return runSelf(ctx, withCache(args, dir))
	}
	var said bytes.Buffer
	for err = errStopped; errors.Is(err, errStopped) && len(ran) < 10; {
		allowed = 1
		r := &rowRun{flags: f, cfg: cfg, plan: plan, job: plan.Jobs()[0], out: &said, child: child}
		err = r.run(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(ran, " "); got != "collect train evaluate evaluate evaluate" {
		t.Errorf("ran %s", got)
	}
	checkTiny(t, f, plan)
	elsewhere(t, f, cfg, plan)
}

// elsewhere goes on where no work is left but the records and a bundle that was kept: what is recorded is not run again,
// and the kept bundle is not trained again.
func elsewhere(t *testing.T, f resultsFlags, cfg config.Config, plan *results.Plan) {
	t.Helper()
	trained, err := filepath.Glob(filepath.Join(f.work, "tiny-top", "tiny-top-seed1-????????????.safetensors"))
	if err != nil || len(trained) != 1 {
		t.Fatal(trained, err)
	}
	f.bundles, f.work = t.TempDir(), t.TempDir()
	if err := os.Link(trained[0], filepath.Join(f.bundles, "kept.safetensors")); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "evaluate evaluate"} {
		var ran []string
		child := func(ctx context.Context, args []string) error {
			ran = append(ran, args[0])
			return runSelf(ctx, args)
		}
		r := &rowRun{flags: f, cfg: cfg, plan: plan, job: plan.Jobs()[i], out: io.Discard, child: child}
		if err := r.run(t.Context()); err != nil || strings.Join(ran, " ") != want {
			t.Errorf("%s ran %q, want %q: %v", r.job.Name, ran, want, err)
		}
	}
	first, err := results.Stand(f.folder(), plan.Jobs()[0])
	again, err2 := results.Stand(f.folder(), plan.Jobs()[1])
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(f.folder(), "README.md"))
	if err != nil || !strings.Contains(string(page), "2 of 2 rows are done") || !strings.Contains(string(page), "Nothing is left to run") {
		t.Errorf("%v, the page:\n%s", err, page)
	}
	for i, r := range again.Records {
		if was := first.Records[i]; r.Bundle != was.Bundle || r.Trainable != was.Trainable || r.Epoch != was.Epoch || r.Outcomes != was.Outcomes {
			t.Errorf("%+v, want the same as %+v", r, was)
		}
	}
}

// withCache keeps the features of a test's training out of the user's cache.
func withCache(args []string, dir string) []string {
	if args[0] != "train" {
		return args
	}
	return append(args, "-cache", filepath.Join(dir, "cache"))
}

// checkTiny reads the row's records and page.
func checkTiny(t *testing.T, f resultsFlags, plan *results.Plan) {
	t.Helper()
	s, err := results.Stand(f.folder(), plan.Jobs()[0])
	if err != nil {
		t.Fatal(err)
	}
	if !s.Done() || len(s.Records) != 3 {
		t.Fatalf("%+v", s.Records)
	}
	for i, want := range []struct {
		epoch, episodes int
		shift           string
	}{{2, 2, "none"}, {2, 2, "camera_pose"}, {1, 1, "none"}} {
		r := s.Records[i]
		if r.Epoch != want.epoch || len(r.Outcomes) != want.episodes || r.Shift != want.shift || r.Last != (want.epoch == 2) {
			t.Errorf("record %d: %+v, want %+v", i, r, want)
		}
		if r.Trainable < 200_000 || !strings.HasPrefix(r.Data, "sha256:") || !strings.HasPrefix(r.Bundle, "sha256:") || r.LastLoss <= 0 || r.CPU == "" || r.Commit != "test" {
			t.Errorf("record %d: %+v", i, r)
		}
	}
	if s.Records[0].Bundle != s.Records[1].Bundle || s.Records[0].Bundle == s.Records[2].Bundle {
		t.Error("the bundle of a checkpoint is that of the end, or the end has two")
	}
	page, err := os.ReadFile(filepath.Join(f.folder(), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 of 2 rows are done", "[`tiny-top`](tiny-top.jsonl)", "tiny-shifts.png"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page does not say %q:\n%s", want, page)
		}
	}
	if _, err := os.Stat(filepath.Join(f.folder(), "tiny-shifts.png")); err != nil {
		t.Error(err)
	}
}

// TestResultsRefuse is what the command says of wishes that cannot be.
func TestResultsRefuse(t *testing.T) {
	dir := t.TempDir()
	rows := filepath.Join(dir, "rows.yaml")
	if err := os.WriteFile(rows, []byte(tinyPlan), 0o600); err != nil {
		t.Fatal(err)
	}
	work := filepath.Join(dir, "work")
	for args, want := range map[string]string{
		"-rows nowhere.yaml -list": "nowhere.yaml",
		"-rows " + rows:            "say -list, -row NAME or -page",
		"-rows " + rows + " -work " + work + " -row juggle":                    `no row and no experiment is called "juggle"`,
		"-rows " + rows + " -work " + work + " -row tiny-top -training-seed 2": "-training-seed 2: the row has [1]",
	} {
		if err := cmdResults(t.Context(), strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
	unlock, err := lockFolder(work)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmdResults(t.Context(), strings.Fields("-rows "+rows+" -work "+work+" -row tiny")); err == nil || !strings.Contains(err.Error(), "another process runs results there") {
		t.Errorf("%v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
}
