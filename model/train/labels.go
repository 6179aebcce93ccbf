package train

import (
	"encoding/json"
	"fmt"

	"sim2reald/model/dataset"
	"sim2reald/model/safetensors"
)

// Metadata of a file of labels: what their numbers mean, as a manifest's action says it, and of which dataset they are.
const (
	KeyLabels  = "sim2reald.labels"
	keyDataset = "sim2reald.dataset"
)

// Labels are what the options learn from each successful episode, for another trainer: a tensor of (steps, numbers of an
// action) for each, named by its seed, in SI units and before they are standardised. The posture that they say is not the
// demonstrations', as which of them are held out is the trainer's to draw. An error wraps ErrOptions, or is the dataset's.
func (o *Options) Labels(d *dataset.Dataset) (*safetensors.File, error) {
	demos, err := readDemonstrations(d, false)
	if err != nil {
		return nil, err
	}
	digest, err := d.Digest()
	if err != nil {
		return nil, err
	}
	m := o.manifest(&d.Meta)
	space, err := m.Space()
	if err != nil {
		return nil, err
	}
	said, err := json.Marshal(m.Action)
	if err != nil {
		return nil, err
	}
	out := &safetensors.File{Metadata: map[string]string{KeyLabels: string(said), keyDataset: digest}, Tensors: map[string]safetensors.Tensor{}}
	lim, n := d.Meta.Limits.Robot(), len(d.Meta.Robot.JointNames)
	for _, e := range demos.episodes {
		rows := make([]float64, len(e.Steps)*space.Dim())
		for s := range e.Steps {
			c := label(&e.Steps[s], n, &lim)
			if err := space.Values(&c, &e.Steps[s].Q, rows[s*space.Dim():][:space.Dim()]); err != nil {
				return nil, fmt.Errorf("episode of seed %d, step %d: %w", e.Seed, s, err)
			}
		}
		out.Tensors[fmt.Sprint(e.Seed)] = safetensors.Float64([]int{len(e.Steps), space.Dim()}, rows)
	}
	return out, nil
}
