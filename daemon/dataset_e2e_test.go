package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sim2reald/camera"
	"sim2reald/camera/encoded"
	"sim2reald/model/bundle"
	"sim2reald/model/dataset"
	"sim2reald/robot"
)

// drawnDemonstrations are three episodes of a Panda that nobody moved, one of them failed.
func drawnDemonstrations(t *testing.T, dir string) {
	t.Helper()
	arm := robot.Panda()
	d, err := dataset.Create(dir, dataset.Meta{
		Schema: dataset.Schema, Version: dataset.Version, Source: dataset.SourceTeleoperation, Task: "shelve", Jitter: placedByHand, ControlRateHz: 10,
		Robot:   bundle.Robot{Model: arm.Name, JointNames: arm.Joints, Gripper: bundle.Gripper{Open: 0, Closed: 1}},
		Cameras: []dataset.Camera{{Name: "front", Width: 64, Height: 64, Encoding: "png", Colour: "rgb"}},
		Limits:  bundle.LimitsOf(arm.Limits, arm.N(), 0.5), Software: map[string]string{}, Daemon: version,
	})
	if err != nil {
		t.Fatal(err)
	}
	for seed := range int64(3) {
		e := &dataset.Episode{Seed: seed, Success: seed != 1}
		for i := range 12 {
			f := camera.Frame{Camera: "front", Width: 64, Height: 64, Pix: make([]byte, 3*64*64)}
			for k := range f.Pix {
				f.Pix[k] = byte(20*i + 7*int(seed))
			}
			picture, err := encoded.PNG(&f)
			if err != nil {
				t.Fatal(err)
			}
			c := robot.Command{Mode: robot.Velocity, Gripper: float64(i / 6)}
			s := dataset.Step{Pictures: [][]byte{picture}, Stamp: time.Duration(i) * 100 * time.Millisecond, Q: robot.Vector{0, 0, 0, -1.5, 0, 1.5, 0}}
			for j := range arm.Joints {
				c.DQ[j], s.Q[j] = 0.01*float64(i*(j+1)), s.Q[j]+0.0005*float64(i*i*(j+1))
			}
			s.Wanted, s.Sent = c, c
			e.Steps = append(e.Steps, s)
		}
		if err := d.Write(e); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDatasetOfOthers writes demonstrations for others, forgets what sim2reald knew of them, says by hand which column
// is which joint, and trains on films and on pictures.
func TestDatasetOfOthers(t *testing.T) {
	t.Parallel()
	rigConfig(t)
	dir := t.TempDir()
	native, cache := filepath.Join(dir, "native"), filepath.Join(dir, "cache")
	drawnDemonstrations(t, native)
	asTyped(t, cmdDataset, "inspect "+native)
	for images, flags := range map[string]string{"mp4": "", "png": "-camera eye=observation.images.front "} {
		t.Run(images, func(t *testing.T) {
			theirs, trained := filepath.Join(dir, images), filepath.Join(dir, images+".safetensors")
			asTyped(t, cmdDataset, fmt.Sprintf("export -failures -images %s -out %s %s", images, theirs, native))
			err := cmdDataset(t.Context(), strings.Fields(fmt.Sprintf("export -images %s -out %s %s", images, theirs, native)))
			if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), theirs) {
				t.Errorf("written over: %v", err)
			}
			asTyped(t, cmdDataset, fmt.Sprintf("export -failures -replace -images %s -out %s %s", images, theirs, native))
			if err := cmdDataset(t.Context(), []string{"map", theirs}); err == nil || !strings.Contains(err.Error(), "exported by sim2reald") {
				t.Errorf("mapped anew: %v", err)
			}
			if err := os.Remove(filepath.Join(theirs, dataset.MappingFile)); err != nil {
				t.Fatal(err)
			}
			train := fmt.Sprintf("-data %s -out %s -cache %s -size 56 -views 0 -held 0 -epochs 2", theirs, trained, cache)
			if err := cmdTrain(t.Context(), strings.Fields(train)); !errors.Is(err, dataset.ErrMapping) || !strings.Contains(err.Error(), "sim2reald dataset map") {
				t.Errorf("without a mapping: %v", err)
			}
			asTyped(t, cmdDataset, fmt.Sprintf("map -robot panda -success next.success -position-gripper gripper.pos,0,1 -action-gripper gripper.pos,0,1 -speed-scale 0.5 %s%s", flags, theirs))
			trains(t, train)
			b, err := bundle.Load(trained)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"mp4": "front", "png": "eye"}[images]
			if m := b.Manifest; m.Cameras[0].Name != want || m.Training.Episodes != 2 || m.Training.Excluded != 1 || m.Action.RateHz != 10 || m.Limits.SpeedScale != 0.5 {
				t.Errorf("%+v", m)
			}
		})
	}
}
