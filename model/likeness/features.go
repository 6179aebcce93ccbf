package likeness

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Features are the demonstrations' features of the frozen base: their mean, the directions in which they vary, and the
// distance beyond which live ones are unlike.
type Features struct {
	Length   int     `json:"length"`   // of a vector
	Rank     int     `json:"rank"`     // directions
	Pictures int     `json:"pictures"` // that they are of
	Noise    float64 `json:"noise"`    // variance in every other direction
	Bound    float64 `json:"bound"`

	// In tensors of their own.
	Mean     []float32 `json:"-"` // (Length)
	Axes     []float32 `json:"-"` // (Rank, Length), row-major, of length 1
	Variance []float32 `json:"-"` // (Rank)
}

const (
	mostRank     = 32
	folds        = 5
	leastFolds   = 2    // episodes, or there is nothing to hold out
	leastNoise   = 1e-9 // of a base whose features do not vary
	pictureShare = 4    // pictures for each direction, at least
)

// ErrFew is wrapped where the demonstrations are too few for a bound.
var ErrFew = errors.New("too few demonstrations for the distance of features")

// FeaturesOf makes them of each episode's vectors, in order. The bound is of windows of episodes that had no part in
// the statistics that they are held against: a fifth of the episodes each time.
func FeaturesOf(episodes [][][]float32) (*Features, error) {
	if len(episodes) < leastFolds {
		return nil, fmt.Errorf("%w: %d episodes, want %d", ErrFew, len(episodes), leastFolds)
	}
	f, err := fit(slices.Concat(episodes...))
	if err != nil {
		return nil, err
	}
	var distances []float64
	k := min(folds, len(episodes))
	for fold := range k {
		var shown [][]float32
		for i, e := range episodes {
			if i%k != fold {
				shown = append(shown, e...)
			}
		}
		part, err := fit(shown)
		if err != nil {
			return nil, err
		}
		for i, e := range episodes {
			if i%k == fold {
				for _, w := range thirds(e) {
					distances = append(distances, part.Distance(w))
				}
			}
		}
	}
	f.Bound = bound(distances)
	return f, f.validate()
}

// fit finds mean, directions and variances.
func fit(vectors [][]float32) (*Features, error) {
	n := len(vectors)
	if n < 2*pictureShare {
		return nil, fmt.Errorf("%w: %d pictures, want %d", ErrFew, n, 2*pictureShare)
	}
	d := len(vectors[0])
	f := &Features{Length: d, Rank: min(mostRank, n/pictureShare, d-1), Pictures: n, Mean: make([]float32, d)}
	centred := mat.NewDense(n, d, nil)
	for j := range d {
		sum := 0.0
		for _, v := range vectors {
			sum += float64(v[j])
		}
		f.Mean[j] = float32(sum / float64(n))
		for i, v := range vectors {
			centred.Set(i, j, float64(v[j])-float64(f.Mean[j]))
		}
	}
	return f, f.directions(centred)
}

// directions are the principal ones of centred vectors (n, d), by the smaller of the two products with itself.
func (f *Features) directions(centred *mat.Dense) error {
	n, d := centred.Dims()
	var product mat.SymDense
	if d <= n {
		product.SymOuterK(1/float64(n), centred.T())
	} else {
		product.SymOuterK(1/float64(n), centred)
	}
	var eig mat.EigenSym
	if !eig.Factorize(&product, true) {
		return errors.New("the covariance of the features has no eigenvalues")
	}
	values, total := eig.Values(nil), 0.0 // ascending
	for _, v := range values {
		total += max(v, 0)
	}
	var vectors mat.Dense
	eig.VectorsTo(&vectors)
	left := total
	for k := range f.Rank {
		at := len(values) - 1 - k
		axis := mat.NewVecDense(d, nil)
		if d <= n {
			axis.CopyVec(vectors.ColView(at))
		} else {
			axis.MulVec(centred.T(), vectors.ColView(at))
		}
		length := mat.Norm(axis, 2)
		left -= max(values[at], 0)
		f.Variance = append(f.Variance, float32(max(values[at], leastNoise)))
		for j := range d {
			f.Axes = append(f.Axes, float32(axis.AtVec(j)/max(length, 1e-30)))
		}
	}
	f.Noise = max(left/float64(d-f.Rank), leastNoise)
	return nil
}

// Distance is the median over some vectors of the squared Mahalanobis distance for each of their numbers: about 1 for
// pictures like the demonstrations'; 0 of none.
func (f *Features) Distance(vectors [][]float32) float64 {
	if len(vectors) == 0 {
		return 0
	}
	var all []float64
	for _, v := range vectors {
		all = append(all, f.distance(v))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func (f *Features) distance(v []float32) float64 {
	if len(v) != f.Length {
		return math.Inf(1)
	}
	left, sum := 0.0, 0.0
	for j, x := range v {
		left += sq(float64(x) - float64(f.Mean[j]))
	}
	for k := range f.Rank {
		along := 0.0
		axis := f.Axes[k*f.Length : (k+1)*f.Length]
		for j, x := range v {
			along += float64(axis[j]) * (float64(x) - float64(f.Mean[j]))
		}
		left -= along * along
		// A direction varies at least as much as those that are none.
		sum += along * along / max(float64(f.Variance[k]), f.Noise)
	}
	return (sum + max(left, 0)/f.Noise) / float64(f.Length)
}

func sq(x float64) float64 { return x * x }

// most bounds what a file may claim.
const most = 1 << 20

func (f *Features) validate() error {
	if f.Length < 2 || f.Length > most || f.Rank < 1 || f.Rank > mostRank || f.Rank >= f.Length || f.Pictures < 1 {
		return fmt.Errorf("length %d, rank %d, %d pictures; want 2 or more, 1 to %d, and 1 or more", f.Length, f.Rank, f.Pictures, mostRank)
	}
	return positive(f.Noise, f.Bound)
}
