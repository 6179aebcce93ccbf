package main

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"testing"

	"sim2reald/camera"
	"sim2reald/camera/encoded"
	"sim2reald/daemon/control"
	"sim2reald/model"
	"sim2reald/model/preprocess"
	"sim2reald/robot"
)

// counting is a policy that counts how often it is asked, with its decoder.
type counting struct{ asked int }

func (c *counting) Predict(_ *model.Observation, out *model.ActionChunk) error {
	c.asked++
	out.Rows, out.Dim, out.Data = 1, 1, []float32{0}
	return nil
}

func (*counting) Decode(*model.ActionChunk, *robot.State, []robot.Command) error { return nil }

// seeing is an actor of one camera of 224x224, and the policy behind it.
func seeing(t *testing.T) (control.Actor, *counting) {
	t.Helper()
	observer, err := preprocess.NewObserver(preprocess.Spec{
		Cameras: []preprocess.Camera{{
			Name: "front", SourceWidth: 224, SourceHeight: 224, Width: 28, Height: 28, Colour: preprocess.ColourRGB,
			Interpolation: preprocess.InterpolationBox, Std: [3]float64{1, 1, 1},
		}},
		Proprioception: preprocess.ProprioNone, History: 1,
	}, 7, preprocess.Stats{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = observer.Close() })
	policy := &counting{}
	actor, err := control.NewPolicyActor(observer, observer.Observation(), policy, policy, 1)
	if err != nil {
		t.Fatal(err)
	}
	return actor, policy
}

// TestWrongFramesReachNoPolicy: a frame that is not the bundle's is a typed error, and nothing is inferred from it.
func TestWrongFramesReachNoPolicy(t *testing.T) {
	frame := func(name string, w, h, size int) *camera.Frame {
		return &camera.Frame{Camera: name, Width: w, Height: h, Pix: make([]byte, size)}
	}
	actor, policy := seeing(t)
	look := func(frames ...*camera.Frame) error { return actor.Act(frames, &robot.State{}, &control.Plan{}) }
	for name, frames := range map[string][]*camera.Frame{
		"another size":    {frame("front", 320, 240, 320*240*3)},
		"turned":          {frame("front", 112, 448, 224*224*3)},
		"nothing":         {frame("front", 0, 0, 0)},
		"one channel":     {frame("front", 224, 224, 224*224)},
		"four channels":   {frame("front", 224, 224, 224*224*4)},
		"16 bit":          {frame("front", 224, 224, 224*224*3*2)},
		"4096x4096":       {frame("front", 4096, 4096, 4096*4096*3)},
		"a negative size": {frame("front", -224, -224, 224*224*3)},
		"another camera":  {frame("wrist", 224, 224, 224*224*3)},
		"no camera":       {},
		"two cameras":     {frame("front", 224, 224, 224*224*3), frame("front", 224, 224, 224*224*3)},
	} {
		if err := look(frames...); !errors.Is(err, preprocess.ErrFrame) {
			t.Errorf("%s: %v, want ErrFrame", name, err)
		}
	}
	if policy.asked != 0 {
		t.Errorf("the policy was asked %d times about frames that are not its own", policy.asked)
	}
	if err := look(frame("front", 224, 224, 224*224*3)); err != nil || policy.asked != 1 {
		t.Errorf("the right frame: %v, asked %d times", err, policy.asked)
	}
}

// TestWrongPicturesAreNoFrames: what comes over the wire as a picture of another kind becomes none.
func TestWrongPicturesAreNoFrames(t *testing.T) {
	size := image.Rect(0, 0, 224, 224)
	opaque := image.NewRGBA(image.Rect(0, 0, 4097, 1))
	for i := range opaque.Pix {
		opaque.Pix[i] = 0xff
	}
	for name, c := range map[string]struct {
		picture image.Image
		want    error
	}{
		"grey":        {image.NewGray(size), encoded.ErrChannels},
		"transparent": {image.NewNRGBA(size), encoded.ErrChannels},
		"16 bit":      {image.NewRGBA64(size), encoded.ErrDepth},
		"16 bit grey": {image.NewGray16(size), encoded.ErrDepth},
		"beyond 4096": {opaque, encoded.ErrSize},
	} {
		var data bytes.Buffer
		if err := png.Encode(&data, c.picture); err != nil {
			t.Fatal(err)
		}
		var f camera.Frame
		err := encoded.Decode(data.Bytes(), &f)
		if !errors.Is(err, c.want) || f.Pix != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
