package train

import (
	"errors"
	"fmt"

	"sim2reald/model/likeness"
)

// mostVectors is how many pictures' features are kept at most: more tell no more of some tens of directions.
const mostVectors = 1024

// likenessOf adds what the frozen base makes of the demonstrations, (steps, views, cameras, length) of each episode, to
// what they showed. Too few of them are no error: the bundle then says nothing of their features.
func (r *run) likenessOf(features [][]float32) error {
	r.likeness = r.shown.Likeness
	if r.opt.Full { // another base runs
		return nil
	}
	cameras, length := len(r.net.Cameras), r.net.Arch.FeatureLen()
	views := 1 + r.opt.Augment.Views
	each := min(max(mostVectors/max(len(features), 1), 6), 24)
	for c := range cameras {
		var episodes [][][]float32
		for i, e := range r.demos.episodes {
			var vectors [][]float32
			for _, step := range evenly(len(e.Steps), each) {
				at := (step*views*cameras + c) * length // of the first view, which is the picture as it is
				vectors = append(vectors, features[i][at:at+length])
			}
			episodes = append(episodes, vectors)
		}
		f, err := likeness.FeaturesOf(episodes)
		if errors.Is(err, likeness.ErrFew) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("camera %s: %w", r.net.Cameras[c], err)
		}
		for k := range r.likeness {
			if r.likeness[k].Camera == r.net.Cameras[c] {
				r.likeness[k].Features = f
			}
		}
	}
	return nil
}
