package results

import (
	"fmt"
	"math"
)

// Close is how far below full fine-tuning an arm may lie, and be called as good: the project's own target.
const Close = -0.10

// percent is a rate as a person reads it.
func percent(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) }

// points is a difference of rates.
func points(v float64) string {
	n := math.Round(100 * v)
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("%+.0f", n)
}

// count is a number of things, of one as one says it.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func (f Figure) interval() string { return fmt.Sprintf("%.0f to %.0f", 100*f.Low, 100*f.High) }

func (d Difference) interval() string { return points(d.Low) + " to " + points(d.High) }

// againstFull says in words what a difference to full fine-tuning shows.
func (d Difference) againstFull() string {
	switch {
	case d.Low > 0:
		return "better than full fine-tuning"
	case d.Low > Close:
		return "as good as full fine-tuning, within ten points"
	case d.High < Close:
		return "more than ten points below full fine-tuning"
	case d.High < 0:
		return "below full fine-tuning; whether by ten points is open"
	}
	return "not shown to be within ten points of full fine-tuning"
}

// againstTop says in words what a difference to the trained head on the frozen base shows.
func (d Difference) againstTop() string {
	switch {
	case d.Low > 0:
		return "helps over the head alone"
	case d.High < 0:
		return "does harm against the head alone"
	}
	return "is not shown to help over the head alone"
}

// sentence is what an experiment shows of one arm, against those that it has records of.
func sentence(of string, full, top *Difference) string {
	switch {
	case full != nil && top != nil:
		return fmt.Sprintf("**%s** %s (%s points, %s) and is %s (%s points, %s).",
			of, top.againstTop(), points(top.Rate), top.interval(), full.againstFull(), points(full.Rate), full.interval())
	case top != nil:
		return fmt.Sprintf("**%s** %s (%s points, %s).", of, top.againstTop(), points(top.Rate), top.interval())
	case full != nil:
		return fmt.Sprintf("**%s** is %s (%s points, %s).", of, full.againstFull(), points(full.Rate), full.interval())
	}
	return ""
}
