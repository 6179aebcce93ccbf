package encoded

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"testing"

	"sim2reald/camera"
)

// opaque has no alpha, so that image/png writes three channels.
func opaque(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetRGBA(x, y, color.RGBA{R: uint8(40 * x), G: uint8(90 * y), B: 200, A: 255})
		}
	}
	return m
}

func pngOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// claim rewrites a PNG's width and height, checksum included: what an attacker would send.
func claim(data []byte, w, h uint32) []byte {
	out := bytes.Clone(data)
	binary.BigEndian.PutUint32(out[16:], w)
	binary.BigEndian.PutUint32(out[20:], h)
	binary.BigEndian.PutUint32(out[29:], crc32.ChecksumIEEE(out[12:29]))
	return out
}

func TestDecodePNGIsExactRGB(t *testing.T) {
	m := opaque(5, 2)
	f := camera.Frame{Camera: "front", Seq: 7}
	if err := Decode(pngOf(t, m), &f); err != nil {
		t.Fatal(err)
	}
	if f.Width != 5 || f.Height != 2 || len(f.Pix) != 30 || f.Seq != 7 {
		t.Fatalf("%dx%d, %d bytes, seq %d", f.Width, f.Height, len(f.Pix), f.Seq)
	}
	for y := range 2 {
		for x := range 5 {
			c := m.RGBAAt(x, y)
			i := 3 * (5*y + x)
			if got := [3]uint8(f.Pix[i : i+3]); got != [3]uint8{c.R, c.G, c.B} {
				t.Fatalf("pixel %d,%d is %v, want %v", x, y, got, c)
			}
		}
	}
}

func TestDecodeJPEGIsRGB(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 16, 8))
	for i := range 16 * 8 {
		m.SetRGBA(i%16, i/16, color.RGBA{R: 200, G: 100, B: 30, A: 255})
	}
	var f camera.Frame
	if err := Decode(jpegOf(t, m), &f); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{200, 100, 30} {
		if math.Abs(float64(f.Pix[i])-want) > 4 { // chroma rounding of an even colour
			t.Fatalf("channel %d is %d, want %v", i, f.Pix[i], want)
		}
	}
}

func refusals(t testing.TB) map[string]struct {
	data []byte
	want error
} {
	small := pngOf(t, opaque(8, 8))
	jpg := jpegOf(t, opaque(64, 64))
	flipped := bytes.Clone(small)
	flipped[len(flipped)-20] ^= 0x40
	type c = struct {
		data []byte
		want error
	}
	return map[string]c{
		"empty":           {nil, ErrFormat},
		"text":            {[]byte("GIF89a and more"), ErrFormat},
		"png signature":   {small[:8], ErrCorrupt},
		"png zero width":  {claim(small, 0, 8), ErrCorrupt},
		"png too wide":    {claim(small, 4097, 8), ErrSize},
		"png huge":        {claim(small, 1<<30, 1<<30), ErrCorrupt},
		"png claims more": {claim(small, 9, 8), ErrCorrupt},
		"png truncated":   {small[:len(small)-30], ErrCorrupt},
		"png flipped":     {flipped, ErrCorrupt},
		"png grey":        {pngOf(t, image.NewGray(image.Rect(0, 0, 4, 4))), ErrChannels},
		"png alpha":       {pngOf(t, image.NewNRGBA(image.Rect(0, 0, 4, 4))), ErrChannels},
		"png 16 bit":      {pngOf(t, image.NewRGBA64(image.Rect(0, 0, 4, 4))), ErrDepth},
		"png 16 bit grey": {pngOf(t, image.NewGray16(image.Rect(0, 0, 4, 4))), ErrDepth},
		"jpeg grey":       {jpegOf(t, image.NewGray(image.Rect(0, 0, 8, 8))), ErrChannels},
		"jpeg truncated":  {jpg[:len(jpg)/2], ErrCorrupt},
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, c := range refusals(t) {
		t.Run(name, func(t *testing.T) {
			f := camera.Frame{Width: -1}
			err := Decode(c.data, &f)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if f.Width != -1 || f.Pix != nil {
				t.Fatal("a refused picture touched the frame")
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(pngOf(f, opaque(5, 2)))
	f.Add(jpegOf(f, opaque(16, 8)))
	for _, c := range refusals(f) {
		f.Add(c.data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var fr camera.Frame
		if Decode(data, &fr) != nil {
			return
		}
		if fr.Width < 1 || fr.Width > MaxSide || fr.Height < 1 || fr.Height > MaxSide {
			t.Fatalf("accepted %dx%d", fr.Width, fr.Height)
		}
		if len(fr.Pix) != 3*fr.Width*fr.Height {
			t.Fatalf("%d bytes for %dx%d", len(fr.Pix), fr.Width, fr.Height)
		}
	})
}

func BenchmarkDecodePNG(b *testing.B) {
	data := pngOf(b, opaque(224, 224))
	var f camera.Frame
	for b.Loop() {
		if err := Decode(data, &f); err != nil {
			b.Fatal(err)
		}
	}
}

// TestPNGLosesNothing encodes a picture in which every channel of every pixel differs, and wants it back.
func TestPNGLosesNothing(t *testing.T) {
	f := camera.Frame{Camera: "front", Width: 7, Height: 5}
	for i := range 3 * 7 * 5 {
		f.Pix = append(f.Pix, byte(2*i))
	}
	data, err := PNG(&f)
	if err != nil {
		t.Fatal(err)
	}
	var back camera.Frame
	if err := Decode(data, &back); err != nil || back.Width != 7 || back.Height != 5 || !bytes.Equal(back.Pix, f.Pix) {
		t.Errorf("%dx%d, %v\n%v\nwant %v", back.Width, back.Height, err, back.Pix, f.Pix)
	}
	f.Pix = f.Pix[1:]
	if _, err := PNG(&f); !errors.Is(err, ErrSize) {
		t.Errorf("a picture that is a byte short: %v", err)
	}
}
