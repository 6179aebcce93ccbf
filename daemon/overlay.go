package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"

	"sim2reald/daemon/config"
	"sim2reald/daemon/topic"
	"sim2reald/daemon/web"
	"sim2reald/model/bundle"
	"sim2reald/model/reference"
)

// readOverlays reads the pictures that are laid over the cameras', once.
func readOverlays(cameras []config.Camera) (map[string]web.Picture, error) {
	out := map[string]web.Picture{}
	for i, c := range cameras {
		if c.Overlay == "" {
			continue
		}
		data, err := readSmall(c.Overlay)
		if err == nil {
			_, _, err = image.DecodeConfig(bytes.NewReader(data))
		}
		if err != nil {
			return nil, fmt.Errorf("cameras[%d].overlay: %s: %w; name a PNG or JPEG of what the simulated camera sees", i, c.Overlay, err)
		}
		out[c.Name] = web.Picture{ContentType: http.DetectContentType(data), Data: data}
	}
	return out, nil
}

// overlay is what the simulated camera of that name sees: the file of the configuration, or the mean of the
// demonstrations, in the few cells that a bundle keeps of it.
func (b *board) overlay(name string) (web.Picture, bool) {
	if p, ok := b.w.overlays[name]; ok {
		return p, true
	}
	of, _ := b.atControls()
	if of == nil {
		return web.Picture{}, false
	}
	r := of.Manifest.Reference(name)
	if r == nil {
		return web.Picture{}, false
	}
	data, err := cells(r, aspect(of, name))
	return web.Picture{ContentType: "image/png", Data: data}, err == nil
}

// aspect is width over height of the bundle's pictures of a camera.
func aspect(of *bundle.Bundle, name string) float64 {
	for _, c := range of.Manifest.Cameras {
		if c.Name == name {
			return float64(c.SourceWidth) / float64(c.SourceHeight)
		}
	}
	return 1
}

// cells draws a reference in the shape of its camera's pictures.
func cells(r *reference.Reference, aspect float64) ([]byte, error) {
	const height = 8 * reference.Side
	width := max(reference.Side, int(height*aspect+0.5))
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			at := 3 * (y*reference.Side/height*reference.Side + x*reference.Side/width)
			img.SetRGBA(x, y, color.RGBA{r.RGB[at], r.RGB[at+1], r.RGB[at+2], 255})
		}
	}
	var out bytes.Buffer
	err := png.Encode(&out, img)
	return out.Bytes(), err
}

// overlayStatus says what lies over each camera's picture, for those that have something.
func (b *board) overlayStatus() []topic.OverlayStatus {
	out := []topic.OverlayStatus{}
	of, _ := b.atControls()
	for _, c := range b.w.cfg.Cameras {
		if _, ok := b.w.overlays[c.Name]; ok {
			out = append(out, topic.OverlayStatus{Camera: c.Name, Of: c.Overlay})
			continue
		}
		if of == nil {
			continue
		}
		if r := of.Manifest.Reference(c.Name); r != nil {
			out = append(out, topic.OverlayStatus{Camera: c.Name, Of: fmt.Sprintf("mean of %d demonstrations' pictures", r.Pictures), Bundle: of.Digest()})
		}
	}
	return out
}
