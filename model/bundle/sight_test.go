package bundle

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"sim2reald/camera"
	"sim2reald/model/reference"
)

// scene is a picture with no symmetry: a bright red wedge that grows to one side and downwards, blue above it, and a few
// pixels that differ by seed.
func scene(seed int) *camera.Frame {
	f := &camera.Frame{Camera: "front", Width: 64, Height: 64}
	for y := range 64 {
		for x := range 64 {
			wave := 20 * math.Sin(float64(x*x)/200+float64(y)/7)
			red, blue := 60+2*float64(y)+wave, 180-2*float64(y)-float64(x)/2+wave
			if (x*7+y*13+seed)%101 == 0 {
				red += 20
			}
			f.Pix = append(f.Pix, byte(red), byte(90+wave), byte(blue))
		}
	}
	return f
}

func viewOf(t testing.TB, f *camera.Frame) *reference.View {
	t.Helper()
	v, err := reference.Of(f)
	if err != nil {
		t.Fatal(err)
	}
	return &v
}

// referenced is the test manifest with a reference picture of its camera.
func referenced(t testing.TB) Manifest {
	t.Helper()
	var maker reference.Maker
	for seed := range 24 { // fewer tell nothing
		maker.Add(viewOf(t, scene(seed)))
	}
	r, err := maker.Make("front")
	if err != nil {
		t.Fatal(err)
	}
	if untold := r.Untold(); untold != "a camera that has moved a little" { // of which the episodes are not counted
		t.Fatalf("the scene of this test cannot tell %s", untold)
	}
	m := testManifest()
	m.References = []reference.Reference{r}
	m.SetVersion()
	return m
}

// upsideDown is a frame turned by half a turn; swapped sends blue first.
func upsideDown(f *camera.Frame) *camera.Frame {
	out := *f
	out.Pix = nil
	for i := len(f.Pix) - 3; i >= 0; i -= 3 {
		out.Pix = append(out.Pix, f.Pix[i:i+3]...)
	}
	return &out
}

func swapped(f *camera.Frame) *camera.Frame {
	out := *f
	out.Pix = nil
	for i := 0; i < len(f.Pix); i += 3 {
		out.Pix = append(out.Pix, f.Pix[i+2], f.Pix[i+1], f.Pix[i])
	}
	return &out
}

func TestCheckCompares(t *testing.T) {
	m := referenced(t)
	views := func(f *camera.Frame) map[string]*reference.View {
		return map[string]*reference.View{"front": viewOf(t, f)}
	}
	for name, c := range map[string]struct {
		views       map[string]*reference.View
		rig, remedy string // of the mismatch; empty for none
	}{
		"the same scene":  {views(scene(9)), "", ""},
		"nobody looks":    {nil, "", ""},
		"no picture yet":  {map[string]*reference.View{}, "no picture yet", "check that the camera sends"},
		"upside down":     {views(upsideDown(scene(9))), "the picture turned by half a turn", "mount the camera"},
		"colours swapped": {views(swapped(scene(9))), "red and blue", "send red first"},
		"a lens cap":      {views(&camera.Frame{Width: 64, Height: 64, Pix: make([]byte, 3*64*64)}), "another scene", "lens cap"},
		"exchanged": {map[string]*reference.View{"front": viewOf(t, upsideDown(scene(3))), "wrist": viewOf(t, scene(9))},
			"the picture turned", "camera wrist shows it: exchange"},
	} {
		m := m
		if name == "exchanged" {
			second := m.Cameras[0]
			second.Name = "wrist"
			m.Cameras = append(m.Cameras[:1:1], second)
		}
		rig := testRig()
		rig.Cameras[0].Width, rig.Cameras[0].Height, rig.Daemon = 56, 42, "0.4.0"
		rig.Views = c.views
		var mismatch *MismatchError
		err := Check(&m, rig)
		if c.rig == "" && err != nil || c.rig != "" && !errors.As(err, &mismatch) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.rig != "" && (mismatch.Key != "cameras front view" || !strings.Contains(mismatch.Rig, c.rig) || !strings.Contains(mismatch.Remedy, c.remedy)) {
			t.Errorf("%s: %v, want %q and %q", name, mismatch, c.rig, c.remedy)
		}
	}
}

// TestMovedCamera: a reference of many episodes also tells a camera that stands elsewhere, and needs a daemon that reads it.
func TestMovedCamera(t *testing.T) {
	var maker reference.Maker
	for seed := range 24 {
		maker.Begin()
		maker.Add(viewOf(t, scene(seed)))
	}
	r, err := maker.Make("front")
	if err != nil {
		t.Fatal(err)
	}
	m := testManifest()
	m.References = []reference.Reference{r}
	m.SetVersion()
	if m.Version != VersionMount || m.MinDaemon != "0.5.0" || m.Validate() != nil {
		t.Errorf("version %d, daemon %s: %v", m.Version, m.MinDaemon, m.Validate())
	}
	rig := testRig()
	rig.Cameras[0].Width, rig.Cameras[0].Height, rig.Daemon = 56, 42, "0.5.0"
	for aside, want := range map[int]string{0: "", 4: "6.2 % of the picture further right"} {
		f := scene(9)
		for y := range 64 {
			row := f.Pix[3*64*y : 3*64*(y+1)]
			copy(row[3*aside:], slices.Clone(row))
		}
		rig.Views = map[string]*reference.View{"front": viewOf(t, f)}
		err := Check(&m, rig)
		var mismatch *MismatchError
		if want == "" && err != nil || want != "" && (!errors.As(err, &mismatch) || !strings.Contains(mismatch.Remedy, "where it stood")) {
			t.Errorf("%d pixels aside: %v", aside, err)
		}
	}
}

// TestOldBundlesHaveNoReference: they arm unless the configuration says otherwise.
func TestOldBundlesHaveNoReference(t *testing.T) {
	m, rig := testManifest(), testRig()
	rig.Views = map[string]*reference.View{}
	if err := Check(&m, rig); err != nil || len(m.Unreferenced()) != 1 {
		t.Errorf("%v, without %v", err, m.Unreferenced())
	}
	rig.RequireReference = true
	if err := Check(&m, rig); err == nil || !strings.Contains(err.Error(), "references: bundle has none of [front], rig has policy.require_reference") {
		t.Errorf("required: %v", err)
	}
	with := referenced(t)
	rig.Views, rig.Daemon = nil, "0.4.0"
	if err := Check(&with, rig); err != nil {
		t.Errorf("required and there: %v", err)
	}
}

func TestReferencesInTheFile(t *testing.T) {
	m := referenced(t)
	plain := testBundle(t)
	foreign := m.References[0]
	foreign.Camera = "side"
	b, err := plain.WithReferences([]reference.Reference{foreign, m.References[0]})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(bytesOf(t, b))
	if err != nil || got.Manifest.Version != VersionSight || got.Manifest.MinDaemon != "0.4.0" || len(got.Manifest.References) != 1 || got.Digest() == plain.Digest() {
		t.Fatalf("%v: version %d, %d references", err, got.Manifest.Version, len(got.Manifest.References))
	}
	for name, change := range map[string]func(r *Manifest){
		"twice":          func(m *Manifest) { m.References = append(m.References, m.References[0]) },
		"another camera": func(m *Manifest) { m.References[0].Camera = "side" },
		"short":          func(m *Manifest) { m.References[0].RGB = m.References[0].RGB[:9] },
		"no number":      func(m *Manifest) { m.References[0].Fit = math.NaN() },
		"no leads":       func(m *Manifest) { m.References[0].Leads = nil },
		"no deviations":  func(m *Manifest) { m.References[0].Deviation = nil },
	} {
		m := referenced(t)
		change(&m)
		if err := m.Validate(); !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), "references: [") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := json.Marshal(m); err != nil {
		t.Error(err)
	}
}
