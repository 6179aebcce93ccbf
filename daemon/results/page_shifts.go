package results

import "slices"

// shifts tells what each shift costs each row, and how the rows stand against the first.
func (w *writer) shifts(s section) error {
	if !s.shifted() {
		return nil
	}
	w.printf("Under what training never saw, against the same bundles without it, and against the first row on the same episodes:\n\n" +
		"| shift | arm | success | 95 %% | change, points | 95 %% | less the first row | 95 %% |\n|---|---|---|---|---|---|---|---|\n")
	for _, shift := range s.allShifts() {
		for _, r := range s.rows {
			if err := w.shift(s, r, shift); err != nil {
				return err
			}
		}
	}
	w.WriteString("\n")
	return nil
}

// allShifts are those of all rows, each once.
func (s section) allShifts() []string {
	var all []string
	for _, r := range s.rows {
		for _, shift := range r.Experiment.Evaluation.Shifts {
			if !slices.Contains(all, shift) {
				all = append(all, shift)
			}
		}
	}
	return all
}

// shift is one line, where there is a figure.
func (w *writer) shift(s section, r *Standing, shift string) error {
	f, ok := r.Success(shift)
	if !ok {
		return nil
	}
	w.printf("| %s | %s | %s | %s |", shift, r.Label, percent(f.Rate), f.interval())
	for _, other := range []struct {
		row   *Standing
		shift string
	}{{r, r.shift()}, {s.rows[0], shift}} {
		if other.row == r && other.shift == shift {
			w.WriteString(" | |")
			continue
		}
		d, ok, err := r.Less(shift, other.row, other.shift)
		if err != nil {
			return err
		}
		if !ok {
			w.WriteString(" | |")
			continue
		}
		w.printf(" %s | %s |", points(d.Rate), d.interval())
	}
	w.WriteString("\n")
	return nil
}
