package serving

// runFrozen runs the layers before the first adapter on the base's inputs.
func (b *Base) runFrozen() error {
	b.looked = true
	if b.frozen == nil {
		return nil
	}
	b.fill(b.frozen, b.network.part[frozenPart].from, nil)
	return b.frozen.Run()
}

// runAdapted runs the layers from the first adapter to the features with a bundle's adapters.
func (b *Base) runAdapted(s Session) error {
	if s == nil {
		return nil
	}
	b.ran = s
	b.fill(s, b.network.part[adaptedPart].from, nil)
	return s.Run()
}

// runHead runs the head and gives its answer, which is good until the next run.
func (r *Resident) runHead() ([]float32, error) {
	r.base.fill(r.head, r.from, r.adapted)
	if err := r.head.Run(); err != nil {
		return nil, err
	}
	return r.head.Output(0), nil
}

// fill copies what a session takes from where it is.
func (b *Base) fill(into Session, from []source, adapted Session) {
	for i, src := range from {
		switch src.part {
		case outside:
			copy(into.Input(i), b.inputs[src.index])
		case frozenPart:
			copy(into.Input(i), b.frozen.Output(src.index))
		case adaptedPart:
			copy(into.Input(i), adapted.Output(src.index))
		}
	}
}
