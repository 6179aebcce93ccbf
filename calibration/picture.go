package calibration

import (
	"image"
	"image/draw"
	"math"
)

// Picture is a grey picture.
type Picture struct {
	Width, Height int    // px
	Grey          []byte // (Height, Width) row-major, 8 bit
}

// EdgeWidth tells how sharp a view of a board is: over how many px its edges rise from dark to light, the median
// over the corners. A sharp picture has 1 to 3. It is 0 where it cannot be told: no corners, or no contrast.
func EdgeWidth(p Picture, v View) float64 {
	radius := int(spacing(v) / 2)
	if radius < 2 {
		return 0
	}
	var widths []float64
	for _, c := range v.Corners {
		if w := p.edgeWidth(int(math.Round(c.U)), int(math.Round(c.V)), radius); w > 0 {
			widths = append(widths, w)
		}
	}
	return median(widths)
}

// edgeWidth is contrast by steepest slope in a window; 0 where the window leaves the picture or is flat.
func (p Picture) edgeWidth(u, v, radius int) float64 {
	if u-radius < 1 || v-radius < 1 || u+radius >= p.Width-1 || v+radius >= p.Height-1 {
		return 0
	}
	low, high, steepest := 255.0, 0.0, 0.0
	for y := v - radius; y <= v+radius; y++ {
		for x := u - radius; x <= u+radius; x++ {
			at := float64(p.Grey[y*p.Width+x])
			low, high = min(low, at), max(high, at)
			dx := float64(p.Grey[y*p.Width+x+1]) - float64(p.Grey[y*p.Width+x-1])
			dy := float64(p.Grey[(y+1)*p.Width+x]) - float64(p.Grey[(y-1)*p.Width+x])
			steepest = max(steepest, math.Hypot(dx, dy)/2)
		}
	}
	if high-low < 20 {
		return 0
	}
	return (high - low) / steepest
}

// spacing is the median distance in px from a corner to its nearest neighbour.
func spacing(v View) float64 {
	var nearest []float64
	for i, a := range v.Corners {
		d := math.Inf(1)
		for j, b := range v.Corners {
			if i != j {
				d = min(d, math.Hypot(a.U-b.U, a.V-b.V))
			}
		}
		if !math.IsInf(d, 1) {
			nearest = append(nearest, d)
		}
	}
	return median(nearest)
}

// Grey makes a grey picture of any.
func Grey(img image.Image) Picture {
	r := img.Bounds()
	grey := image.NewGray(image.Rect(0, 0, r.Dx(), r.Dy()))
	draw.Draw(grey, grey.Rect, img, r.Min, draw.Src)
	return Picture{Width: r.Dx(), Height: r.Dy(), Grey: grey.Pix}
}
