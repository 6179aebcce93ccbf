package serving

import "slices"

// Features copies what the frozen base, without any adapter, made of the pictures that a policy looked at last: a vector
// for each, in the order of the network's pictures. After a bundle without adapters they are there. After one with
// adapters, the layers that it adapts run once more without them, where again allows the time of an inference; without
// it, and before the first look, ok is false.
func (b *Base) Features(again bool) (vectors [][]float32, ok bool, err error) {
	plain, err := b.plainSession()
	if err != nil {
		return nil, false, err
	}
	b.running.Lock()
	defer b.running.Unlock()
	if !b.looked || b.network.part[headPart] == nil {
		return nil, false, nil
	}
	if plain != nil && b.ran != plain {
		if !again {
			return nil, false, nil
		}
		if err := b.runAdapted(plain); err != nil {
			return nil, false, err
		}
	}
	var all []float32 // picture by picture; of each, what its pooling puts side by side
	for _, src := range b.network.part[headPart].from {
		switch src.part {
		case frozenPart:
			all = append(all, b.frozen.Output(src.index)...)
		case adaptedPart:
			all = append(all, plain.Output(src.index)...)
		}
	}
	return slices.Collect(slices.Chunk(all, max(len(all)/b.pictures(), 1))), true, nil
}

// pictures is how many the network looks at.
func (b *Base) pictures() int {
	n := 0
	for _, in := range b.network.whole.Inputs {
		if len(in.Shape) == 3 {
			n++
		}
	}
	return n
}

// plainSession is the adapted part without adapters; nil where there is no such part.
func (b *Base) plainSession() (Session, error) {
	b.adding.Lock()
	defer b.adding.Unlock()
	return b.plain()
}
