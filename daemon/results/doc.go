// Package results holds the experiments that this project reports: what is to be run, what came of it, and the
// page that says so.
//
// What belongs here: the list of experiments (Plan), the records of finished evaluations, the comparison of arms,
// tables and plots. What does not: how anything is run (package main), the statistics themselves
// (daemon/evaluation), and any figure: each is computed from records.
//
// An experiment is one setting of simulator, task, view, base, demonstrations and episodes; its rows are arms that
// are compared within it, seed by seed.
package results
