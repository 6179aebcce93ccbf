package reference

import (
	"image"
	_ "image/jpeg"
	_ "image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sim2reald/camera"
)

// sheet is what one simulated camera sees, at 64x64 px; see testdata/generate.py.
type sheet struct {
	domain, camera string
	frames         []*camera.Frame
}

// Rows of eight pictures.
const (
	learnt  = 0  // of episodes that the reference is made of
	other   = 24 // of other starts
	lit     = 48 // of those, under changed lights
	litMore = 64 // under lights that are changed strongly
	graded  = 72 // with other white balance and gamma
	noisy   = 80
	blurred = 88
	all     = 96
)

func sheets(t testing.TB) []sheet {
	t.Helper()
	files, err := filepath.Glob("testdata/*.jpg")
	if err != nil || len(files) != 11 {
		t.Fatalf("%d sheets of 11 (%v)", len(files), err)
	}
	var out []sheet
	for _, path := range files {
		domain, name, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".jpg"), ".")
		s := sheet{domain: domain, camera: name}
		picture := opened(t, path)
		for i := range all {
			s.frames = append(s.frames, cut(picture, name, 64*(i%8), 64*(i/8)))
		}
		out = append(out, s)
	}
	return out
}

func opened(t testing.TB, path string) image.Image {
	t.Helper()
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	picture, _, err := image.Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// cut takes one picture of 64x64 px.
func cut(from image.Image, name string, left, top int) *camera.Frame {
	return patch(from, name, image.Rect(left, top, left+64, top+64))
}

func patch(from image.Image, name string, within image.Rectangle) *camera.Frame {
	f := &camera.Frame{Camera: name, Width: within.Dx(), Height: within.Dy()}
	for y := within.Min.Y; y < within.Max.Y; y++ {
		for x := within.Min.X; x < within.Max.X; x++ {
			r, g, b, _ := from.At(x, y).RGBA()
			f.Pix = append(f.Pix, byte(r>>8), byte(g>>8), byte(b>>8))
		}
	}
	return f
}

func viewOf(t testing.TB, f *camera.Frame) *View {
	t.Helper()
	v, err := Of(f)
	if err != nil {
		t.Fatal(err)
	}
	return &v
}

// reference is made of the sheet's learnt pictures.
func (s *sheet) reference(t testing.TB) *Reference {
	t.Helper()
	var m Maker
	for _, f := range s.frames[learnt:other] {
		m.Add(viewOf(t, f))
	}
	r, err := m.Make(s.camera)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Validate(); err != nil {
		t.Fatal(err)
	}
	return &r
}
