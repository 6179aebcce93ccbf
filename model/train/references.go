package train

import (
	"fmt"

	"sim2reald/camera"
	"sim2reald/camera/encoded"
	"sim2reald/model/dataset"
	"sim2reald/model/reference"
)

// perEpisode is how many pictures of an episode go into a reference, evenly spaced, the first among them: neighbours
// show the same.
const perEpisode = 8

// References are what each camera showed in the successful episodes of a dataset, in the order of its cameras.
func References(d *dataset.Dataset) ([]reference.Reference, error) {
	makers := make([]reference.Maker, len(d.Meta.Cameras))
	for _, seed := range d.Seeds() {
		e, err := d.Episode(seed)
		if err != nil {
			return nil, err
		}
		if !e.Success {
			continue
		}
		if err := look(e, &d.Meta, makers); err != nil {
			return nil, fmt.Errorf("reference pictures: episode of seed %d: %w", seed, err)
		}
	}
	var out []reference.Reference
	for i, c := range d.Meta.Cameras {
		r, err := makers[i].Make(c.Name)
		if err != nil {
			return nil, fmt.Errorf("reference pictures of camera %s: %w", c.Name, err)
		}
		out = append(out, r)
	}
	return out, nil
}

// look adds an episode's pictures.
func look(e *dataset.Episode, m *dataset.Meta, makers []reference.Maker) error {
	for i := range makers {
		makers[i].Begin()
	}
	n := min(perEpisode, len(e.Steps))
	for i := range n {
		step := i * (len(e.Steps) - 1) / max(n-1, 1)
		for c, data := range e.Steps[step].Pictures {
			f := camera.Frame{Camera: m.Cameras[c].Name}
			if err := encoded.Decode(data, &f); err != nil {
				return fmt.Errorf("step %d: %w", step, err)
			}
			v, err := reference.Of(&f)
			if err != nil {
				return fmt.Errorf("step %d: %w", step, err)
			}
			makers[c].Add(&v)
		}
	}
	return nil
}
