package engine

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
	"golang.org/x/sys/unix"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// ONNX Runtime lays maps out in blocks of channels, which is much of its speed, and fuses what follows a convolution,
// only where weights are constants. So that a bundle's can be inputs all the same, the model is loaded twice. First they
// are constants made of marks (optimised.go), and the library writes down what it makes of the model; there each mark
// tells where its number has gone. Then these constants become inputs, and the model is loaded as it is. A session puts
// its bundle's numbers into their places. So nothing is assumed about the layout, which differs with the processor.

// Layouts of the convolutions that a bundle changes, see model.Description.
const (
	Blocked = "blocked" // as the frozen ones
	Plain   = "plain"
)

// openConvolutions opens a model whose bundles change convolutions: as the library optimises constants, or where that
// cannot be followed, with the bundle's parameters as inputs from the start.
func (m *Model) openConvolutions(r *Runtime, values map[string]safetensors.Tensor) (err error) {
	m.says.Layout, err = m.optimise(r, values)
	if err == nil {
		return nil
	}
	m.remark(fmt.Sprintf("convolutions with adapters are slower than they could be: %v", err))
	m.made, m.plain, m.says.Layout = nil, m.graph.Swapped(), Plain
	if err := m.closeFactors(); err != nil {
		return err
	}
	m.session, err = m.load(m.graph, values)
	return err
}

// remark adds to what was decided in the user's place.
func (m *Model) remark(text string) {
	if m.says.Fallback != "" {
		text = m.says.Fallback + "; " + text
	}
	m.says.Fallback = text
}

// optimise opens the model in two steps and says which layout it has.
func (m *Model) optimise(r *Runtime, values map[string]safetensors.Tensor, change ...func(*ort.SessionOptions) error) (layout string, err error) {
	g, all, err := rewrite(m.graph, values, func(w []float32, rows, cols int) (func([]float32) ([]float32, error), error) {
		return m.multiplier(r, w, rows, cols)
	})
	if err != nil {
		return "", err
	}
	marks, err := newMarks(all)
	if err != nil {
		return "", err
	}
	file, err := m.optimisedFile(g, lowerable(values, all, marks.of), change...)
	if err != nil {
		return "", err
	}
	onnx, blocked, err := unmark(file, all, marks)
	if err = errors.Join(err, unix.Munmap(file)); err != nil {
		return "", err
	}
	m.session, err = m.start(onnx, func(o *ort.SessionOptions) error {
		return o.SetGraphOptimizationLevel(ort.GraphOptimizationLevelDisableAll) // it is optimised
	})
	m.made, m.plain = all, g.Swapped()
	if blocked {
		return Blocked, err
	}
	return Plain, err
}

// optimisedFile is what ONNX Runtime makes of a graph of constants, mapped into memory. It never lies on a disk.
func (m *Model) optimisedFile(g *graph.Graph, values map[string]safetensors.Tensor, change ...func(*ort.SessionOptions) error) (data []byte, err error) {
	fd, err := unix.MemfdCreate("optimised.onnx", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making room for the optimised model: %v: %w", err, ErrLibrary)
	}
	file := os.NewFile(uintptr(fd), "optimised.onnx")
	defer func() { err = errors.Join(err, file.Close()) }()
	onnx, err := lower(g, values, m.opts.Batch, Float32)
	if err != nil {
		return nil, err
	}
	s, err := m.start(onnx, append(change, func(o *ort.SessionOptions) error {
		return errors.Join(o.SetOptimizedModelFilePath(fmt.Sprintf("/proc/self/fd/%d", fd)),
			o.AddSessionConfigEntry("session.disable_prepacking", "1")) // it never runs
	})...)
	if err != nil {
		return nil, err
	}
	if err := s.Destroy(); err != nil {
		return nil, fmt.Errorf("closing the model that was optimised: %s: %w", oneLine(err), ErrLibrary)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if data, err = unix.Mmap(fd, 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED); err != nil {
		return nil, fmt.Errorf("reading the optimised model of %d bytes: %v: %w", info.Size(), err, ErrLibrary)
	}
	return data, nil
}

// values are a bundle's of what is made. still says that the bundle has zeros throughout, and changes nothing.
func (k *made) values(params map[string]safetensors.Tensor) (values []float32, still bool, err error) {
	from, still := make([][]float32, len(k.from)), true
	for i, p := range k.from {
		if from[i], err = paramValues(p, params); err != nil {
			return nil, false, err
		}
		still = still && !slices.ContainsFunc(from[i], func(v float32) bool { return v != 0 })
	}
	if values, err = k.recipe(from); err != nil {
		return nil, false, err
	}
	if i := safetensors.FirstNotFinite(values); i >= 0 {
		return nil, false, fmt.Errorf("bundle parameter %q, element %d is %g: %w", k.param.Name[1:], i, values[i], ErrInput)
	}
	return values, still, nil
}

// ordered are values as the optimised model wants them. Those of all bundles that change nothing are in memory once.
func (p *place) ordered(values []float32, still bool) []float32 {
	if !still {
		return p.order(values)
	}
	p.once.Do(func() { p.still = p.order(values) })
	return p.still
}

func (p *place) order(values []float32) []float32 {
	if p.from == nil {
		return values
	}
	out := make([]float32, len(p.from))
	for i, at := range p.from {
		if at > 0 {
			out[i] = values[at-1]
		}
	}
	return out
}

// product multiplies matrices with one of the base, on ONNX Runtime.
type product struct {
	busy    sync.Mutex
	model   *Model
	session *Session
}

// multiplier is a rewriter's.
func (m *Model) multiplier(r *Runtime, w []float32, rows, cols int) (func([]float32) ([]float32, error), error) {
	b := graph.NewBuilder()
	g, err := b.Build(b.Linear("product", b.Input("a", rows, rows), b.Frozen("w", cols, rows), nil))
	if err != nil {
		return nil, err
	}
	transposed := make([]float32, len(w))
	for i, v := range w {
		transposed[i%cols*rows+i/cols] = v
	}
	p := &product{}
	m.factors = append(m.factors, p)
	if p.model, err = r.Load(g, map[string]safetensors.Tensor{"w": safetensors.Float32([]int{cols, rows}, transposed)},
		Options{Threads: 1, Device: CPU, Batch: 1}); err != nil {
		return nil, err
	}
	if p.session, err = p.model.Session(nil); err != nil {
		return nil, err
	}
	return p.times, nil
}

func (p *product) times(a []float32) ([]float32, error) {
	p.busy.Lock()
	defer p.busy.Unlock()
	copy(p.session.Input(0), a)
	if err := p.session.Run(); err != nil {
		return nil, err
	}
	return append([]float32{}, p.session.Output(0)...), nil
}

// closeFactors frees what bundles are multiplied with.
func (m *Model) closeFactors() error {
	var errs []error
	for _, f := range m.factors {
		errs = append(errs, f.close())
	}
	m.factors = nil
	return errors.Join(errs...)
}

func (p *product) close() error {
	var errs []error
	if p.session != nil {
		errs = append(errs, p.session.Close())
	}
	if p.model != nil {
		errs = append(errs, p.model.Close())
	}
	return errors.Join(errs...)
}
