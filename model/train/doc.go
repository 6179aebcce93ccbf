// Package train learns a policy's head from demonstrations, by behaviour cloning on features of the frozen
// base.
//
// What belongs here: augmentation, the feature cache, labels, the lowering of a head's graph to Gorgonia, and
// the optimiser. What does not: the head's definition (model/adapter), preprocessing that the robot shares
// (model/preprocess), and the features' arithmetic (model/engine). The control loop must not import this
// package: the robot's path stays small.
//
// The same data, options and seed give the same bundle, bit for bit, on one machine: every random draw is
// named by what it is for, examples are combined in a fixed order, and BLAS runs with a fixed number of
// threads.
package train
