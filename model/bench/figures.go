package main

// inferenceFigures are those with a target.
func inferenceFigures(b *bout, rows []row, s subject) []figure {
	of := func(text string) string { return b.title + ": " + text }
	return []figure{
		b.compare(rows, of("engine / ONNX Runtime from Python"), nameEngine, namePython, targetPython),
		b.compare(rows, of("engine / PyTorch eager"), nameEngine, nameEager, targetEager),
		b.compare(rows, of("engine / torch.compile"), nameEngine, nameCompile, 0),
		b.compare(rows, of("tape / engine"), nameTape, nameEngine, s.tape),
		b.compare(rows, of("policy with all adapters / engine, frozen"), nameServed, nameEngine, targetAdapters),
		b.compare(rows, of("engine with all adapters / frozen"), nameEngineAdapted, nameEngine, targetAdapters),
		b.compare(rows, of("tape with all adapters / frozen"), nameTapeAdapted, nameTape, 0),
		b.compare(rows, of("engine, base in int8 / float32"), nameInt8, nameEngine, 0),
	}
}

// garbageRuns is enough to tell one allocation a run from one now and then.
const garbageRuns = 10

// garbageFigures are what one inference of ours leaves on Go's heap.
func garbageFigures(b *bout) []figure {
	var out []figure
	for _, name := range []string{nameServed, nameEngineAdapted, nameTapeAdapted} {
		e := b.find(name)
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
