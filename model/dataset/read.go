package dataset

import (
	"fmt"
	"strconv"
	"time"

	"sim2reald/model/safetensors"
	"sim2reald/robot"
)

// parseEpisode is the inverse of Episode.file. The pictures share the file's memory.
func parseEpisode(f *safetensors.File, m *Meta) (*Episode, error) {
	if got, want := f.Metadata["digest"], episodeDigest(f.Metadata, f.Digest()); got != want {
		return nil, fmt.Errorf("%w: its digest is %s, it says %.80q", ErrCorrupt, want, got)
	}
	r := &reader{f: f}
	e := r.header()
	n := len(m.Robot.JointNames)
	q, dq, gripper := r.rows("q", n), r.rows("dq", n), r.rows("gripper", 1)
	wanted, sent, stamps := r.rows("wanted", n+1), r.rows("sent", n+1), r.ints("stamp_ns", r.steps)
	pictures := make([][][]byte, len(m.Cameras))
	for i, c := range m.Cameras {
		pictures[i] = r.pictures(c.Name)
	}
	if r.err == nil && len(f.Tensors) != 6+2*len(m.Cameras) {
		r.fail("%d tensors, want %d", len(f.Tensors), 6+2*len(m.Cameras))
	}
	if r.err != nil {
		return nil, r.err
	}
	e.Steps = make([]Step, r.steps)
	for i := range e.Steps {
		s := &e.Steps[i]
		for c := range m.Cameras {
			s.Pictures = append(s.Pictures, pictures[c][i])
		}
		s.Stamp, s.Gripper = time.Duration(stamps[i]), gripper[i]
		copy(s.Q[:], q[i*n:(i+1)*n])
		copy(s.DQ[:], dq[i*n:(i+1)*n])
		s.Wanted, s.Sent = command(wanted[i*(n+1):], n), command(sent[i*(n+1):], n)
	}
	return e, e.check(m)
}

func command(row []float64, n int) robot.Command {
	c := robot.Command{Mode: robot.Velocity, Gripper: row[n]}
	copy(c.DQ[:], row[:n])
	return c
}

// reader keeps the first error, so that the layout above reads as a list.
type reader struct {
	f     *safetensors.File
	steps int
	err   error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrEpisode, fmt.Sprintf(format, args...))
	}
}

func (r *reader) header() *Episode {
	md := r.f.Metadata
	seed, errSeed := strconv.ParseInt(md["seed"], 10, 64)
	success, errSuccess := strconv.ParseBool(md["success"])
	steps, errSteps := strconv.Atoi(md["steps"])
	if md["schema"] != Schema+".episode" || errSeed != nil || errSuccess != nil || errSteps != nil {
		r.fail("metadata schema %.40q, seed %.40q, success %.40q, steps %.40q",
			md["schema"], md["seed"], md["success"], md["steps"])
	}
	if steps < 1 || steps > maxSteps {
		r.fail("%d steps, want 1 to %d", steps, maxSteps)
	}
	r.steps = steps
	return &Episode{Seed: seed, Success: success, Digest: md["digest"]}
}

// tensor wants a tensor of the shape; a missing one has no dtype.
func (r *reader) tensor(name string, dtype safetensors.DType, shape ...int) safetensors.Tensor {
	t := r.f.Tensors[name]
	ok := t.DType == dtype && len(t.Shape) == len(shape)
	for i := range shape {
		ok = ok && t.Shape[i] == shape[i]
	}
	if !ok {
		r.fail("tensor %s is %s %v, want %s %v", name, t.DType, t.Shape, dtype, shape)
	}
	return t
}

func (r *reader) rows(name string, width int) []float64 {
	t := r.tensor(name, safetensors.F64, r.steps, width)
	if r.err != nil {
		return nil
	}
	v, err := t.Float64s()
	if err != nil {
		r.fail("tensor %s: %v", name, err)
	}
	return v
}

func (r *reader) ints(name string, n int) []int64 {
	t := r.tensor(name, safetensors.I64, n)
	if r.err != nil {
		return nil
	}
	v, err := t.Int64s()
	if err != nil {
		r.fail("tensor %s: %v", name, err)
	}
	return v
}

func (r *reader) pictures(camera string) [][]byte {
	offsets := r.ints("camera."+camera+".offsets", r.steps+1)
	all := r.f.Tensors["camera."+camera+".png"]
	if r.err == nil && all.DType != safetensors.U8 {
		r.fail("tensor camera.%s.png is %q, want U8", camera, all.DType)
	}
	if r.err != nil {
		return nil
	}
	out := make([][]byte, r.steps)
	for i := range out {
		a, b := offsets[i], offsets[i+1]
		if a < 0 || a >= b || b > int64(len(all.Data)) {
			r.fail("camera %s: picture %d spans bytes %d to %d of %d", camera, i, a, b, len(all.Data))
			return nil
		}
		out[i] = all.Data[a:b:b]
	}
	return out
}
