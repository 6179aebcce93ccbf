// Package upsample turns chunks of wanted commands, a row per step of a policy, into the wanted command of any moment
// between: interpolated from row to row, and where chunks overlap, their weighted mean.
//
// What belongs here: pure functions of rows and time. What does not: clocks, and limits: what comes out is a wish like
// any other and passes robot/limit, which also refuses what is not finite. In lock-step nothing is upsampled: there a
// row is a step, and chunks overlap in whole ones.
//
// Interpolation is monotone: between two rows no joint goes beyond either, so that a row at a joint's end is not
// passed on the way. Nothing is extrapolated: the last row of the newest chunk stands until look-ahead ends, and then
// there is no command, which means a hold. Older chunks have the same look-ahead of their own. So a policy that has died
// means a known travel of each joint: no more than its speed limit v for the look-ahead, and then its stop, v²/2a and
// what jerk adds. The daemon's look-ahead is ages.action_ms, counted from the picture that a chunk was made from.
//
// Temporal ensembling is that of ACT (Zhao et al. 2023, arXiv:2304.13705): of the chunks that have rows for a moment,
// the oldest weighs 1, the next exp(-m), and so on. What one of them wants that is not finite is not averaged away.
package upsample
