// Package tape is the Gorgonia engine: it lowers a graph.Graph to a Gorgonia tape, for inference and for
// training.
//
// What belongs here: the ops, forward and backward, as kernels in C over OpenBLAS, the lowering, and the
// gradients of a loss by what a bundle trains. What does not: the network (model/graph, model/backbone), files,
// data and the optimiser (model/train), and the robot's faster engine (model/engine).
//
// Gorgonia's own ops are not used: its convolution, softmax and broadcasting transpose, copy and allocate at
// every run. An op here writes to memory that is its own for the run, which is why a tape runs on one goroutine
// at a time. Within an op the work is shared out over a fixed number of threads by rules that do not depend on
// timing: the same input gives the same bits, for the same number of threads.
//
// Maps lie pixel by pixel inside (height, width, channels), so that a convolution is a matrix product and every
// other layer works on rows; inputs and outputs lie as graph says, channel by channel.
package tape
