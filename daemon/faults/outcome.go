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
	void     bool   // for lack of a processor; to be done again
	unsafe   bool   // whatever the machine did
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
	return outcome{Measured: fmt.Sprintf(format, args...), Verdict: verdict}
}

// broken is a case whose figure could not be measured, or one that found what must never be.
func broken(err error) outcome {
	return outcome{Measured: err.Error(), Verdict: failed, void: starved(err) && !isUnsafe(err), unsafe: isUnsafe(err)}
}

// voided is a case that says something about the machine alone, and is to be done again.
func voided(format string, args ...any) outcome {
	o := measured(false, "void: "+format, args...)
	o.void = true
	return o
}

// needs is a case that cannot run here, and for lack of what.
func needs(format string, args ...any) outcome {
	return outcome{Measured: "needs " + fmt.Sprintf(format, args...), Verdict: skipped}
}
