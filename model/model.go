// Package model holds what a policy sees, what it answers, and the interface between the two.
//
// What belongs here: values and interfaces that training and the control loop share. What does not: file
// formats (safetensors, bundle), arithmetic (engine, train) and pixels (preprocess).
package model

// Observation is everything the policy sees at one control step, normalised. Buffers belong to the caller
// and are reused.
type Observation struct {
	Images  [][]float32 // one (3, H, W) planar RGB picture per camera, in the bundle's order
	Proprio []float32   // normalised; empty when the bundle asks for none
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
