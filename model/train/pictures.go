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
	joints   int  // numbers of proprioception at the end of an example's x; 0 for none
	fresh    bool // a new view in each epoch
}

// of is examples.show for whole networks.
func (p *pictures) of(ex *examples) func(epoch, i, r int, input [][]float32) error {
	return func(epoch, i, r int, input [][]float32) error {
		at, view, next := ex.of[i], p.view(epoch, ex.of[i].view), 0
		e := p.episodes[at.episode]
		for back := p.history - 1; back >= 0; back-- {
			step := max(at.step-back, 0)
			if err := p.eye.decode(e, step); err != nil {
				return err
			}
			if err := p.eye.observe(e, step, view, p.one); err != nil {
				return err
			}
			for _, picture := range p.one.Images {
				copy(input[next][r*len(picture):(r+1)*len(picture)], picture)
				next++
			}
		}
		ex.showPositions(i, r, p.joints, input[next:])
		return nil
	}
}

// view of an example in an epoch.
func (p *pictures) view(epoch, view int) int {
	if p.fresh && epoch >= 0 {
		return freshView + epoch
	}
	return view
}

// showPositions copies the last so many numbers of example i.
func (ex *examples) showPositions(i, r, joints int, input [][]float32) {
	if joints > 0 {
		copy(input[0][r*joints:(r+1)*joints], ex.x[(i+1)*ex.in-joints:])
	}
}
