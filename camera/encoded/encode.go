package encoded

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"

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
