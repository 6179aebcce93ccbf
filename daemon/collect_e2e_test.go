package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sim2reald/daemon/config"
	"sim2reald/model/dataset"
)

// TestCollectKilled kills a collection of two cameras in the middle, goes on with it, and wants what a collection gives
// that nobody killed; then what it wrote for others.
func TestCollectKilled(t *testing.T) {
	t.Parallel()
	cfg := rigConfig(t)
	dir := t.TempDir()
	killed, straight := filepath.Join(dir, "killed"), filepath.Join(dir, "straight")
	path := configFile(t, fmt.Sprintf("mqtt: {listen: %q}\n", freePort(t)))
	process := daemonProcess(t, "collect", "-config", path, "-episodes", "2", "-out", killed, "-camera", "default", "-camera", secondCamera, "-lerobot=false")
	eventually(t, 120*time.Second, "the first episode", func() bool {
		files, err := filepath.Glob(filepath.Join(killed, "episodes", "seed-*"))
		return err == nil && len(files) == 1
	})
	kill(process)
	half, err := dataset.Open(killed)
	if err != nil {
		t.Fatal(err)
	}
	if got := half.Seeds(); !slices.Equal(got, []int64{firstDemonstration}) {
		t.Fatalf("seeds %v", got)
	}
	resumed := collectTwo(t, cfg, killed, true)
	if got, want := digestOf(t, resumed), digestOf(t, collectTwo(t, cfg, straight, false)); got != want {
		t.Errorf("digest %s after a kill, %s without", got, want)
	}
	if m := resumed.Meta; m.Domain != "kitchen" || m.Source != dataset.SourceTeacher || m.Shift != "" || m.Noise != 0.2 || m.HorizonSteps != 280 ||
		len(m.Cameras) != 2 || m.Cameras[1].Name != secondCamera {
		t.Errorf("%+v", m)
	}
	checkCollectExport(t, filepath.Join(killed, "lerobot"), resumed)
}

// secondCamera is another view of the kitchen.
const secondCamera = "left_cap2"

func collectTwo(t *testing.T, cfg config.Config, out string, lerobot bool) *dataset.Dataset {
	t.Helper()
	f := collectFlags{out: out, episodes: 2, first: firstDemonstration, noise: 0.2, scale: 0.5, lerobot: lerobot, bridgeFlags: bridgeFlags{horizon: -1, cameras: []string{"default", secondCamera}}}
	if err := f.apply(&cfg); err != nil {
		t.Fatal(err)
	}
	if err := collect(t.Context(), cfg, f); err != nil {
		t.Fatal(err)
	}
	d, err := dataset.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// checkCollectExport wants the successful episodes in LeRobot's layout, with both cameras and what their films lost.
func checkCollectExport(t *testing.T, dir string, d *dataset.Dataset) {
	t.Helper()
	e, err := dataset.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := e.Summary()
	if err != nil {
		t.Fatal(err)
	}
	m, err := dataset.ReadMapping(dir)
	if err != nil {
		t.Fatal(err)
	}
	if s.Episodes+m.Exported.LeftOut != len(d.Seeds()) || s.Episodes == 0 || m.Exported.Digest != digestOf(t, d) {
		t.Errorf("%+v of %d, %+v", s, len(d.Seeds()), m.Exported)
	}
	for _, c := range d.Meta.Cameras {
		if l := m.Exported.Losses[c.Name]; l.Frames != s.Steps || l.PSNR < 25 || l.PSNR > 60 {
			t.Errorf("%s: %+v", c.Name, l)
		}
	}
}

// TestDatasetCommands goes through inspect, export and map as a person does, with what LeRobot's own writer recorded.
func TestDatasetCommands(t *testing.T) {
	const recorded = "model/dataset/lerobot/testdata/recorded"
	dir := filepath.Join(t.TempDir(), "theirs")
	if err := os.CopyFS(dir, os.DirFS(recorded)); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name string
		args []string
		says string // in the error; empty for none
	}{
		{"no verb", nil, "usage"},
		{"no folder", []string{"inspect"}, "0 folders"},
		{"no mapping", []string{"inspect", dir}, "sim2reald dataset map"},
		{"other joints", []string{"map", dir}, "say which are panda_joint1"},
		{"other robot", []string{"map", "-robot", "toaster", dir}, "panda"},
		{"a gripper of words", []string{"map", "-position-joints", "0,1,2,3,4,5,6", "-position-gripper", "a,b,c", dir}, "two numbers"},
		{"too few dimensions", []string{"map", "-position-joints", "shoulder.pos,elbow.pos", dir}, "say which are"},
		{"other format", []string{"export", "-format", "rosbag", "-out", "x", dir}, "rosbag"},
		{"other pictures", []string{"export", "-images", "gif", "-out", "x", dir}, "gif"},
		{"nowhere", []string{"export", dir}, "-out"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if err := cmdDataset(t.Context(), c.args); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
}
