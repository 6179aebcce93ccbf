package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sim2reald/model/safetensors"
)

// ErrCheckpoint is wrapped when a checkpoint cannot be gone on from.
var ErrCheckpoint = errors.New("checkpoint")

// checkpoint is everything that a stage needs to go on as if it had not stopped: the parameters, the solver's
// moments, and the position. Random draws need nothing: each is named by what it is for.
type checkpoint struct {
	at         position
	steps      int // of the solver
	headLosses []float64
	tensors    map[string]safetensors.Tensor
}

// Names of a checkpoint's tensors and metadata.
const (
	liveTensors   = "live/"
	meanTensors   = "mean/"
	squareTensors = "square/"
	keyAbout      = "checkpoint"
	keyDigest     = "tensors"
)

// about is the metadata of a checkpoint.
type about struct {
	Version    int
	Plan       plan
	At         position
	Steps      int
	HeadLosses []float64
}

const checkpointVersion = 1

// plan is all that decides the losses: two runs of one plan are the same run.
type plan struct {
	Data, Base, Features          string
	Width, Height                 int
	Mean, Std                     [3]float64
	Proprioception, Arm, Adapters string
	Middle                        any
	Full                          bool
	Tool                          *Tool
	History, Chunk                int
	Widths                        []int
	Activation                    string
	Augment                       Augment
	Recipe                        Recipe
	HeadRecipe                    *Recipe
	Head, Init                    string
	Held                          float64
	Seed                          int64
	Threads                       int
}

// plan of the options with the data and what computes the features.
func (o *Options) plan(data, features string) plan {
	p := plan{Data: data, Base: o.Base.Digest, Features: features, Width: o.Width, Height: o.Height, Mean: o.Mean, Std: o.Std,
		Proprioception: o.Proprioception, Arm: o.Arm, Adapters: o.Adapters.String(), Middle: o.Adapters.Middle, Full: o.Full,
		Tool: o.Tool, History: o.History, Chunk: o.ChunkSize, Widths: o.Widths, Activation: o.Activation, Augment: o.Augment, Recipe: o.Recipe,
		Held: o.ValidateShare, Seed: o.Seed, Threads: o.BLASThreads}
	if o.HeadFirst && o.whole() && o.begun() == nil {
		r := HeadRecipe()
		p.HeadRecipe = &r
	}
	if o.Head != nil {
		p.Head = o.Head.Digest()
	}
	if o.Init != nil {
		p.Init = o.Init.Digest()
	}
	return p
}

// difference names the first thing in which two plans differ, "" for none.
func (p plan) difference(other plan) (string, error) {
	mine, err := parts(p)
	if err != nil {
		return "", err
	}
	theirs, err := parts(other)
	if err != nil {
		return "", err
	}
	for _, key := range slices.Sorted(maps.Keys(mine)) {
		if a, b := string(mine[key]), string(theirs[key]); a != b {
			return fmt.Sprintf("%s is %.200s, this run has %.200s", strings.ToLower(key), b, a), nil
		}
	}
	return "", nil
}

func parts(p plan) (map[string]json.RawMessage, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	out := map[string]json.RawMessage{}
	return out, json.Unmarshal(text, &out)
}

// keeper writes a run's checkpoints.
type keeper struct {
	path       string
	every      time.Duration
	plan       plan
	headLosses []float64
	written    time.Time
}

// due writes a checkpoint when it is time.
func (k *keeper) due(t *trainer) error {
	if k.path == "" || time.Since(k.written) < k.every {
		return nil
	}
	return k.write(t)
}

// write makes the file appear whole or not at all.
func (k *keeper) write(t *trainer) error {
	if k.path == "" {
		return nil
	}
	f := &safetensors.File{Tensors: map[string]safetensors.Tensor{}}
	put := func(prefix string, values map[string][]float32) {
		for name, v := range values {
			f.Tensors[prefix+name] = safetensors.Float32([]int{len(v)}, v)
		}
	}
	live := map[string][]float32{}
	for _, p := range t.n.graph.Swapped() {
		live[p.Name] = t.n.live[p.Name]
	}
	put(liveTensors, live)
	put(meanTensors, t.solver.mean)
	put(squareTensors, t.solver.square)
	text, err := json.Marshal(about{checkpointVersion, k.plan, t.at, t.solver.steps, k.headLosses})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	f.Metadata = map[string]string{keyAbout: string(text), keyDigest: f.Digest()}
	k.written = time.Now()
	if err := f.WriteFile(k.path); err != nil {
		return fmt.Errorf("%w: %w; the one before it is kept: free space, and the same command goes on", ErrCheckpoint, err)
	}
	return nil
}

// sweep deletes what a killed process was writing: nobody reads it, but it is thrice as large as what is trained.
func (k *keeper) sweep() error {
	dir := filepath.Dir(k.path)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the first write will say so
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "."+filepath.Base(k.path)+".") {
			err = firstError(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// read gives the checkpoint of this plan, nil where there is none. One of another plan is refused: going on
// from it, or writing over it, would lose what somebody may want.
func (k *keeper) read() (*checkpoint, error) {
	if k.path == "" {
		return nil, nil
	}
	if err := k.sweep(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	f, err := safetensors.ReadFile(k.path, safetensors.DefaultLimits())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && f.Metadata[keyDigest] != f.Digest() {
		err = errors.New("its tensors are not those that were written")
	}
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w; remove it to begin anew", ErrCheckpoint, k.path, err)
	}
	var a about
	if err := json.Unmarshal([]byte(f.Metadata[keyAbout]), &a); err != nil || a.Version != checkpointVersion {
		return nil, fmt.Errorf("%w %s: version %d, this daemon goes on from %d (%v); remove it to begin anew", ErrCheckpoint, k.path, a.Version, checkpointVersion, err)
	}
	different, err := k.plan.difference(a.Plan)
	if err != nil {
		return nil, err
	}
	if different != "" {
		return nil, fmt.Errorf("%w %s is of another run: its %s; name another file, or remove it to begin anew", ErrCheckpoint, k.path, different)
	}
	k.headLosses = a.HeadLosses
	return &checkpoint{a.At, a.Steps, a.HeadLosses, f.Tensors}, nil
}

// remove is for when the run has ended well.
func (k *keeper) remove() error {
	if k.path == "" {
		return nil
	}
	if err := os.Remove(k.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	return nil
}

// restore puts a trainer where the checkpoint was written.
func (c *checkpoint) restore(t *trainer) error {
	for _, p := range t.n.graph.Swapped() {
		if err := c.fill(liveTensors+p.Name, t.n.live[p.Name]); err != nil {
			return err
		}
	}
	t.solver.steps, t.at, t.before = c.steps, c.at, c.at.Seconds
	if t.at.Epoch < 0 || t.at.Step < 0 || t.at.Step > t.perEpoch {
		return fmt.Errorf("%w: epoch %d, step %d of %d", ErrCheckpoint, t.at.Epoch, t.at.Step, t.perEpoch)
	}
	if c.steps == 0 {
		return nil
	}
	for _, p := range t.o.Learned() {
		mean, square := t.solver.moments(p.Name, p.Len())
		if err := firstError(c.fill(meanTensors+p.Name, mean), c.fill(squareTensors+p.Name, square)); err != nil {
			return err
		}
	}
	return nil
}

// fill copies a tensor into memory of its size.
func (c *checkpoint) fill(name string, into []float32) error {
	v, err := c.tensors[name].Float32s()
	if err != nil || len(v) != len(into) {
		return fmt.Errorf("%w: %s has %d numbers, the network wants %d (%v); remove it to begin anew", ErrCheckpoint, name, len(v), len(into), err)
	}
	copy(into, v)
	return nil
}
