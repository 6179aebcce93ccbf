// Package supervisor is what decides whether the arm may move: the modes, the causes that forbid it, and the
// watchdogs that find them. All of it is pure: what is known and what time it is come in as arguments.
//
// What belongs here: decisions, each with its bound in one place. What does not: clocks, messages, pictures'
// pixels (camera), how fast a joint may go (robot/limit), and the loop that asks (daemon/control).
package supervisor
