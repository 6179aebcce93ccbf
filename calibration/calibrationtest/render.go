package calibrationtest

import (
	"math"

	"sim2reald/calibration"
)

// Texture gives the board's lightness, 0 to 1, at a place on it in m, in the board's frame.
type Texture func(x, y float64) float64

// ChessTexture is a chessboard on a white sheet: squares around all inner corners.
func ChessTexture(b calibration.Board) Texture {
	return func(x, y float64) float64 {
		col, row := int(math.Floor(x/b.Square))+1, int(math.Floor(y/b.Square))+1
		if col < 0 || row < 0 || col > b.Cols || row > b.Rows || (col+row)%2 == 1 {
			return 0.9
		}
		return 0.1
	}
}

// CircleTexture has dark circles, a third of the distance between rows wide as radius.
func CircleTexture(b calibration.Board) Texture {
	step, shift := 1, 0
	if b.Pattern == calibration.Asymmetric {
		step, shift = 2, 1
	}
	return func(x, y float64) float64 {
		row := int(math.Round(y / b.Square))
		first := float64(shift * (row & 1))
		col := int(math.Round((x/b.Square - first) / float64(step)))
		away := math.Hypot(x-b.Square*(first+float64(step*col)), y-b.Square*float64(row))
		if row >= 0 && row < b.Rows && col >= 0 && col < b.Cols && away < b.Square/3 {
			return 0.1
		}
		return 0.9
	}
}

// PictureTexture is a printed board whose picture's upper left corner is the origin.
func PictureTexture(p calibration.Picture, width float64) Texture {
	scale := float64(p.Width) / width
	return func(x, y float64) float64 {
		u, v := int(math.Floor(x*scale)), int(math.Floor(y*scale))
		if u < 0 || v < 0 || u >= p.Width || v >= p.Height {
			return 0.9
		}
		return 0.1 + 0.8*float64(p.Grey[v*p.Width+u])/255
	}
}

// Rays are those of a lens through the corners of its pixels, kept because they are the same in each picture.
type Rays struct {
	lens calibration.Lens
	at   []calibration.Vec
}

// NewRays casts them; where the lens shows nothing, the ray has z 0.
func NewRays(l calibration.Lens) Rays {
	r := Rays{lens: l, at: make([]calibration.Vec, (l.Width+1)*(l.Height+1))}
	for y := range l.Height + 1 {
		for x := range l.Width + 1 {
			if ray, ok := l.Unproject(float64(x)-0.5, float64(y)-0.5); ok {
				r.at[y*(l.Width+1)+x] = ray
			}
		}
	}
	return r
}

// samples is by how many rays along each side a pixel is filled that does not look alike at its four corners.
const samples = 6

// Render gives the picture of a board: each pixel the mean of the lightness that its rays meet.
func (r Rays) Render(tCameraBoard calibration.Transform, texture Texture) calibration.Picture {
	w, h := r.lens.Width, r.lens.Height
	out := calibration.Picture{Width: w, Height: h, Grey: make([]byte, w*h)}
	tBoardCamera := tCameraBoard.Inverse()
	corners := make([]float64, len(r.at))
	for i, ray := range r.at {
		corners[i] = lightness(tBoardCamera, ray, texture)
	}
	for y := range h {
		for x := range w {
			i := y*(w+1) + x
			mean := corners[i]
			if corners[i+1] != mean || corners[i+w+1] != mean || corners[i+w+2] != mean {
				mean = r.mean(x, y, tBoardCamera, texture)
			}
			out.Grey[y*w+x] = byte(math.Round(255 * mean))
		}
	}
	return out
}

func (r Rays) mean(x, y int, tBoardCamera calibration.Transform, texture Texture) float64 {
	sum := 0.0
	for i := range samples * samples {
		a, b := (float64(i%samples)+0.5)/samples, (float64(i/samples)+0.5)/samples
		sum += lightness(tBoardCamera, r.ray(x, y, a, b), texture)
	}
	return sum / samples / samples
}

// ray lies between those of a pixel's four corners.
func (r Rays) ray(x, y int, a, b float64) (p calibration.Vec) {
	i := y*(r.lens.Width+1) + x
	for k := range 3 {
		upper := r.at[i][k]*(1-a) + r.at[i+1][k]*a
		j := i + r.lens.Width + 1
		p[k] = upper*(1-b) + (r.at[j][k]*(1-a)+r.at[j+1][k]*a)*b
	}
	return p
}

func lightness(tBoardCamera calibration.Transform, ray calibration.Vec, texture Texture) float64 {
	d := tBoardCamera.R.Apply(ray)
	s := -tBoardCamera.T[2] / d[2]
	if !(s > 0) {
		return 0.5
	}
	return texture(tBoardCamera.T[0]+s*d[0], tBoardCamera.T[1]+s*d[1])
}
