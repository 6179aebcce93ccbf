package train

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"sim2reald/model"
	"sim2reald/model/adapter"
	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
	"sim2reald/model/tape"
)

// prefixShare is the part of the base's parameters that must come before the first adapter for what they give to
// be worth keeping.
const prefixShare = 0.125

// prefix is the frozen layers before the first adapter as a Source: what they give for one observation, the
// tensors of one camera after the other.
type prefix struct {
	graph  *graph.Graph
	values map[string]safetensors.Tensor
	sizes  []int // of each output
	length int
	says   string
}

// cutAt splits the network where training begins to change it. prefix is nil where too little comes before, and
// rest is then the whole.
func cutAt(net adapter.Network, whole *graph.Graph, values map[string]safetensors.Tensor) (*prefix, *graph.Graph, error) {
	one := net
	one.History, one.Proprio = 1, 0
	one.Head.In = one.FeatureLen()
	g, err := one.Graph()
	if err != nil {
		return nil, nil, err
	}
	early, _ := g.Split()
	if early == nil || float64(early.Count(graph.Frozen)) < prefixShare*float64(g.Count(graph.Frozen)) {
		return nil, whole, nil
	}
	p := &prefix{graph: early, values: values}
	text := ""
	for _, n := range early.Nodes {
		text += fmt.Sprintf("%q %d %v %v\n", n.Name, n.Op, n.Attr, n.Shape)
	}
	for _, n := range early.Outputs {
		p.sizes = append(p.sizes, elements(n))
		p.length += elements(n)
		text += n.Name + "\n"
	}
	sum := sha256.Sum256([]byte(text))
	p.says = "gorgonia 1, layers " + hex.EncodeToString(sum[:8])
	_, rest := whole.Split()
	return p, rest, nil
}

func elements(n *graph.Node) int {
	size := 1
	for _, d := range n.Shape {
		size *= d
	}
	return size
}

// Identity is the layers.
func (p *prefix) Identity() string { return p.says }

// Len is the numbers of one observation.
func (p *prefix) Len() int { return p.length }

// Extractor loads the layers for one worker.
func (p *prefix) Extractor() (Extractor, error) {
	const batch = 8
	m, err := tape.Load(p.graph, p.values, tape.Options{Threads: 1, Batch: batch})
	if err != nil {
		return nil, err
	}
	s, err := m.Session(nil)
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return &prefixExtractor{p, m, s, batch}, nil
}

type prefixExtractor struct {
	*prefix
	model   *tape.Model
	session *tape.Session
	batch   int
}

func (x *prefixExtractor) Batch() int   { return x.batch }
func (x *prefixExtractor) Close() error { return errors.Join(x.session.Close(), x.model.Close()) }

// Extract leaves old pictures in the rows beyond obs: each row is computed by itself.
func (x *prefixExtractor) Extract(obs []*model.Observation, out []float32) error {
	for r, o := range obs {
		for c, picture := range o.Images {
			copy(x.session.Input(c)[r*len(picture):(r+1)*len(picture)], picture)
		}
	}
	if err := x.session.Run(); err != nil {
		return err
	}
	for r := range obs {
		at := r * x.length
		for i, size := range x.sizes {
			copy(out[at:at+size], x.session.Output(i)[r*size:])
			at += size
		}
	}
	return nil
}

// activations show what the prefix gave instead of pictures.
type activations struct {
	values  [][]float32 // per episode (steps, views, length)
	sizes   []int
	length  int
	views   int
	history int
	joints  int
}

// of is examples.show for the layers behind the prefix.
func (a *activations) of(ex *examples) func(epoch, i, r int, input [][]float32) error {
	return func(_, i, r int, input [][]float32) error {
		of, next := ex.of[i], 0
		for back := a.history - 1; back >= 0; back-- {
			at := (max(of.step-back, 0)*a.views + of.view) * a.length
			for _, size := range a.sizes {
				copy(input[next][r*size:(r+1)*size], a.values[of.episode][at:])
				next, at = next+1, at+size
			}
		}
		ex.showPositions(i, r, a.joints, input[next:])
		return nil
	}
}

// afford says whether what the prefix gives for so many frames can be held.
func (p *prefix) afford(frames int, o *Options) error {
	need := int64(frames) * int64(1+o.Augment.Views) * int64(p.length) * 4
	if need <= o.CacheBytes {
		return nil
	}
	return fmt.Errorf("%w: what comes before the first adapter takes %.1f GiB for %d frames in %d views, and %.1f GiB are allowed; raise -cache-gib, lower -views, or say -cache-gib 0 to compute it at each step",
		ErrOptions, float64(need)/(1<<30), frames, 1+o.Augment.Views, float64(o.CacheBytes)/(1<<30))
}
