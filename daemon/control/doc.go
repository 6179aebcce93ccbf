// Package control decides when the arm moves: the state machine, the control tick, and the time that the
// tick keeps.
//
// What belongs here: decisions, as pure functions of named inputs and time, and the loop that asks them. What
// does not: drivers, file formats, messages, training. How fast a joint may go is robot/limit's.
package control
