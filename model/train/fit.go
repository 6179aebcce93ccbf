package train

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// position is how far a stage came, and the losses on the way. It is what a checkpoint says beside the tensors.
type position struct {
	Stage string
	Epoch int     // finished
	Step  int     // of the epoch that is going on
	Sum   float64 // of its losses

	Losses, Validations []float64 // of the finished epochs; the latter empty without held-out episodes
	Seconds             float64   // of this stage, over every run that took part
}

// mean is the mean loss of the epoch that is going on; 0 before its first step.
func (p *position) mean() float64 { return p.Sum / float64(max(1, p.Step)) }

// means are the mean losses of all epochs, the last of which may be unfinished.
func (p *position) means() []float64 {
	if p.Step == 0 {
		return p.Losses
	}
	return append(p.Losses[:len(p.Losses):len(p.Losses)], p.mean())
}

// validation is the last there is, NaN for none.
func (p *position) validation() float64 {
	if len(p.Validations) == 0 {
		return math.NaN()
	}
	return p.Validations[len(p.Validations)-1]
}

// stage is one fit: a network, what it sees, and how it is trained.
type stage struct {
	name        string
	n           *network
	train, held *examples
	recipe      Recipe
	seed        int64
	ended       func(*position) error // after each epoch
}

// trainer makes the steps of a stage.
type trainer struct {
	stage
	o        *batched
	v        *validator
	solver   *adam
	at       position
	perEpoch int
	report   func(Progress)
	keep     func(t *trainer) error // called after each step, when a checkpoint may be written
	began    time.Time
	before   float64 // seconds of earlier runs
	made     int     // steps of this run
}

// newTrainer begins a stage, or goes on with it from a checkpoint, which may be nil.
func newTrainer(s stage, from *checkpoint, report func(Progress), keep func(*trainer) error) (*trainer, error) {
	batch := min(s.recipe.Batch, s.train.n)
	o, err := s.n.objective(batch, true)
	if err != nil {
		return nil, err
	}
	v, err := newValidator(s.n, s.held, batch)
	if err != nil {
		return nil, firstError(err, o.Close())
	}
	t := &trainer{stage: s, o: o, v: v, solver: newAdam(s.recipe.WeightDecay), at: position{Stage: s.name},
		perEpoch: s.train.n / batch, report: report, keep: keep, began: time.Now()}
	if from != nil {
		if err := from.restore(t); err != nil {
			return nil, firstError(err, t.close())
		}
	}
	return t, nil
}

func (t *trainer) close() error { return firstError(t.o.Close(), t.v.close()) }

func firstError(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

func (t *trainer) total() int { return t.recipe.Epochs * t.perEpoch }
func (t *trainer) done() int  { return t.at.Epoch*t.perEpoch + t.at.Step }

// fit changes what the network has learned to lower the loss. After a cancel it stops between two steps.
func (t *trainer) fit(ctx context.Context) error {
	for t.at.Epoch < t.recipe.Epochs {
		if err := t.epoch(ctx); err != nil {
			return err
		}
		t.at.Losses = append(t.at.Losses, t.at.mean())
		if t.held.n > 0 {
			loss, err := t.v.loss()
			if err != nil {
				return err
			}
			t.at.Validations = append(t.at.Validations, loss)
		}
		t.at.Epoch, t.at.Step, t.at.Sum = t.at.Epoch+1, 0, 0
		t.tell(t.at.Losses[t.at.Epoch-1], t.at.Losses[t.at.Epoch-1], true)
		if err := t.ended(&t.at); err != nil {
			return err
		}
	}
	return nil
}

// epoch visits every example once, in an order that belongs to the epoch, but for a rest smaller than a batch.
func (t *trainer) epoch(ctx context.Context) error {
	order := rand.New(rand.NewPCG(uint64(t.seed), streamShuffle<<32|uint64(t.at.Epoch))).Perm(t.train.n)
	f := feedBatches(t.train, t.at.Epoch, order[t.at.Step*t.o.rows:], t.o.rows, t.o.memory())
	defer f.close()
	for t.at.Step < t.perEpoch {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := f.next(t.o.memory()); err != nil {
			return err
		}
		loss, err := t.step()
		if err != nil {
			return err
		}
		t.at.Sum += loss
		t.at.Step++
		t.made++
		t.at.Seconds = t.before + time.Since(t.began).Seconds()
		t.tell(loss, t.at.mean(), false)
		if err := t.keep(t); err != nil {
			return err
		}
	}
	return nil
}

// tell reports where the training is.
func (t *trainer) tell(loss, mean float64, end bool) {
	left := time.Duration(0)
	if t.made > 0 {
		left = time.Since(t.began) / time.Duration(t.made) * time.Duration(t.total()-t.done())
	}
	t.report(Progress{Stage: t.name, Done: t.at.Epoch, Total: t.recipe.Epochs, Step: t.done(), Steps: t.total(), Loss: loss, Mean: mean,
		Rate: t.rate(max(0, t.done()-1)), Validation: t.at.validation(), EpochEnd: end, Left: left})
}

// rate of a step, as a share of the peak.
func (t *trainer) rate(step int) float64 {
	return cosine(1, step, int(t.recipe.WarmUp*float64(t.total())), t.total())
}

func (t *trainer) step() (float64, error) {
	loss, err := t.o.Run()
	if err != nil {
		return 0, err
	}
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return 0, errDiverged(t.done(), loss)
	}
	share := t.rate(t.done())
	t.solver.begin()
	for i, p := range t.o.Learned() {
		peak := t.recipe.Rates[t.n.places[p.Name]]
		t.solver.update(p.Name, t.n.live[p.Name], t.o.Gradient(i), share*peak, len(p.Shape) > 1)
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

// validation is the epoch that validation sees: none, so that nothing is varied.
const validation = -1

// loss is of the held-out examples; there must be some.
func (v *validator) loss() (float64, error) {
	sum := 0.0
	for at := 0; at < v.data.n; at += v.o.rows {
		var indexes []int
		for i := at; i < min(at+v.o.rows, v.data.n); i++ {
			indexes = append(indexes, i)
		}
		if err := v.o.memory().fill(v.data, validation, indexes); err != nil {
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

// errDiverged names the step.
func errDiverged(step int, loss float64) error {
	return fmt.Errorf("%w: loss %g at step %d; lower the learning rate", ErrDiverged, loss, step)
}
