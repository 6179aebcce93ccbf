package engine

import (
	"fmt"
	"image/png"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sim2reald/model/adapter"
	"sim2reald/model/base"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// photographs are pieces of the rendered kitchen in the page's screenshot, which is in the repository: side
// pixels square, normalised as DINOv2 was trained.
func photographs(t testing.TB, side int) [][]float32 {
	t.Helper()
	root, err := repositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(root, "daemon", "web", "screenshot.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	mean, std := [3]float64{0.485, 0.456, 0.406}, [3]float64{0.229, 0.224, 0.225}
	var out [][]float32
	for _, view := range []struct{ x, y, size int }{ // the camera's picture begins at 20, 69 and has 446 pixels
		{20, 69, 446}, {20, 69, 224}, {240, 69, 224}, {20, 290, 224}, {240, 290, 224}, {130, 180, 300},
	} {
		pixels := make([]float32, 3*side*side)
		for i := range side * side {
			r, g, b, _ := img.At(view.x+i%side*view.size/side, view.y+i/side*view.size/side).RGBA()
			for c, v := range []uint32{r, g, b} {
				pixels[c*side*side+i] = float32((float64(v)/65535 - mean[c]) / std[c])
			}
		}
		out = append(out, pixels)
	}
	return out
}

// featuresOf loads the real base's features for pictures of a size.
func featuresOf(t testing.TB, r *Runtime, b *base.Base, side int, o Options) *Session {
	t.Helper()
	builder := graph.NewBuilder()
	g, err := builder.Build(b.Arch.Build(builder, "", builder.Input("image", 3, side, side), nil).Features)
	if err != nil {
		t.Fatal(err)
	}
	values, err := b.Arch.Values(b.File, side, side)
	if err != nil {
		t.Fatal(err)
	}
	return sessionWith(t, r, g, values, nil, o)
}

// TestInt8RealBase measures what 8 bits cost: the features of the real base on rendered pictures. The bounds are
// what was measured, 0.056 and 0.078, with room for another processor's order of operations, which moves a
// rounding here and there. The times are a ratio of interleaved minima, for the record alone.
func TestInt8RealBase(t *testing.T) {
	notRaced(t)
	const side, rmsBound, worstBound = 112, 0.08, 0.12
	r, b := runtimeOrSkip(t), realBase(t)
	plain := featuresOf(t, r, b, side, Options{Threads: 1, Device: CPU, Batch: 1})
	bytes := featuresOf(t, r, b, side, Options{Threads: 1, Device: CPU, Batch: 1, Precision: Int8})
	if says := bytes.Describe().String(); !strings.Contains(says, "int8") {
		t.Errorf("%q does not say int8", says)
	}
	var worst, square, size float64
	best := map[*Session]time.Duration{}
	for i, pixels := range photographs(t, side) {
		for range 3 {
			for _, s := range []*Session{plain, bytes} {
				copy(s.Input(0), pixels)
				timed(t, s, best)
			}
		}
		want := widen(plain.Output(0))
		d := relative(bytes.Output(0), want)
		t.Logf("picture %d: largest difference %.3g of the largest feature", i, d)
		worst = math.Max(worst, d)
		for k, w := range want {
			square += (float64(bytes.Output(0)[k]) - w) * (float64(bytes.Output(0)[k]) - w)
			size += w * w
		}
	}
	rms := math.Sqrt(square / size)
	t.Logf("root mean square %.3g of the features', worst %.3g, time %.2f of float32's (%v, %v)",
		rms, worst, float64(best[bytes])/float64(best[plain]), best[bytes], best[plain])
	if !(rms <= rmsBound && worst <= worstBound) {
		t.Errorf("root mean square %.3g, worst %.3g; at most %g and %g", rms, worst, rmsBound, worstBound)
	}
	if rms == 0 {
		t.Error("no difference at all: 8 bits were not used")
	}
}

func timed(t *testing.T, s *Session, best map[*Session]time.Duration) {
	t.Helper()
	began := time.Now()
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); best[s] == 0 || took < best[s] {
		best[s] = took
	}
}

// TestInt8Families holds 8 bits to float32 on a small network of each family, with adapters on and off, one
// picture and two: the layers are the same, and zero adapters change no bit.
func TestInt8Families(t *testing.T) {
	r := runtimeOrSkip(t)
	for _, name := range []string{"vit_dinov2", "resnet_bottleneck", "nfnet_plain"} {
		for _, cameras := range [][]string{{"a"}, {"a", "b"}} {
			t.Run(fmt.Sprintf("%s %d", name, len(cameras)), func(t *testing.T) {
				n := adaptedNetwork(t, name, cameras)
				g, err := n.Graph()
				if err != nil {
					t.Fatal(err)
				}
				values, err := n.Arch.Values(loadGolden(t, name).weights, n.Height, n.Width)
				if err != nil {
					t.Fatal(err)
				}
				params, err := n.Init(adapter.Start{Seed: 1})
				if err != nil {
					t.Fatal(err)
				}
				answer := func(precision string, params map[string]safetensors.Tensor) []float32 {
					s := sessionWith(t, r, g, values, params, Options{Threads: 1, Device: CPU, Batch: 1, Precision: precision})
					for i := range g.Inputs {
						copy(s.Input(i), noise(len(s.Input(i)), uint64(i)))
					}
					if err := s.Run(); err != nil {
						t.Fatal(err)
					}
					return slices.Clone(s.Output(0))
				}
				zero := maps.Clone(params)
				maps.Copy(zero, adapter.Zero(g))
				want, got := widen(answer(Float32, params)), answer(Int8, params)
				if d := relative(got, want); !(d > 1e-5 && d < 0.2) {
					t.Errorf("relative difference %.3g, want one that 8 bits make", d)
				}
				if !slices.Equal(got, answer(Int8, zero)) {
					t.Error("untrained adapters and zero ones differ")
				}
			})
		}
	}
}

// TestBytesOf rounds to the nearest of 255 steps, each row by its own.
func TestBytesOf(t *testing.T) {
	bytes, scale := bytesOf([]float32{-1.27, 0.004, 1.0, 0, 0, 0}, 2)
	if !slices.Equal(bytes, []byte{1, 128, 228, 128, 128, 128}) || scale[0] != 1.27/127 || scale[1] != 1 {
		t.Errorf("bytes %v, scales %v", bytes, scale)
	}
	if got := turned([]byte{1, 2, 3, 4, 5, 6}, 2); !slices.Equal(got, []byte{1, 4, 2, 5, 3, 6}) {
		t.Errorf("turned to %v", got)
	}
}
