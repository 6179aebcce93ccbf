package train

import (
	"fmt"

	"sim2reald/camera"
	"sim2reald/camera/encoded"
	"sim2reald/model"
	"sim2reald/model/dataset"
	"sim2reald/model/preprocess"
	"sim2reald/robot"
)

// eye makes observations of recorded steps, varied as training wants them. It works in one goroutine.
type eye struct {
	augment  Augment
	observer *preprocess.Observer
	plain    []*camera.Frame // decoded, per camera
	varied   []*camera.Frame
}

// newEye is for pictures of one observation, of an arm of so many joints.
func newEye(spec preprocess.Spec, augment Augment, joints int) (*eye, error) {
	observer, err := preprocess.NewObserver(spec, joints, preprocess.Stats{})
	if err != nil {
		return nil, err
	}
	e := &eye{augment: augment, observer: observer}
	for _, c := range spec.Cameras {
		e.plain = append(e.plain, &camera.Frame{Camera: c.Name})
		e.varied = append(e.varied, &camera.Frame{Camera: c.Name})
	}
	return e, nil
}

// decode takes the pictures of a step; observe then varies them.
func (y *eye) decode(e *dataset.Episode, step int) error {
	for c, data := range e.Steps[step].Pictures {
		if err := encoded.Decode(data, y.plain[c]); err != nil {
			return fmt.Errorf("episode of seed %d, step %d, camera %s: %w", e.Seed, step, y.plain[c].Camera, err)
		}
	}
	return nil
}

// observe fills obs with a view of the step that was decoded last.
func (y *eye) observe(e *dataset.Episode, step, view int, obs *model.Observation) error {
	for c := range y.plain {
		y.augment.at(e.Seed, step, c, view).render(y.plain[c], y.varied[c])
	}
	if err := y.observer.Observe(y.varied, &robot.State{}, obs); err != nil {
		return fmt.Errorf("episode of seed %d, step %d: %w", e.Seed, step, err)
	}
	return nil
}

func (y *eye) close() error { return y.observer.Close() }
