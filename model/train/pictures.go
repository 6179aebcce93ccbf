package train

import (
	"sim2reald/model"
	"sim2reald/model/dataset"
)

// pictures shows a whole network what examples saw, from the recorded pictures: the observations of a history
// and, last, the positions. Decoding anew each time costs a few percent of a step and saves holding every view.
type pictures struct {
	eye      *eye
	one      *model.Observation
	episodes []*dataset.Episode // with pictures
	history  int
	joints   int // numbers of proprioception at the end of an example's x; 0 for none
}

// of is examples.show for whole networks.
func (p *pictures) of(ex *examples) func(i, r int, input func(int) []float32) error {
	return func(i, r int, input func(int) []float32) error {
		at, next := ex.of[i], 0
		e := p.episodes[at.episode]
		for back := p.history - 1; back >= 0; back-- {
			step := max(at.step-back, 0)
			if err := p.eye.decode(e, step); err != nil {
				return err
			}
			if err := p.eye.observe(e, step, at.view, p.one); err != nil {
				return err
			}
			for _, picture := range p.one.Images {
				copy(input(next)[r*len(picture):(r+1)*len(picture)], picture)
				next++
			}
		}
		if p.joints > 0 {
			copy(input(next)[r*p.joints:(r+1)*p.joints], ex.x[(i+1)*ex.in-p.joints:])
		}
		return nil
	}
}
