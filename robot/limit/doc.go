// Package limit decides which command may go out. It is the last thing between a policy and an arm.
//
// What belongs here: pure functions of (wanted, sent before, measured, dt, limits). What does not: clocks, I/O,
// logging, configuration. It imports only package robot, so that a safety review is this folder.
//
// The verdicts differ: a clamp changes a magnitude (too fast, too near a joint's end), a rate limit changes its
// derivative (too sudden), a jerk limit the derivative's derivative; a refusal sends nothing but a hold.
//
// What holds for an arm that does as it is told, joint by joint, for every command that Apply lets out:
//
//   - position stays within [QMin, QMax], speed within DQMax and the taper at the period's end, acceleration
//     (DQ - DQ before)/dt within DDQMax, jerk (acceleration - acceleration before)/dt within DDDQMax;
//   - from there the stop (towardsRest), a fixed function of velocity and acceleration, comes to rest within all
//     of these, and without more jerk or acceleration than they allow.
//
// Why, by induction: a joint at rest within its range has both. An acceleration is let out only after the stop that
// would follow it was gone through to its end (joint.allows). If none is admissible but the stop's own next one,
// that is taken, and it is admissible: what follows it is the rest of the very stop that was gone through one
// period ago. The stop is gone through in the arithmetic that the arm is driven by, period by period, and not in
// continuous time, where a braking distance is another; only full braking is summed up in one stride.
//
// Where no jerk is known, or the period is so long that jerk allows any change of acceleration (from 4 ms on for the
// three robots' tables), and without taper, the same is had in closed form: see window. An arm that does not do as
// it is told, with a joint where no stop keeps it inside, is braked as hard as it may be and no harder; a joint
// outside its range may only come back, and slowly.
package limit
