// Package model holds what a policy sees, what it answers, and the interface between the two.
//
// What belongs here: values and interfaces that training and the control loop share. What does not: file
// formats (safetensors, bundle), arithmetic (engine, train) and pixels (preprocess).
package model

import "fmt"

// Observation is everything the policy sees at one control step, normalised. Buffers belong to the caller
// and are reused.
type Observation struct {
	// Images holds one (3, H, W) planar RGB picture per camera in the bundle's order; with a history, those of
	// earlier observations come first, oldest foremost.
	Images  [][]float32
	Proprio []float32 // normalised; empty when the bundle asks for none
}

// ActionChunk is what a policy answers: Rows future actions of Dim numbers each, normalised policy units.
type ActionChunk struct {
	Rows, Dim int
	Data      []float32 // (Rows, Dim) row-major
}

// Policy maps an observation to actions. Predict fills out without allocating; it is called from one
// goroutine at a time.
type Policy interface {
	Predict(obs *Observation, out *ActionChunk) error
}

// Description is what really runs.
type Description struct {
	Engine    string // "onnxruntime" or "gorgonia"
	Version   string
	Device    string // "cpu", "cuda" or "tensorrt"
	Precision string // of the frozen weights, "float32" or "int8"; empty means float32
	Threads   int
	Spin      bool   // its threads wait for each other by looking, which keeps their cores from everybody else
	Layout    string // of convolutions that bundles change: "blocked", as the frozen ones, or "plain"; empty where there are none
	Fallback  string // what was decided in the user's place, and why; empty if nothing was
}

// String is one line for logs and reports.
func (d Description) String() string {
	precision := d.Precision
	if precision == "" {
		precision = "float32"
	}
	s := fmt.Sprintf("%s %s on %s, %s, threads %d", d.Engine, d.Version, d.Device, precision, d.Threads)
	if d.Spin {
		s += ", spinning"
	}
	if d.Layout != "" {
		s += ", convolutions with adapters " + d.Layout
	}
	if d.Fallback != "" {
		s += " (" + d.Fallback + ")"
	}
	return s
}
