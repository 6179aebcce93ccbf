package dataset

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sim2reald/camera"
	"sim2reald/camera/encoded"
	"sim2reald/model/dataset/lerobot"
	"sim2reald/robot"
)

// shown is a dataset of four episodes, of which the even ones succeeded.
func shown(t *testing.T) *Dataset {
	t.Helper()
	d := created(t, filepath.Join(t.TempDir(), "native"))
	write(t, d, 20000, 20001, 20002, 20003)
	return d
}

func exported(t *testing.T, d *Dataset, opt ExportOptions) (string, *ExportReport) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "for others")
	r, err := d.Export(t.Context(), dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	return dir, r
}

// TestExportReadBack opens an export by the parquet and mp4 readers alone, as training does, and holds every number and
// picture against the dataset that it was made of.
func TestExportReadBack(t *testing.T) {
	d := shown(t)
	for _, images := range []string{lerobot.Video, lerobot.Image} {
		for _, failures := range []bool{false, true} {
			dir, r := exported(t, d, ExportOptions{Images: images, Failures: failures})
			seeds := []int64{20000, 20002}
			if failures {
				seeds = d.Seeds()
			}
			if r.Episodes != len(seeds) || r.Frames != 3*len(seeds) || r.LeftOut != 4-len(seeds) {
				t.Errorf("%+v", r)
			}
			e, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(e.Seeds(), seeds) || !reflect.DeepEqual(e.Meta, d.Meta) {
				t.Fatalf("seeds %v, %+v", e.Seeds(), e.Meta)
			}
			for _, seed := range seeds {
				checkExported(t, d, e, seed, images == lerobot.Image)
			}
			checkLoss(t, dir, images == lerobot.Video)
			if _, err := e.Digest(); err != nil {
				t.Error(err)
			}
		}
	}
}

func checkExported(t *testing.T, d, e *Dataset, seed int64, lossless bool) {
	t.Helper()
	want, err := d.Episode(seed)
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.Episode(seed)
	if err != nil {
		t.Fatal(err)
	}
	if got.Success != want.Success || len(got.Steps) != len(want.Steps) {
		t.Fatalf("success %v of %d steps, want %v of %d", got.Success, len(got.Steps), want.Success, len(want.Steps))
	}
	for i := range want.Steps {
		checkStep(t, &got.Steps[i], &want.Steps[i], lossless)
	}
}

// checkStep wants the numbers rounded to float32, and nothing else changed.
func checkStep(t *testing.T, got, want *Step, lossless bool) {
	t.Helper()
	for _, pair := range [][2]robot.Vector{{got.Q, want.Q}, {got.DQ, want.DQ}, {got.Wanted.DQ, want.Wanted.DQ}, {got.Sent.DQ, want.Sent.DQ}} {
		for j := range pair[1] {
			if pair[0][j] != float64(float32(pair[1][j])) {
				t.Errorf("%v, want %v", pair[0], pair[1])
			}
		}
	}
	if got.Stamp != want.Stamp || got.Gripper != want.Gripper || got.Wanted.Gripper != want.Wanted.Gripper || got.Sent.Gripper != want.Sent.Gripper {
		t.Errorf("%+v, want %+v", got, want)
	}
	for c := range want.Pictures {
		if lossless != bytes.Equal(got.Pictures[c], want.Pictures[c]) && lossless {
			t.Errorf("camera %d: another picture", c)
		}
		if d := difference(t, got.Pictures[c], want.Pictures[c]); d > 8 {
			t.Errorf("camera %d: pictures differ by %d", c, d)
		}
	}
}

// difference is the largest of two pictures, of 255.
func difference(t *testing.T, a, b []byte) int {
	t.Helper()
	var x, y camera.Frame
	if err := errors.Join(encoded.Decode(a, &x), encoded.Decode(b, &y)); err != nil || len(x.Pix) != len(y.Pix) {
		t.Fatal(err)
	}
	out := 0
	for i := range x.Pix {
		out = max(out, int(x.Pix[i])-int(y.Pix[i]), int(y.Pix[i])-int(x.Pix[i]))
	}
	return out
}

// checkLoss wants what the films lost in the mapping, and where LeRobot keeps what it knows of a video.
func checkLoss(t *testing.T, dir string, filmed bool) {
	t.Helper()
	m, err := ReadMapping(dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "meta/info.json"))
	if err != nil {
		t.Fatal(err)
	}
	var info lerobot.Info
	if err := json.Unmarshal(text, &info); err != nil {
		t.Fatal(err)
	}
	for _, camera := range []string{"front", "wrist"} {
		loss, said := m.Exported.Losses[camera], info.Features[prefixImages+camera].Info["sim2reald.psnr_db"]
		if filmed && (loss.Frames == 0 || loss.PSNR < 30 || said != loss.PSNR) || !filmed && (loss.Frames != 0 || said != nil) {
			t.Errorf("%s: %+v, info.json says %v", camera, loss, said)
		}
	}
}

func TestExportRefuses(t *testing.T) {
	d := shown(t)
	dir, _ := exported(t, d, ExportOptions{Images: lerobot.Image})
	notOurs := t.TempDir()
	if err := os.WriteFile(filepath.Join(notOurs, "thesis.txt"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	failed := created(t, t.TempDir())
	write(t, failed, 1, 3)
	over, stop := context.WithCancel(t.Context())
	stop()
	cases := map[string]struct {
		ctx  context.Context
		d    *Dataset
		dir  string
		opt  ExportOptions
		says string
	}{
		"there already":   {t.Context(), d, dir, ExportOptions{Images: lerobot.Image}, "-replace"},
		"somebody else's": {t.Context(), d, notOurs, ExportOptions{Images: lerobot.Image, Replace: true}, "refusing to replace"},
		"no success":      {t.Context(), failed, filepath.Join(t.TempDir(), "a"), ExportOptions{Images: lerobot.Image}, ErrNothing.Error()},
		"interrupted":     {over, d, filepath.Join(t.TempDir(), "b"), ExportOptions{Images: lerobot.Image}, "nothing of it is left"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := c.d.Export(c.ctx, c.dir, c.opt)
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %q", err, c.says)
			}
			left, err := filepath.Glob(filepath.Join(filepath.Dir(c.dir), ".*"))
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(notOurs, "thesis.txt")); err != nil {
		t.Error(err)
	}
	if _, err := Open(dir); err != nil {
		t.Error(err)
	}
}

// TestExportReplaces wants the newer export where the older one was, and nothing beside it.
func TestExportReplaces(t *testing.T) {
	d := shown(t)
	dir, _ := exported(t, d, ExportOptions{Images: lerobot.Image})
	write(t, d, 20004)
	if _, err := d.Export(t.Context(), dir, ExportOptions{Images: lerobot.Image, Replace: true}); err != nil {
		t.Fatal(err)
	}
	e, err := Open(dir)
	if err != nil || len(e.Seeds()) != 3 {
		t.Fatalf("%v, %v", e, err)
	}
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

// TestExportKnowsDamage spoils the dataset that is exported: what was not whole must not be handed on.
func TestExportKnowsDamage(t *testing.T) {
	d := shown(t)
	data, err := os.ReadFile(d.path(20002))
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	if err := os.WriteFile(d.path(20002), data, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "out")
	if _, err := d.Export(t.Context(), dir, ExportOptions{Images: lerobot.Image}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder appeared: %v", err)
	}
}
