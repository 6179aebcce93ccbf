package train

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"sim2reald/model"
	"sim2reald/model/dataset"
	"sim2reald/model/preprocess"
	"sim2reald/model/safetensors"
)

// Source computes features of the frozen base.
type Source interface {
	// Identity says what computes them, version and device: it belongs to the cache's key.
	Identity() string
	// Len is the number of features of one observation.
	Len() int
	// Extractor makes one for a worker, which closes it.
	Extractor() (Extractor, error)
}

// Extractor computes features in one goroutine.
type Extractor interface {
	// Batch is the most observations that Extract takes.
	Batch() int
	// Extract fills out (len(obs), Len) from the pictures of each observation.
	Extract(obs []*model.Observation, out []float32) error
	Close() error
}

// extraction is the work of computing features of many episodes, and where they are kept.
type extraction struct {
	source  Source
	spec    preprocess.Spec // pictures of one observation: the rest is not the base's
	augment Augment
	joints  int
	read    func(seed int64) (*dataset.Episode, error) // with pictures
	cache   string                                     // folder of this source, spec and augmentation
}

// newExtraction names the cache by everything that the features depend on beside the episode.
func newExtraction(d *dataset.Dataset, source Source, opt *Options) (*extraction, error) {
	spec, a := opt.spec(&d.Meta).One(), opt.Augment
	key, err := json.Marshal(struct {
		Version int
		Base    string
		Source  string
		Spec    preprocess.Spec
		Augment Augment
	}{1, opt.Base.Digest, source.Identity(), spec, a})
	if err != nil {
		return nil, fmt.Errorf("naming the feature cache: %w", err)
	}
	sum := sha256.Sum256(key)
	x := &extraction{source: source, spec: spec, augment: a, joints: len(d.Meta.Robot.JointNames), read: d.Episode,
		cache: filepath.Join(opt.CacheDir, "features-"+hex.EncodeToString(sum[:8]))}
	if err := os.MkdirAll(x.cache, 0o755); err != nil {
		return nil, fmt.Errorf("making the feature cache: %w", err)
	}
	return x, nil
}

// extracted is one episode's features, (steps, views, Len), or why there are none.
type extracted struct {
	index    int
	features []float32
	err      error
}

// all gives the features of the episodes, whose pictures it reads itself, in their order, from the cache where they are there. report is
// called after each. A cancelled or failed run leaves the finished ones in the cache.
func (x *extraction) all(ctx context.Context, episodes []*dataset.Episode, workers int, report func(done int)) ([][]float32, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	jobs, results := make(chan int), make(chan extracted)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() { x.work(ctx, episodes, jobs, results) })
	}
	go func() {
		defer close(results)
		defer wg.Wait()
		defer close(jobs)
		for i := range episodes {
			select {
			case jobs <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	out, done := make([][]float32, len(episodes)), 0
	var first error
	for r := range results {
		if r.err != nil {
			if first == nil {
				first = r.err
			}
			cancel()
			continue
		}
		out[r.index] = r.features
		done++
		report(done)
	}
	if first == nil && done < len(episodes) {
		first = ctx.Err()
	}
	return out, first
}

// work serves jobs; the engine and its buffers are made for the first episode that is not in the cache.
func (x *extraction) work(ctx context.Context, episodes []*dataset.Episode, jobs <-chan int, results chan<- extracted) {
	var w *worker
	for i := range jobs {
		r := extracted{index: i}
		if r.features = x.load(episodes[i]); r.features == nil {
			if w == nil {
				w, r.err = x.newWorker()
			}
			if r.err == nil {
				r.features, r.err = w.episode(ctx, episodes[i].Seed)
			}
			if r.err == nil {
				r.err = x.save(episodes[i], r.features)
			}
		}
		results <- r
	}
	if w != nil {
		if err := w.close(); err != nil {
			results <- extracted{err: err}
		}
	}
}

func (x *extraction) views() int { return 1 + x.augment.Views }

func (x *extraction) path(e *dataset.Episode) string {
	return filepath.Join(x.cache, fmt.Sprintf("seed-%08d.safetensors", e.Seed))
}

// load is nil when the cache holds nothing for exactly this episode; a damaged file counts as nothing.
func (x *extraction) load(e *dataset.Episode) []float32 {
	f, err := safetensors.ReadFile(x.path(e), safetensors.DefaultLimits())
	if err != nil || f.Metadata["episode"] != e.Digest || f.Metadata["tensors"] != f.Digest() {
		return nil
	}
	t := f.Tensors["features"]
	if !slices.Equal(t.Shape, []int{len(e.Steps), x.views(), x.source.Len()}) {
		return nil
	}
	v, err := t.Float32s()
	if err != nil {
		return nil
	}
	return v
}

func (x *extraction) save(e *dataset.Episode, features []float32) error {
	shape := []int{len(e.Steps), x.views(), x.source.Len()}
	f := &safetensors.File{Tensors: map[string]safetensors.Tensor{"features": safetensors.Float32(shape, features)}}
	f.Metadata = map[string]string{"episode": e.Digest, "tensors": f.Digest()}
	return f.WriteFile(x.path(e))
}

// worker holds the buffers of one goroutine.
type worker struct {
	x         *extraction
	extractor Extractor
	eye       *eye
	batch     []*model.Observation
}

func (x *extraction) newWorker() (*worker, error) {
	e, err := newEye(x.spec, x.augment, x.joints)
	if err != nil {
		return nil, err
	}
	extractor, err := x.source.Extractor()
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	w := &worker{x: x, extractor: extractor, eye: e}
	for range extractor.Batch() {
		w.batch = append(w.batch, e.observer.Observation())
	}
	return w, nil
}

func (w *worker) close() error { return errors.Join(w.eye.close(), w.extractor.Close()) }

// episode computes all views of all steps, in batches that depend on the episode alone.
func (w *worker) episode(ctx context.Context, seed int64) ([]float32, error) {
	e, err := w.x.read(seed)
	if err != nil {
		return nil, err
	}
	width := w.x.source.Len()
	out := make([]float32, 0, len(e.Steps)*w.x.views()*width)
	filled := 0
	flush := func() error {
		if filled == 0 {
			return nil
		}
		at := len(out)
		out = out[:at+filled*width]
		err := w.extractor.Extract(w.batch[:filled], out[at:])
		filled = 0
		return err
	}
	for s := range e.Steps {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err := w.eye.decode(e, s); err != nil {
			return nil, err
		}
		for v := range w.x.views() {
			if err := w.eye.observe(e, s, v, w.batch[filled]); err != nil {
				return nil, err
			}
			if filled++; filled == len(w.batch) {
				if err := flush(); err != nil {
					return nil, err
				}
			}
		}
	}
	err = flush()
	return out, err
}
