package serving

import (
	"errors"
	"fmt"
	"slices"

	"sim2reald/model/graph"
	"sim2reald/model/safetensors"
)

// Resident is one bundle in memory, ready to answer.
type Resident struct {
	base    *Base
	network *network
	adapted Session // nil where the base has no places for adapters
	own     bool    // adapted is this bundle's, not all bundles' without adapters
	head    Session
	from    []source // of each input of the head, in the base's parts
	inputs  []int    // the base's input for each of the network's
	size    int
}

// Add makes a bundle resident, while others may run: g is its own network, params are its parameters, which must then stay as they
// are. What does not fit the base is ErrNetwork, with what to do about it.
func (b *Base) Add(g *graph.Graph, params map[string]safetensors.Tensor) (*Resident, error) {
	b.adding.Lock()
	defer b.adding.Unlock()
	r := &Resident{base: b, network: cut(g, false)}
	if err := r.open(params); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *Resident) open(params map[string]safetensors.Tensor) error {
	for _, check := range []func() error{r.matchInputs, r.matchBackbone, r.matchHead} {
		if err := check(); err != nil {
			return err
		}
	}
	if err := r.openAdapted(params); err != nil {
		return err
	}
	head, err := r.base.head(r.network.part[headPart].Graph)
	if err != nil {
		return err
	}
	if r.head, err = head.Session(params); err != nil {
		return err
	}
	for _, p := range r.network.whole.Swapped() {
		r.size += len(params[p.Name].Data)
	}
	return nil
}

// matchInputs finds each of the network's inputs among the base's.
func (r *Resident) matchInputs() error {
	for _, n := range r.network.whole.Inputs {
		at := slices.IndexFunc(r.base.network.whole.Inputs, func(m *graph.Node) bool {
			return m.Name == n.Name && slices.Equal(m.Shape, n.Shape)
		})
		if at < 0 {
			return mismatch("the bundle wants the input %q of shape %v, the resident network has %s; run the bundles that want it by themselves",
				n.Name, n.Shape, inputsOf(r.base.network.whole))
		}
		r.inputs = append(r.inputs, at)
	}
	for i, n := range r.base.network.whole.Inputs {
		if len(n.Shape) == 3 && !slices.Contains(r.inputs, i) {
			return mismatch("the bundle does not look at %q, which the resident network needs; run it by itself", n.Name)
		}
	}
	return nil
}

func inputsOf(g *graph.Graph) string {
	text := ""
	for i, n := range g.Inputs {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%q %v", n.Name, n.Shape)
	}
	return text
}

// matchBackbone wants the frozen parameters of the base, all of them, and a place for every adapter.
func (r *Resident) matchBackbone() error {
	have, want := backboneParams(r.base.network), backboneParams(r.network)
	for name, p := range want {
		q := have[name]
		switch {
		case q == nil && p.Swapped():
			return mismatch("the bundle has the adapter %q, and the resident network no place for it; name the bundle in policy.resident and start again", name)
		case q == nil || q.Swapped() != p.Swapped() || !fits(p.Shape, q.Shape) || !p.Swapped() && !slices.Equal(p.Shape, q.Shape):
			return mismatch("the bundle wants %q of shape %v, which is not what is resident; name the bundle in policy.resident and start again", name, p.Shape)
		}
	}
	for name, q := range have {
		if !q.Swapped() && want[name] == nil {
			return mismatch("the bundle does not use %q of the resident network: it is for another architecture", name)
		}
	}
	return nil
}

// backboneParams are the parameters of the first two parts by name.
func backboneParams(n *network) map[string]*graph.Param {
	out := map[string]*graph.Param{}
	for p := range headPart {
		if n.part[p] == nil {
			continue
		}
		for _, param := range n.part[p].Params {
			out[param.Name] = param
		}
	}
	return out
}

// fits says whether a tensor of shape a can be widened to shape b.
func fits(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] > b[i] {
			return false
		}
	}
	return true
}

// matchHead finds what the head takes among what the base's parts give.
func (r *Resident) matchHead() error {
	if r.network.part[headPart] == nil || len(r.network.part[headPart].Outputs) != 1 {
		return mismatch("the network has no head with one output")
	}
	for i, n := range r.network.part[headPart].Inputs {
		src, ok := r.find(n)
		if from := r.network.part[headPart].from[i]; from.part == outside {
			src, ok = source{outside, r.inputs[from.index]}, true
		}
		if !ok {
			return mismatch("the head takes %q of shape %v, which the resident network does not give", n.Name, n.Shape)
		}
		r.from = append(r.from, src)
	}
	return nil
}

func (r *Resident) find(n *graph.Node) (source, bool) {
	for p := range headPart {
		if r.base.network.part[p] == nil {
			continue
		}
		for i, out := range r.base.network.part[p].Outputs {
			if out.Name == n.Name && slices.Equal(out.Shape, n.Shape) {
				return source{p, i}, true
			}
		}
	}
	return source{}, false
}

// openAdapted gives the bundle its adapters, or what all bundles without any share.
func (r *Resident) openAdapted(params map[string]safetensors.Tensor) (err error) {
	b := r.base
	if b.model[adaptedPart] == nil {
		return nil
	}
	all := map[string]safetensors.Tensor{}
	for _, p := range b.network.part[adaptedPart].Swapped() {
		t, ok := params[p.Name]
		if !ok {
			all[p.Name] = b.zeros[p.Name]
			continue
		}
		r.own = true
		if all[p.Name], err = widened(p, t); err != nil {
			return err
		}
	}
	if !r.own {
		r.adapted, err = b.plain()
		return err
	}
	r.adapted, err = b.model[adaptedPart].Session(all)
	return err
}

// Bytes is what the bundle's own parameters take.
func (r *Resident) Bytes() int { return r.size }

// Close frees what is the bundle's own. It must not be asked any more.
func (r *Resident) Close() error {
	r.base.adding.Lock()
	defer r.base.adding.Unlock()
	return r.close()
}

func (r *Resident) close() error {
	var errs []error
	if r.own && r.adapted != nil {
		errs = append(errs, r.adapted.Close())
	}
	if r.head != nil {
		errs = append(errs, r.head.Close())
	}
	return errors.Join(errs...)
}
