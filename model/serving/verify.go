package serving

import (
	"fmt"
	"math"
	"math/rand/v2"

	"sim2reald/model"
)

// MaxAnswer bounds an answer, in standard deviations of the demonstrations' actions: what lies beyond was
// demonstrated by nobody.
const MaxAnswer = 100

// Verify asks the bundle about fixed observations, a grey picture and one of noise, before it may be asked
// about real ones. An answer that is not finite or beyond MaxAnswer is ErrAnswer.
func (p *Policy) Verify() error {
	var out model.ActionChunk
	for _, o := range []struct {
		name  string
		noise float64
	}{{"a grey picture", 0}, {"a picture of noise", 1}} {
		if err := p.Predict(p.observation(o.noise), &out); err != nil {
			return fmt.Errorf("asked about %s: %w: %w", o.name, err, ErrAnswer)
		}
		for i, v := range out.Data {
			if math.Abs(float64(v)) > MaxAnswer {
				return fmt.Errorf("asked about %s: row %d, number %d of the actions is %g, at most %d standard deviations are an answer; train the bundle again: %w",
					o.name, i/out.Dim, i%out.Dim, v, MaxAnswer, ErrAnswer)
			}
		}
	}
	return nil
}

// observation is normal noise times scale, the same every time.
func (p *Policy) observation(scale float64) *model.Observation {
	rng := rand.New(rand.NewPCG(1, 0))
	draw := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(scale * rng.NormFloat64())
		}
		return v
	}
	obs := &model.Observation{}
	for _, i := range p.images {
		obs.Images = append(obs.Images, draw(len(p.bundle.base.inputs[i])))
	}
	if p.proprio >= 0 {
		obs.Proprio = draw(len(p.bundle.base.inputs[p.proprio]))
	}
	return obs
}
