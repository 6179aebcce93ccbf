package bundle

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sim2reald/model/adapter"
	"sim2reald/model/backbone"
	"sim2reald/model/graph"
	"sim2reald/model/preprocess"
	"sim2reald/model/reference"
	"sim2reald/robot"
)

func invalid(key, format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", ErrManifest, key, fmt.Sprintf(format, args...))
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// Validate says what is wrong with the manifest by itself, naming the key.
func (m *Manifest) Validate() error {
	for _, check := range []func() error{
		m.checkHead, m.checkRecipe, m.checkRobot, m.checkAction, m.checkSight, m.checkReferences, m.checkLikeness, m.checkHistory, m.checkResult,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	net, err := m.Network()
	if err != nil {
		return err
	}
	if _, err := net.Graph(); err != nil {
		return fmt.Errorf("%w: adapters: %w", ErrManifest, err)
	}
	return nil
}

func (m *Manifest) checkHead() error {
	if m.Schema != Schema || m.Version != m.needs() {
		return invalid("schema", "%q version %d, want %q version %d for what it says", m.Schema, m.Version, Schema, m.needs())
	}
	if _, err := parseVersion(m.MinDaemon); err != nil {
		return invalid("min_daemon", "%v", err)
	}
	for _, s := range []struct{ key, v string }{{"name", m.Name}, {"task", m.Task}, {"base.name", m.Base.Name}} {
		if s.v == "" {
			return invalid(s.key, "is empty")
		}
	}
	for _, d := range []struct{ key, v string }{
		{"base.digest", m.Base.Digest}, {"training.data_digest", m.Training.DataDigest},
	} {
		if !isDigest(d.v) {
			return invalid(d.key, "%q, want sha256: and 64 hex digits", d.v)
		}
	}
	return nil
}

func isDigest(s string) bool {
	hex, ok := strings.CutPrefix(s, "sha256:")
	return ok && len(hex) == 64 && strings.Trim(hex, "0123456789abcdef") == ""
}

// Validate wants a model, distinct joint names and the one gripper sense of the contract.
func (r *Robot) Validate() error {
	n := len(r.JointNames)
	if r.Model == "" || n < 1 || n > robot.MaxJoints {
		return invalid("robot", "model %q with %d joints, want 1 to %d", r.Model, n, robot.MaxJoints)
	}
	for j, name := range r.JointNames {
		if name == "" || slices.Contains(r.JointNames[:j], name) {
			return invalid("robot.joint_names", "[%d] %q is empty or taken", j, name)
		}
	}
	if r.Gripper != (Gripper{Open: 0, Closed: 1}) {
		return invalid("robot.gripper", "open %g, closed %g, want 0 and 1", r.Gripper.Open, r.Gripper.Closed)
	}
	return nil
}

func (m *Manifest) checkRobot() error {
	if err := m.Robot.Validate(); err != nil {
		return err
	}
	return m.Limits.Validate(len(m.Robot.JointNames))
}

func (m *Manifest) checkSight() error {
	if err := m.Spec().Validate(); err != nil {
		return invalid("cameras", "%v", err)
	}
	first := m.Cameras[0]
	for _, c := range m.Cameras[1:] {
		if c.Width != first.Width || c.Height != first.Height {
			return invalid("cameras", "%s is %dx%d and %s %dx%d: all share one base, so one size",
				first.Name, first.Width, first.Height, c.Name, c.Width, c.Height)
		}
	}
	return nil
}

// checkReferences wants each to be of a camera of the bundle, and none to be there twice.
func (m *Manifest) checkReferences() error {
	for i := range m.References {
		r := &m.References[i]
		if err := r.Validate(); err != nil {
			return invalid("references", "[%d]: %v", i, err)
		}
		same := func(other reference.Reference) bool { return other.Camera == r.Camera }
		if slices.IndexFunc(m.References, same) != i {
			return invalid("references", "[%d]: camera %q stands twice", i, r.Camera)
		}
		if !slices.ContainsFunc(m.Cameras, func(c preprocess.Camera) bool { return c.Name == r.Camera }) {
			return invalid("references", "[%d]: camera %q is none of the bundle's", i, r.Camera)
		}
	}
	return nil
}

// Reference is what the camera of that name showed in the demonstrations, nil where the bundle does not say.
func (m *Manifest) Reference(camera string) *reference.Reference {
	for i := range m.References {
		if m.References[i].Camera == camera {
			return &m.References[i]
		}
	}
	return nil
}

func (m *Manifest) checkHistory() error {
	if m.History < 1 {
		return invalid("history", "%d, want 1 or more", m.History)
	}
	t := m.Training
	if t.Epochs < 0 || t.Episodes < 0 || t.Excluded < 0 || !finite(t.FirstLoss+t.LastLoss+t.ValidationLoss) {
		return invalid("training", "a count is negative or a loss not finite")
	}
	return nil
}

func (m *Manifest) checkResult() error {
	r := m.Result
	if r == nil {
		return nil
	}
	if r.Episodes < 1 || r.Successes < 0 || r.Successes > r.Episodes || len(r.Seeds) != r.Episodes {
		return invalid("result", "%d successes of %d episodes with %d seeds", r.Successes, r.Episodes, len(r.Seeds))
	}
	lo, hi := r.Interval[0], r.Interval[1]
	if !finite(lo) || !finite(hi) || lo < 0 || hi > 1 || lo > hi {
		return invalid("result.interval_95", "%g to %g", lo, hi)
	}
	return nil
}

// Spec is how observations are made for this bundle.
func (m *Manifest) Spec() preprocess.Spec {
	s := preprocess.Spec{Cameras: m.Cameras, Proprioception: m.Proprioception, History: m.History}
	if m.History > 1 {
		s.RateHz = m.Action.RateHz
	}
	return s
}

// Network is the whole policy network that the manifest describes.
func (m *Manifest) Network() (adapter.Network, error) {
	var net adapter.Network
	arch, err := backbone.Parse(m.Base.Arch)
	if err != nil {
		return net, fmt.Errorf("%w: base.arch: %w", ErrManifest, err)
	}
	net.Arch, net.Height, net.Width, net.History = arch, m.Cameras[0].Height, m.Cameras[0].Width, m.History
	for _, c := range m.Cameras {
		net.Cameras = append(net.Cameras, c.Name)
	}
	if m.Proprioception == preprocess.ProprioPositions {
		net.Proprio = len(m.Robot.JointNames)
	}
	if err := arch.CheckSize(net.Height, net.Width); err != nil {
		return net, fmt.Errorf("%w: cameras: %w", ErrManifest, err)
	}
	if net.Adapters, err = m.Adapters.placement(); err != nil {
		return net, err
	}
	net.Full = m.Kind == KindFull
	net.Head, err = m.head(net.FeatureLen())
	return net, err
}

// placement is what is trained inside the base.
func (a *Adapters) placement() (adapter.Placement, error) {
	p, err := adapter.ParsePlacement(a.Placement)
	if err != nil {
		return p, fmt.Errorf("%w: adapters.placement: %w", ErrManifest, err)
	}
	if p.String() != a.Placement {
		return p, invalid("adapters.placement", "%q, want it spelled %q", a.Placement, p)
	}
	if (p.Middle != nil) != (a.Middle != nil) {
		return p, invalid("adapters.middle", "is there without %q in placement %q, or the other way round", adapter.PlaceMiddle, p)
	}
	p.Middle = a.Middle
	return p, nil
}

func (m *Manifest) head(in int) (adapter.Head, error) {
	a := m.Adapters
	if a.Kind != KindMLP {
		return adapter.Head{}, invalid("adapters.kind", "%q, this version knows %q", a.Kind, KindMLP)
	}
	h := adapter.Head{In: in, Hidden: a.Widths, Out: m.Action.ChunkSize * len(m.Action.Dimensions)}
	switch a.Activation {
	case graph.ReLU.String():
		h.Activation = graph.ReLU
	case graph.GELU.String():
		h.Activation = graph.GELU
	default:
		return h, invalid("adapters.activation", "%q, want %q or %q", a.Activation, graph.ReLU, graph.GELU)
	}
	if err := h.Validate(); err != nil {
		return h, fmt.Errorf("%w: adapters.widths: %w", ErrManifest, err)
	}
	return h, nil
}

var versionPattern = regexp.MustCompile(`^v?(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:[-+].*)?$`)

// parseVersion reads "1.2.3"; what follows a - or + does not count.
func parseVersion(s string) ([3]int, error) {
	parts := versionPattern.FindStringSubmatch(s)
	if parts == nil {
		return [3]int{}, fmt.Errorf("version %q, want one like 0.1.0", s)
	}
	var v [3]int
	for i := range v {
		v[i], _ = strconv.Atoi(parts[i+1]) // digits only, by the pattern
	}
	return v, nil
}
