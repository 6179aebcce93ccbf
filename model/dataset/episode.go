package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"time"

	"sim2reald/model/safetensors"
	"sim2reald/robot"
)

// maxSteps bounds an episode, so that a file cannot ask for all memory.
const maxSteps = 1 << 20

// Episode is one demonstration, from reset to its end.
type Episode struct {
	Seed    int64
	Success bool // by the environment's own rule
	Steps   []Step
	Digest  string // of the file's content, once read
}

// Step is one control step.
type Step struct {
	Pictures [][]byte      // PNG as received, in the order of Meta.Cameras
	Stamp    time.Duration // bridge clock, since the first step; before version 2, since the bridge's start
	Q, DQ    robot.Vector  // measured, rad and rad/s
	Gripper  float64       // measured, 0 open to 1 closed
	Wanted   robot.Command // the teacher's: the label. Its mode is Velocity
	Sent     robot.Command // after noise and limiter; a hold is all zero
}

// file lays the episode out as tensors: one row per step, one column per joint, then the gripper.
func (e *Episode) file(m *Meta) (*safetensors.File, error) {
	if err := e.check(m); err != nil {
		return nil, err
	}
	n, steps := len(m.Robot.JointNames), len(e.Steps)
	f := &safetensors.File{Tensors: map[string]safetensors.Tensor{}}
	for i, c := range m.Cameras {
		e.putPictures(f, c.Name, i)
	}
	put := func(name string, width int, row func(*Step) []float64) {
		out := make([]float64, 0, steps*width)
		for i := range e.Steps {
			out = append(out, row(&e.Steps[i])...)
		}
		f.Tensors[name] = safetensors.Float64([]int{steps, width}, out)
	}
	put("q", n, func(s *Step) []float64 { return s.Q[:n] })
	put("dq", n, func(s *Step) []float64 { return s.DQ[:n] })
	put("gripper", 1, func(s *Step) []float64 { return []float64{s.Gripper} })
	put("wanted", n+1, func(s *Step) []float64 { return row(&s.Wanted, n) })
	put("sent", n+1, func(s *Step) []float64 { return row(&s.Sent, n) })
	stamps := make([]int64, steps)
	for i, s := range e.Steps {
		stamps[i] = int64(s.Stamp)
	}
	f.Tensors["stamp_ns"] = safetensors.Int64([]int{steps}, stamps)
	f.Metadata = e.metadata(f.Digest())
	return f, nil
}

func row(c *robot.Command, n int) []float64 {
	return append(append(make([]float64, 0, n+1), c.DQ[:n]...), c.Gripper)
}

func (e *Episode) putPictures(f *safetensors.File, camera string, i int) {
	var all []byte
	offsets := []int64{0}
	for _, s := range e.Steps {
		all = append(all, s.Pictures[i]...)
		offsets = append(offsets, int64(len(all)))
	}
	f.Tensors["camera."+camera+".png"] = safetensors.Tensor{DType: safetensors.U8, Shape: []int{len(all)}, Data: all}
	f.Tensors["camera."+camera+".offsets"] = safetensors.Int64([]int{len(offsets)}, offsets)
}

func (e *Episode) metadata(tensors string) map[string]string {
	out := map[string]string{
		"schema":  Schema + ".episode",
		"seed":    strconv.FormatInt(e.Seed, 10),
		"success": strconv.FormatBool(e.Success),
		"steps":   strconv.Itoa(len(e.Steps)),
	}
	out["digest"] = episodeDigest(out, tensors)
	return out
}

// episodeDigest covers the tensors and what the metadata says about them.
func episodeDigest(metadata map[string]string, tensors string) string {
	h := sha256.New()
	fmt.Fprintf(h, "sim2real episode 1\n%q\n%q\n%q\n%q\n%s", metadata["schema"], metadata["seed"],
		metadata["success"], metadata["steps"], tensors)
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// check refuses an episode that could not be read again or would poison training.
func (e *Episode) check(m *Meta) error {
	if e.Seed < 0 || len(e.Steps) == 0 || len(e.Steps) > maxSteps {
		return fmt.Errorf("%w of seed %d with %d steps: want a seed of 0 or more and 1 to %d steps",
			ErrEpisode, e.Seed, len(e.Steps), maxSteps)
	}
	n := len(m.Robot.JointNames)
	for i := range e.Steps {
		s := &e.Steps[i]
		if len(s.Pictures) != len(m.Cameras) {
			return fmt.Errorf("%w of seed %d: step %d has %d pictures, want %d",
				ErrEpisode, e.Seed, i, len(s.Pictures), len(m.Cameras))
		}
		for c, p := range s.Pictures {
			if len(p) == 0 {
				return fmt.Errorf("%w of seed %d: step %d: picture of %s is empty", ErrEpisode, e.Seed, i, m.Cameras[c].Name)
			}
		}
		if !s.finite(n) {
			return fmt.Errorf("%w of seed %d: step %d holds a number that is not finite", ErrEpisode, e.Seed, i)
		}
	}
	return nil
}

func (s *Step) finite(n int) bool {
	ok := func(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
	return s.Q.Finite(n) && s.DQ.Finite(n) && s.Wanted.DQ.Finite(n) && s.Sent.DQ.Finite(n) &&
		ok(s.Gripper) && ok(s.Wanted.Gripper) && ok(s.Sent.Gripper)
}
