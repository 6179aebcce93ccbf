// Package encoded turns the bytes of one PNG or JPEG picture into a camera.Frame.
//
// What belongs here: container checks and the decode by OpenCV. What does not: where the bytes came from
// (drivers, daemon/topic) and any resizing or normalising (model/preprocess). The header is read in Go
// before OpenCV sees the bytes, because an OpenCV exception would end the process and a small file can
// claim a huge picture.
package encoded

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"slices"

	"gocv.io/x/gocv"

	"sim2reald/camera"
)

// MaxSide bounds width and height, in pixels.
const MaxSide = 4096

// Refusals of Decode, to be told apart with errors.Is.
var (
	ErrFormat   = errors.New("neither PNG nor JPEG")
	ErrSize     = errors.New("picture size out of bounds")
	ErrChannels = errors.New("not three colour channels")
	ErrDepth    = errors.New("not 8 bit per channel")
	ErrCorrupt  = errors.New("corrupt picture")
)

// Decode fills f's Width, Height and Pix (RGB, row-major, reused when large enough) from a lossless PNG or a
// JPEG. The other fields are the caller's. On error f is untouched; the error wraps one of the sentinels.
func Decode(data []byte, f *camera.Frame) error {
	cfg, err := header(data)
	if err != nil {
		return fmt.Errorf("decoding picture of %d bytes: %w", len(data), err)
	}
	if err := pixels(data, cfg, f); err != nil {
		return fmt.Errorf("decoding picture of %d bytes: %w", len(data), err)
	}
	return nil
}

func header(data []byte) (image.Config, error) {
	var cfg image.Config
	var err error
	switch {
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		cfg, err = png.DecodeConfig(bytes.NewReader(data))
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		cfg, err = jpegHeader(data)
	default:
		return cfg, ErrFormat
	}
	if err != nil {
		return cfg, fmt.Errorf("%w: %v", ErrCorrupt, err)
	}
	return cfg, check(cfg)
}

// jpegHeader also wants an end marker: libjpeg fills the missing part of a truncated picture with grey and
// calls it a success.
func jpegHeader(data []byte) (image.Config, error) {
	if !bytes.Contains(data[max(0, len(data)-64):], []byte{0xff, 0xd9}) {
		return image.Config{}, errors.New("no end marker, truncated")
	}
	return jpeg.DecodeConfig(bytes.NewReader(data))
}

func check(cfg image.Config) error {
	if cfg.Width < 1 || cfg.Height < 1 || cfg.Width > MaxSide || cfg.Height > MaxSide {
		return fmt.Errorf("%w: %dx%d, want 1x1 to %dx%d", ErrSize, cfg.Width, cfg.Height, MaxSide, MaxSide)
	}
	switch cfg.ColorModel {
	case color.Gray16Model, color.RGBA64Model, color.NRGBA64Model:
		return fmt.Errorf("%w: 16 bit; send 8 bit RGB", ErrDepth)
	case color.GrayModel:
		return fmt.Errorf("%w: grey; send 8 bit RGB", ErrChannels)
	case color.NRGBAModel:
		return fmt.Errorf("%w: RGB with alpha; send 8 bit RGB", ErrChannels)
	case color.CMYKModel:
		return fmt.Errorf("%w: CMYK; send 8 bit RGB", ErrChannels)
	}
	return nil
}

// pixels decodes without letting OpenCV convert anything, so that what it found can be checked.
func pixels(data []byte, cfg image.Config, f *camera.Frame) error {
	bgr, err := gocv.IMDecode(data, gocv.IMReadUnchanged)
	if err != nil {
		return fmt.Errorf("%w: %v", ErrCorrupt, err)
	}
	defer bgr.Close()
	if bgr.Empty() || bgr.Cols() != cfg.Width || bgr.Rows() != cfg.Height {
		return fmt.Errorf("%w: the pixels do not decode to %dx%d", ErrCorrupt, cfg.Width, cfg.Height)
	}
	if bgr.Type() != gocv.MatTypeCV8UC3 {
		return fmt.Errorf("%w: %d channels; send 8 bit RGB", ErrChannels, bgr.Channels())
	}
	return FromBGR(bgr, f)
}

// FromBGR copies an OpenCV picture (8 bit, 3 channels, BGR) into f in RGB order.
func FromBGR(bgr gocv.Mat, f *camera.Frame) error {
	rgb := gocv.NewMat()
	defer rgb.Close()
	gocv.CvtColor(bgr, &rgb, gocv.ColorBGRToRGB)
	pix, err := rgb.DataPtrUint8()
	if err != nil {
		return fmt.Errorf("reading pixels: %w", err)
	}
	f.Width, f.Height = bgr.Cols(), bgr.Rows()
	f.Pix = append(slices.Grow(f.Pix[:0], len(pix)), pix...)
	return nil
}
