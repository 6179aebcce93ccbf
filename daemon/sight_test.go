package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sim2reald/camera"
	"sim2reald/model/bundle"
	"sim2reald/model/preprocess"
	"sim2reald/model/reference"
)

func TestViews(t *testing.T) {
	w := &workcell{
		clock:   func() time.Duration { return time.Hour }, // pictures are old: that is not judged here
		cameras: []*camera.Latest{camera.NewLatest("front"), camera.NewLatest("wrist")},
	}
	if v := w.views(); v == nil || len(v) != 0 {
		t.Errorf("before the first picture: %v; nil would mean that nobody looks", v)
	}
	w.cameras[0].Put(&camera.Frame{Camera: "front", Width: 1, Height: 1, Pix: []byte{1, 2, 3}})
	w.cameras[1].Put(&camera.Frame{Camera: "wrist", Width: 1, Height: 1, Pix: []byte{1}}) // not RGB
	if v := w.views(); len(v) != 1 || v["front"] == nil || v["front"][0][0] != [3]float64{1, 2, 3} {
		t.Errorf("views %v", v)
	}
	w.shifted.Store(true)
	if v := w.views(); v != nil {
		t.Errorf("under a shift: %v", v)
	}
}

func TestTellSight(t *testing.T) {
	var log bytes.Buffer
	w := &workcell{log: slog.New(slog.NewTextHandler(&log, nil))}
	m := bundle.Manifest{Name: "door", Cameras: []preprocess.Camera{{Name: "front"}, {Name: "wrist"}}}
	var maker reference.Maker
	maker.Add(&reference.View{}) // darkness, which looks the same turned
	r, err := maker.Make("front")
	if err != nil {
		t.Fatal(err)
	}
	m.References = []reference.Reference{r}
	w.tellSight(&m)
	for _, want := range []string{"no reference picture", "cameras=wrist", "cannot tell", "camera=front", "mirrored left to right", "red and blue"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%q is not said: %s", want, &log)
		}
	}
}
