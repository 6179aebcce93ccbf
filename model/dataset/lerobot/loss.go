package lerobot

import (
	"math"

	"gocv.io/x/gocv"
)

// Loss is what a video lost against the pictures that it was made of.
type Loss struct {
	Frames  int     `json:"frames"`
	PSNR    float64 `json:"psnr_db"`            // over all frames; with no loss at all, 100
	Worst   float64 `json:"worst_frame_db"`     // PSNR of the worst frame
	Largest int     `json:"largest_difference"` // of one channel of one pixel, of 255

	squares float64
	numbers float64
}

// lossless stands for infinitely many decibels, which JSON cannot say.
const lossless = 100

// add compares two pictures of one size.
func (l *Loss) add(a, b *picture) {
	d := gocv.NewMat()
	defer d.Close()
	gocv.AbsDiff(a.mat, b.mat, &d)
	_, largest, _, _ := gocv.MinMaxLoc(d.Reshape(1, 0))
	norm := gocv.NormWithMats(a.mat, b.mat, gocv.NormL2)
	squares, numbers := norm*norm, float64(a.mat.Total()*a.mat.Channels())
	frame := decibels(squares, numbers)
	if l.Frames == 0 || frame < l.Worst {
		l.Worst = frame
	}
	l.Frames++
	l.squares, l.numbers = l.squares+squares, l.numbers+numbers
	l.PSNR, l.Largest = decibels(l.squares, l.numbers), max(l.Largest, int(largest))
}

func decibels(squares, numbers float64) float64 {
	if squares == 0 {
		return lossless
	}
	return min(lossless, 10*math.Log10(255*255*numbers/squares))
}
