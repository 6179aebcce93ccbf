// Package train learns a policy from demonstrations, by behaviour cloning: its head on cached features of the
// frozen base, or with adapters inside the base the whole network, end to end from the pictures.
//
// What belongs here: augmentation, the feature cache, labels, the loop and the optimiser. What does not: the
// network's definition (model/adapter), preprocessing that the robot shares (model/preprocess), and arithmetic:
// features (model/engine), losses and their gradients (model/tape). The control loop must not import this
// package: the robot's path stays small.
//
// The base is read and never written to: what is learned inside it are deltas and residual layers of the
// bundle's own, which begin as nothing.
//
// The same data, options and seed give the same bundle, bit for bit, on one machine: every random draw is
// named by what it is for, examples are combined in a fixed order, and every sum is split over a fixed number
// of threads.
package train
