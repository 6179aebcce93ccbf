package train

import (
	"context"
	"math"
	"math/rand/v2"
	"time"
)

// fitted says how far a fit came.
type fitted struct {
	epochs                  int
	first, last, validation float64 // losses
}

// fit changes what n has learned to lower the loss over train. After a cancel it stops between two steps; the epochs it
// finished count. report is called after each epoch.
func fit(ctx context.Context, n *network, train, held *examples, opt *Options, report func(Progress)) (f fitted, err error) {
	batch := min(opt.Batch, train.n)
	o, err := n.objective(batch, true)
	if err != nil {
		return f, err
	}
	defer func() { err = firstError(err, o.Close()) }()
	v, err := newValidator(n, held, batch)
	if err != nil {
		return f, err
	}
	defer func() { err = firstError(err, v.close()) }()
	t := &trainer{n: n, o: o, data: train, solver: newAdam(opt.WeightDecay), opt: opt,
		total: opt.Epochs * (train.n / batch), shuffle: rand.New(rand.NewPCG(uint64(opt.Seed), streamShuffle))}
	start := time.Now()
	f.validation = math.NaN()
	for f.epochs < opt.Epochs {
		loss, err := t.epoch(ctx)
		if err != nil {
			return f, err
		}
		if f.epochs == 0 {
			f.first = loss
		}
		f.last = loss
		if f.validation, err = v.loss(); err != nil {
			return f, err
		}
		f.epochs++
		left := time.Since(start) / time.Duration(f.epochs) * time.Duration(opt.Epochs-f.epochs)
		report(Progress{StageTraining, f.epochs, opt.Epochs, f.last, f.validation, left})
	}
	return f, nil
}

func firstError(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// trainer makes steps.
type trainer struct {
	n       *network
	o       *batched
	data    *examples
	solver  *adam
	opt     *Options
	shuffle *rand.Rand
	done    int // steps
	total   int
}

// epoch visits every example once, in a new order, but for a rest smaller than a batch; it gives the mean loss.
func (t *trainer) epoch(ctx context.Context) (float64, error) {
	order := t.shuffle.Perm(t.data.n)
	sum, steps := 0.0, 0
	for rows := t.o.rows; len(order) >= rows; order = order[rows:] {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if err := t.o.load(t.data, order[:rows]); err != nil {
			return 0, err
		}
		loss, err := t.step()
		if err != nil {
			return 0, err
		}
		sum += loss
		steps++
	}
	return sum / float64(steps), nil
}

func (t *trainer) step() (float64, error) {
	loss, err := t.o.Run()
	if err != nil {
		return 0, err
	}
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return 0, errDiverged(t.done, loss)
	}
	rate := cosine(t.opt.LearningRate, t.done, int(t.opt.WarmUp*float64(t.total)), t.total)
	t.done++
	t.solver.begin()
	for i, p := range t.o.Learned() {
		t.solver.update(p.Name, t.n.live[p.Name], t.o.Gradient(i), rate, len(p.Shape) > 1)
	}
	return loss, nil
}

// validator computes the loss over held-out examples with the same weights.
type validator struct {
	o    *batched
	data *examples
}

func newValidator(n *network, held *examples, rows int) (*validator, error) {
	if held.n == 0 {
		return &validator{data: held}, nil
	}
	o, err := n.objective(rows, false)
	return &validator{o, held}, err
}

// loss is NaN without examples.
func (v *validator) loss() (float64, error) {
	if v.data.n == 0 {
		return math.NaN(), nil
	}
	sum := 0.0
	for at := 0; at < v.data.n; at += v.o.rows {
		var indexes []int
		for i := at; i < min(at+v.o.rows, v.data.n); i++ {
			indexes = append(indexes, i)
		}
		if err := v.o.load(v.data, indexes); err != nil {
			return 0, err
		}
		loss, err := v.o.Run()
		if err != nil {
			return 0, err
		}
		sum += loss * float64(v.o.rows)
	}
	return sum / float64(v.data.n), nil
}

func (v *validator) close() error {
	if v.o == nil {
		return nil
	}
	return v.o.Close()
}
