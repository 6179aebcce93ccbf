package bundle

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"sim2reald/model/preprocess"
	"sim2reald/model/safetensors"
)

// TestTwelveMutations are bundles that somebody wrote with a right checksum, so that only what they say of themselves
// can betray them: each is refused when it is loaded or when it meets the rig.
func TestTwelveMutations(t *testing.T) {
	type tensors = map[string]safetensors.Tensor
	other := "sha256:" + strings.Repeat("ef", 32)
	mutations := map[string]func(*Manifest, tensors){
		"base's digest": func(m *Manifest, _ tensors) { m.Base.Digest = other },
		"base's width":  func(m *Manifest, _ tensors) { m.Base.Arch = []byte(strings.Replace(testArch, `:6,`, `:8,`, 1)) },
		"rank of a tensor": func(_ *Manifest, ts tensors) {
			ts["head.0.bias"] = safetensors.Float32([]int{5, 1}, make([]float32, 5))
		},
		"a layer's width":      func(m *Manifest, _ tensors) { m.Adapters.Widths = []int{6} },
		"an adapter more":      func(_ *Manifest, ts tensors) { ts["blocks.0.adapter"] = ts[ActionMean] },
		"size of a picture":    func(m *Manifest, _ tensors) { m.Cameras[0].SourceWidth = 57 },
		"colour order":         func(m *Manifest, _ tensors) { m.Cameras[0].Colour = "bgr" },
		"the camera":           func(m *Manifest, _ tensors) { m.Cameras[0].Name = "left" },
		"proprioception":       func(m *Manifest, _ tensors) { m.Proprioception = preprocess.ProprioNone },
		"unit of an action":    func(m *Manifest, _ tensors) { m.Action.Unit = "deg/s" },
		"order of an action":   func(m *Manifest, _ tensors) { m.Action.Dimensions = []string{"b", "a", DimensionGripper} },
		"rate of actions":      func(m *Manifest, _ tensors) { m.Action.RateHz = 25 },
		"actions in an answer": func(m *Manifest, _ tensors) { m.Action.ChunkSize = 3 },
	}
	for name, mutate := range mutations {
		m, ts := testManifest(), testTensors()
		m.Cameras = append([]preprocess.Camera{}, m.Cameras...)
		mutate(&m, ts)
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Parse(forge(t, string(text), ts))
		if err == nil {
			err = Check(&b.Manifest, testRig())
		}
		var mismatch *MismatchError
		if !errors.Is(err, ErrManifest) && !errors.Is(err, ErrTensors) && !errors.As(err, &mismatch) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBadNumbersInAFile with a right checksum are refused; New rounds what is merely too small.
func TestBadNumbersInAFile(t *testing.T) {
	text, err := json.Marshal(testManifest())
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]float32{
		"NaN": float32(math.NaN()), "infinity": float32(math.Inf(-1)), "subnormal": 0x1p-130,
	} {
		ts := testTensors()
		ts["head.1.bias"] = safetensors.Float32([]int{6}, []float32{0, 0, 0, 0, 0, x})
		if _, err := Parse(forge(t, string(text), ts)); !errors.Is(err, ErrTensors) || !strings.Contains(err.Error(), `"head.1.bias", element 5`) {
			t.Errorf("%s: %v", name, err)
		}
		if b, err := New(testManifest(), ts); (err == nil) != (name == "subnormal") {
			t.Errorf("%s: New says %v", name, err)
		} else if err == nil {
			if _, err := Parse(bytesOf(t, b)); err != nil {
				t.Errorf("%s: what New made is not read: %v", name, err)
			}
		}
	}
}

// TestALyingFileCostsNoMemory: its gibibyte is not read for a header that does not account for it.
func TestALyingFileCostsNoMemory(t *testing.T) {
	const header = `{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`
	path := filepath.Join(t.TempDir(), "lie.safetensors")
	head := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
	if err := errors.Join(os.WriteFile(path, head, 0o600), os.Truncate(path, 1<<30)); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Load(path)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, ErrCorrupt) || used > 2<<20 {
		t.Errorf("%d bytes were allocated, want at most 2 MiB: %v", used, err)
	}
}
