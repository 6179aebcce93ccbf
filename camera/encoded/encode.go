package encoded

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"

	"gocv.io/x/gocv"

	"sim2reald/camera"
)

// quality keeps a page's picture good enough to judge a scene by; nothing that decides sees it.
const quality = 85

// JPEG encodes a frame for a person to look at.
func JPEG(f *camera.Frame) ([]byte, error) {
	if f.Width < 1 || f.Height < 1 || len(f.Pix) != 3*f.Width*f.Height {
		return nil, fmt.Errorf("encoding picture of camera %s: %d bytes for %dx%d: %w", f.Camera, len(f.Pix), f.Width, f.Height, ErrSize)
	}
	picture := image.NewRGBA(image.Rect(0, 0, f.Width, f.Height))
	for i := range f.Width * f.Height {
		copy(picture.Pix[4*i:], f.Pix[3*i:3*i+3])
		picture.Pix[4*i+3] = 0xff
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, picture, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("encoding picture of camera %s: %w", f.Camera, err)
	}
	return out.Bytes(), nil
}

// PNG encodes a frame without loss, for a record that others learn from.
func PNG(f *camera.Frame) ([]byte, error) {
	if f.Width < 1 || f.Height < 1 || len(f.Pix) != 3*f.Width*f.Height {
		return nil, fmt.Errorf("encoding picture of camera %s: %d bytes for %dx%d: %w", f.Camera, len(f.Pix), f.Width, f.Height, ErrSize)
	}
	rgb, err := gocv.NewMatFromBytes(f.Height, f.Width, gocv.MatTypeCV8UC3, f.Pix)
	if err != nil {
		return nil, fmt.Errorf("encoding picture of camera %s: %w", f.Camera, err)
	}
	defer rgb.Close()
	bgr := gocv.NewMat()
	defer bgr.Close()
	gocv.CvtColor(rgb, &bgr, gocv.ColorBGRToRGB)
	// The lowest compression that is one: a tenth larger, and thrice as fast.
	out, err := gocv.IMEncodeWithParams(gocv.PNGFileExt, bgr, []int{gocv.IMWritePngCompression, 1})
	if err != nil {
		return nil, fmt.Errorf("encoding picture of camera %s: %w", f.Camera, err)
	}
	defer out.Close()
	return bytes.Clone(out.GetBytes()), nil
}
