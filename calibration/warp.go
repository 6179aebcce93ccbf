package calibration

import (
	"fmt"
	"math"
)

// Warp turns a real camera's pictures into what a camera without distortion sees from the same place: it crops,
// scales and undistorts in one go. It is made once and used for every picture.
type Warp struct {
	FromWidth, FromHeight int // px
	Width, Height         int // px
	side                  int // rays along each side of a pixel
	places                []place
	// Missing is the part of the picture that the real camera does not see, 0 to 1; it stays black.
	Missing float64
}

// place is between four pixels of the real picture: that at index and its neighbours to the right and below.
type place struct {
	index        int32 // -1: outside
	right, below float32
}

// NewWarp plans the warp from a real lens to a simulated camera's intrinsics, both looking the same way. Where
// the new picture is coarser than the real one, each pixel is the mean of several rays, so that nothing flickers.
func NewWarp(real Lens, sim Intrinsics) (*Warp, error) {
	if err := real.Check(); err != nil {
		return nil, err
	}
	if sim.Width < 1 || sim.Height < 1 || sim.Width > 1<<13 || sim.Height > 1<<13 || !finite(sim.Fx, sim.Fy, sim.Cx, sim.Cy) || !(sim.Fx > 0 && sim.Fy > 0) {
		return nil, fmt.Errorf("simulated camera of %dx%d px, focal lengths %g and %g px; want 1 to 8192 px on each side and positive focal lengths", sim.Width, sim.Height, sim.Fx, sim.Fy)
	}
	w := &Warp{FromWidth: real.Width, FromHeight: real.Height, Width: sim.Width, Height: sim.Height}
	w.side = min(max(int(math.Ceil(max(real.Fx/sim.Fx, real.Fy/sim.Fy))), 1), 8)
	missing := 0
	for i := range sim.Width * sim.Height * w.side * w.side {
		p := w.place(real, sim, i)
		if p.index < 0 {
			missing++
		}
		w.places = append(w.places, p)
	}
	w.Missing = float64(missing) / float64(len(w.places))
	return w, nil
}

// place finds the i-th ray: rays of a pixel follow each other.
func (w *Warp) place(real Lens, sim Intrinsics, i int) place {
	n := w.side * w.side
	pixel, ray := i/n, i%n
	u := float64(pixel%w.Width) + (float64(ray%w.side)+0.5)/float64(w.side) - 0.5
	v := float64(pixel/w.Width) + (float64(ray/w.side)+0.5)/float64(w.side) - 0.5
	p := Vec{(u - sim.Cx) / sim.Fx, (v - sim.Cy) / sim.Fy, 1}
	x, y, ok := real.Project(p)
	// Beyond some angle a distortion folds back, and shows what is not there.
	if !ok || !(x >= 0 && y >= 0 && x <= float64(w.FromWidth-1) && y <= float64(w.FromHeight-1)) || !real.shows(p, x, y) {
		return place{index: -1}
	}
	left, above := min(int(x), max(w.FromWidth-2, 0)), min(int(y), max(w.FromHeight-2, 0))
	return place{int32(above*w.FromWidth + left), float32(x - float64(left)), float32(y - float64(above))}
}

// shows reports whether the pixel's own ray is the one through p.
func (l Lens) shows(p Vec, u, v float64) bool {
	back, ok := l.Unproject(u, v)
	return ok && math.Hypot(back[0]-p[0], back[1]-p[1]) < 1e-3*(1+math.Hypot(p[0], p[1]))
}

// Apply fills to, (Height, Width, 3), from a picture of (FromHeight, FromWidth, 3), both RGB, row-major, 8 bit.
func (w *Warp) Apply(to, from []byte) error {
	if len(from) != 3*w.FromWidth*w.FromHeight || len(to) != 3*w.Width*w.Height {
		return fmt.Errorf("warping a picture: %d bytes to %d; want %dx%d px to %dx%d", len(from), len(to), w.FromWidth, w.FromHeight, w.Width, w.Height)
	}
	n := w.side * w.side
	for pixel := range w.Width * w.Height {
		var sum [3]float32
		for _, p := range w.places[pixel*n : (pixel+1)*n] {
			if p.index >= 0 {
				w.add(&sum, from, p)
			}
		}
		for c := range sum {
			to[3*pixel+c] = byte(sum[c]/float32(n) + 0.5)
		}
	}
	return nil
}

// add mixes four pixels by how near they are.
func (w *Warp) add(sum *[3]float32, from []byte, p place) {
	a := 3 * int(p.index)
	right, below := 3, 3*w.FromWidth
	if w.FromWidth == 1 {
		right = 0
	}
	if w.FromHeight == 1 {
		below = 0
	}
	for c := range sum {
		upper := float32(from[a+c])*(1-p.right) + float32(from[a+right+c])*p.right
		lower := float32(from[a+below+c])*(1-p.right) + float32(from[a+below+right+c])*p.right
		sum[c] += upper*(1-p.below) + lower*p.below
	}
}
