package bundle

import (
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sim2reald/model/likeness"
)

// someLikeness is of a camera, with features of the fixture's base.
func someLikeness(t *testing.T, b *Bundle) likeness.Likeness {
	t.Helper()
	net, err := b.Manifest.Network()
	if err != nil {
		t.Fatal(err)
	}
	n := net.Arch.FeatureLen()
	f := &likeness.Features{Length: n, Rank: 1, Pictures: 30, Noise: 0.5, Bound: 2, Mean: make([]float32, n), Axes: make([]float32, n), Variance: []float32{3}}
	f.Axes[1], f.Mean[0] = 1, 7
	return likeness.Likeness{Camera: b.Manifest.Cameras[0].Name, Pictures: 24, Features: f,
		Colours: likeness.Colours{Mean: make([]float64, 6), SD: slices.Repeat([]float64{2}, 6), Bound: 1.5}}
}

func TestLikenessTravels(t *testing.T) {
	plain := testBundle(t)
	want := someLikeness(t, plain)
	foreign := want
	foreign.Camera = "of another rig"
	b, err := plain.WithLikeness([]likeness.Likeness{want, foreign})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "b.safetensors")
	if err := b.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil || got.Manifest.Version != VersionLikeness || got.Manifest.MinDaemon != "0.6.0" || got.Digest() == plain.Digest() {
		t.Fatalf("%v: version %d, for %s", err, got.Manifest.Version, got.Manifest.MinDaemon)
	}
	if l, err := got.Likeness(want.Camera); err != nil || !reflect.DeepEqual(l, &want) {
		t.Errorf("%v: %+v, want %+v", err, l, &want)
	}
	if l, err := got.Likeness("of another rig"); l != nil || err != nil {
		t.Errorf("a camera that the bundle lacks: %v, %v", l, err)
	}
	for name := range got.Params() {
		if strings.HasPrefix(name, likenessPrefix) {
			t.Errorf("the network is given %s", name)
		}
	}
	if again, err := got.WithLikeness(nil); err != nil || again.Manifest.Version >= VersionLikeness {
		t.Errorf("taken off again: %v, version %d", err, again.Manifest.Version)
	}
	if l, err := plain.Likeness(want.Camera); l != nil || err != nil || !slices.Equal(plain.Manifest.Unlikened(), []string{want.Camera}) {
		t.Errorf("a bundle without: %v, %v, %v", l, err, plain.Manifest.Unlikened())
	}
}

func TestLikenessIsChecked(t *testing.T) {
	plain := testBundle(t)
	for name, spoil := range map[string]func(*likeness.Likeness){
		"another base's length": func(l *likeness.Likeness) {
			l.Features.Length++
			l.Features.Mean = append(l.Features.Mean, 0)
			l.Features.Axes = append(l.Features.Axes, 0)
		},
		"no bound":     func(l *likeness.Likeness) { l.Features.Bound = 0 },
		"five colours": func(l *likeness.Likeness) { l.Colours.SD = l.Colours.SD[:5] },
	} {
		l := someLikeness(t, plain)
		spoil(&l)
		if _, err := plain.WithLikeness([]likeness.Likeness{l}); !errors.Is(err, ErrManifest) && !errors.Is(err, ErrTensors) {
			t.Errorf("%s: %v", name, err)
		}
	}
	l := someLikeness(t, plain)
	if _, err := plain.WithLikeness([]likeness.Likeness{l, l}); !errors.Is(err, ErrManifest) {
		t.Errorf("twice: %v", err)
	}
}
