package preprocess

import (
	"errors"
	"fmt"
	"image"

	"gocv.io/x/gocv"

	"sim2reald/camera"
	"sim2reald/model"
	"sim2reald/robot"
)

// ErrFrame is wrapped when a frame is not what the spec says.
var ErrFrame = errors.New("frame does not fit the bundle")

// Observer makes observations. Its buffers make it single-goroutine; after New it allocates nothing.
type Observer struct {
	spec    Spec
	joints  int
	proprio Stats
	lanes   []lane
	history *history
}

// lane is the work space of one camera. The slices look into the Mats' own memory, which OpenCV keeps as long
// as size and type stay the same.
type lane struct {
	source, resized       gocv.Mat
	sourcePix, resizedPix []byte
	normal                [3][256]float32 // pixel value to normalised value, per channel
}

// NewObserver checks spec and makes an observer for an arm of n joints. proprio standardises the joint
// positions and is ignored when the spec asks for none. Close frees OpenCV's memory.
func NewObserver(spec Spec, n int, proprio Stats) (*Observer, error) {
	if err := errors.Join(spec.Validate(), checkJoints(n)); err != nil {
		return nil, err
	}
	if spec.Proprioception == ProprioPositions {
		if err := proprio.Validate("proprioception", n); err != nil {
			return nil, err
		}
	}
	o := &Observer{spec: spec, joints: n, proprio: proprio}
	for _, c := range spec.Cameras {
		l, err := newLane(c)
		o.lanes = append(o.lanes, l)
		if err != nil {
			return nil, errors.Join(err, o.Close())
		}
	}
	o.history = newHistory(&o.spec, o.pictures())
	return o, nil
}

func newLane(c Camera) (lane, error) {
	l := lane{
		source:  gocv.NewMatWithSize(c.SourceHeight, c.SourceWidth, gocv.MatTypeCV8UC3),
		resized: gocv.NewMatWithSize(c.Height, c.Width, gocv.MatTypeCV8UC3),
	}
	for ch := range 3 {
		for v := range 256 {
			l.normal[ch][v] = float32((float64(v)/255 - c.Mean[ch]) / c.Std[ch])
		}
	}
	var errs [2]error
	l.sourcePix, errs[0] = l.source.DataPtrUint8()
	l.resizedPix, errs[1] = l.resized.DataPtrUint8()
	return l, errors.Join(errs[:]...)
}

// Observation is a buffer that fits this observer.
func (o *Observer) Observation() *model.Observation {
	obs := &model.Observation{}
	for range o.spec.observations() {
		obs.Images = append(obs.Images, o.pictures()...)
	}
	if o.spec.Proprioception == ProprioPositions {
		obs.Proprio = make([]float32, o.joints)
	}
	return obs
}

// pictures are buffers for one picture per camera.
func (o *Observer) pictures() [][]float32 {
	var out [][]float32
	for _, c := range o.spec.Cameras {
		out = append(out, make([]float32, 3*c.Width*c.Height))
	}
	return out
}

// Observe fills obs, made by Observation, from one frame per camera in the spec's order and, if the spec asks
// for proprioception, from state. With a history, what earlier calls of the same episode saw comes before it,
// by the state's stamp. An error wraps ErrFrame, or is *NotFiniteError for a position.
func (o *Observer) Observe(frames []*camera.Frame, state *robot.State, obs *model.Observation) error {
	if len(frames) != len(o.lanes) {
		return fmt.Errorf("%w: %d frames, want %d", ErrFrame, len(frames), len(o.lanes))
	}
	newest := len(obs.Images) - len(frames)
	for i := range frames {
		if err := o.check(i, frames[i]); err != nil {
			return err
		}
		o.lanes[i].fill(frames[i], obs.Images[newest+i], o.spec.Cameras[i])
	}
	o.history.observe(state, obs)
	if o.spec.Proprioception == ProprioNone {
		return nil
	}
	return o.positions(state, obs.Proprio)
}

func (o *Observer) check(i int, f *camera.Frame) error {
	c := &o.spec.Cameras[i]
	if f.Camera != c.Name {
		return fmt.Errorf("%w: frame of camera %q where %q belongs", ErrFrame, f.Camera, c.Name)
	}
	if f.Width != c.SourceWidth || f.Height != c.SourceHeight || len(f.Pix) != 3*f.Width*f.Height {
		return fmt.Errorf("%w: camera %s: %dx%d with %d bytes, want %dx%d RGB",
			ErrFrame, c.Name, f.Width, f.Height, len(f.Pix), c.SourceWidth, c.SourceHeight)
	}
	return nil
}

// fill resizes in 8 bit, as most training pipelines do, and then normalises into planar order.
func (l *lane) fill(f *camera.Frame, out []float32, c Camera) {
	pix := f.Pix
	if c.Width != c.SourceWidth || c.Height != c.SourceHeight {
		copy(l.sourcePix, f.Pix)
		gocv.Resize(l.source, &l.resized, image.Pt(c.Width, c.Height), 0, 0, gocv.InterpolationArea)
		pix = l.resizedPix
	}
	n := c.Width * c.Height
	red, green, blue := out[:n], out[n:2*n], out[2*n:3*n]
	for i := range n {
		p := pix[3*i : 3*i+3 : 3*i+3]
		red[i] = l.normal[0][p[0]]
		green[i] = l.normal[1][p[1]]
		blue[i] = l.normal[2][p[2]]
	}
}

func (o *Observer) positions(state *robot.State, out []float32) error {
	for j := range o.joints {
		if !finite(state.Q[j]) {
			return &NotFiniteError{What: "measured position", Index: j, Value: state.Q[j]}
		}
		out[j] = (float32(state.Q[j]) - o.proprio.Mean[j]) / o.proprio.Std[j]
	}
	return nil
}

// Close frees OpenCV's memory; the observer is not used afterwards.
func (o *Observer) Close() error {
	var err error
	for i := range o.lanes {
		err = errors.Join(err, o.lanes[i].source.Close(), o.lanes[i].resized.Close())
	}
	return err
}
