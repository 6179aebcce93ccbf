// Program faults does to the daemon and its bridge what may happen to them, in real processes, and measures what the arm
// does: the catalogue of faults, each with the figure that is asked for.
//
// What belongs here: the cases, and what they need: processes, a recorder, a proxy that misbehaves, checks that are
// computed from what was recorded. What does not: anything that the daemon itself uses, and tests of one package that
// need no process (they lie beside that package, and a case may run them for their figure).
//
// Most cases run the bridge of this project on an arm that costs nothing to simulate (arm.py), because what is asked
// is what the daemon and the bridge decide, and in what time. The arm logs each of its ticks by CLOCK_MONOTONIC, which
// is one clock for every process of a machine; that log is the truth that a case is judged by.
package main
