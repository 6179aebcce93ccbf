// Package upsample turns chunks of wanted commands, a row per step of a policy, into the wanted command of any moment
// between: interpolated from row to row, and where chunks overlap, their weighted mean.
//
// What belongs here: pure functions of rows and time. What does not: clocks, and limits: what comes out is a wish like
// any other and passes robot/limit. In lock-step nothing is upsampled: there a row is a step.
//
// Interpolation is monotone: between two rows no joint goes beyond either, so that a row at a joint's end is not
// passed on the way. Nothing is extrapolated: the last row of the newest chunk stands until look-ahead ends, and then
// there is no command, which means a hold. So a policy that has died means a known travel.
//
// Temporal ensembling is that of ACT (Zhao et al. 2023, arXiv:2304.13705): of the chunks that have rows for a moment,
// the oldest weighs 1, the next exp(-m), and so on.
package upsample
