package train

import (
	"fmt"

	"sim2reald/camera"
	"sim2reald/camera/encoded"
	"sim2reald/model/dataset"
	"sim2reald/model/likeness"
	"sim2reald/model/reference"
)

// perEpisode is how many pictures of an episode go into a reference, evenly spaced, the first among them: neighbours
// show the same.
const perEpisode = 8

// Shown is what the cameras showed in the successful episodes of a dataset, in the order of its cameras.
type Shown struct {
	References []reference.Reference
	Likeness   []likeness.Likeness // without features, which take a base
}

// lookout gathers what one camera showed.
type lookout struct {
	maker reference.Maker
	looks [][]likeness.Look // of each episode
}

// ShownIn looks at a dataset.
func ShownIn(d *dataset.Dataset) (Shown, error) {
	var out Shown
	outs := make([]lookout, len(d.Meta.Cameras))
	for _, seed := range d.Seeds() {
		e, err := d.Episode(seed)
		if err != nil {
			return out, err
		}
		if !e.Success {
			continue
		}
		if err := look(e, &d.Meta, outs); err != nil {
			return out, fmt.Errorf("reference pictures: episode of seed %d: %w", seed, err)
		}
	}
	for i, c := range d.Meta.Cameras {
		r, err := outs[i].maker.Make(c.Name)
		if err != nil {
			return out, fmt.Errorf("reference pictures of camera %s: %w", c.Name, err)
		}
		out.References = append(out.References, r)
		out.Likeness = append(out.Likeness, likeness.Likeness{Camera: c.Name, Pictures: r.Pictures, Colours: likeness.ColoursOf(outs[i].looks)})
	}
	return out, nil
}

// look adds an episode's pictures.
func look(e *dataset.Episode, m *dataset.Meta, outs []lookout) error {
	for c := range outs {
		outs[c].looks = append(outs[c].looks, nil)
		outs[c].maker.Begin()
	}
	for _, step := range evenly(len(e.Steps), perEpisode) {
		for c, data := range e.Steps[step].Pictures {
			f := camera.Frame{Camera: m.Cameras[c].Name}
			if err := encoded.Decode(data, &f); err != nil {
				return fmt.Errorf("step %d: %w", step, err)
			}
			v, err := reference.Of(&f)
			if err != nil {
				return fmt.Errorf("step %d: %w", step, err)
			}
			outs[c].maker.Add(&v)
			if l, ok := likeness.LookOf(&f); ok {
				last := len(outs[c].looks) - 1
				outs[c].looks[last] = append(outs[c].looks[last], l)
			}
		}
	}
	return nil
}

// evenly are at most so many of n steps, the first and the last among them.
func evenly(n, most int) (steps []int) {
	count := min(most, n)
	for i := range count {
		steps = append(steps, i*(n-1)/max(count-1, 1))
	}
	return steps
}
