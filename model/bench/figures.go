package main

// inferenceFigures are those with a target, of the contenders that take part.
func inferenceFigures(b *bout, rows []row, s subject) []figure {
	var out []figure
	for _, f := range []struct {
		what, a, by string
		atMost      float64
	}{
		{"engine / ONNX Runtime from Python", nameEngine, namePython, targetPython},
		{"engine, spinning / ONNX Runtime from Python, which spins", nameSpinning, namePython, targetPython},
		{"engine / PyTorch eager", nameEngine, nameEager, targetEager},
		{"engine / torch.compile", nameEngine, nameCompile, 0},
		{"tape / engine", nameTape, nameEngine, s.tape},
		{"policy with all adapters / engine, frozen", nameServed, nameEngine, targetAdapters},
		{"policy with middle adapters of width 16 / engine, frozen", nameNarrow, nameEngine, targetAdapters},
		{"engine with all adapters / frozen", nameEngineAdapted, nameEngine, targetAdapters},
		{"tape with all adapters / frozen", nameTapeAdapted, nameTape, targetAdapters},
		{"engine, base in int8 / float32", nameInt8, nameEngine, 0},
	} {
		if b.find(f.a) != nil && b.find(f.by) != nil {
			out = append(out, b.compare(rows, b.title+": "+f.what, f.a, f.by, f.atMost))
		}
	}
	return out
}

// garbageRuns is enough to tell one allocation a run from one now and then.
const garbageRuns = 10

// garbageFigures are what one inference of ours leaves on Go's heap.
func garbageFigures(b *bout) []figure {
	var out []figure
	for _, name := range []string{nameServed, nameNarrow, nameEngineAdapted, nameTapeAdapted} {
		e := b.find(name)
		if e == nil {
			continue
		}
		allocations := figure{What: b.title + ": " + e.label + ": allocations an inference", AtMost: asNumber(0)}
		bytes := figure{What: b.title + ": " + e.label + ": garbage an inference", Unit: "B"}
		if c, ok := e.c.(repeated); ok {
			var err error
			if allocations.Value, bytes.Value, err = garbage(c, garbageRuns); err != nil {
				allocations.Absent, bytes.Absent = oneLine(err.Error()), oneLine(err.Error())
			}
		} else {
			allocations.Absent, bytes.Absent = e.absent, e.absent
		}
		out = append(out, allocations, bytes)
	}
	return out
}
