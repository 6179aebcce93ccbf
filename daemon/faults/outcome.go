package main

import "fmt"

// faultCase is one row of the catalogue.
type faultCase struct {
	id    string // number in the catalogue, with a letter where one number is more than one case
	name  string
	kind  string // P: real processes; U: this process, or a test of the package concerned
	asked string // the figure
	run   runner
}

// outcome is what came of a case.
type outcome struct {
	Measured string `json:"measured"`
	Verdict  string `json:"verdict"`
}

const (
	passed  = "passed"
	failed  = "failed"
	skipped = "skipped"
)

// measured is a verdict with its figure.
func measured(ok bool, format string, args ...any) outcome {
	verdict := failed
	if ok {
		verdict = passed
	}
	return outcome{fmt.Sprintf(format, args...), verdict}
}

// broken is a case whose figure could not be measured, or one that found what must never be.
func broken(err error) outcome { return outcome{err.Error(), failed} }

// needs is a case that cannot run here, and for lack of what.
func needs(format string, args ...any) outcome {
	return outcome{"needs " + fmt.Sprintf(format, args...), skipped}
}
