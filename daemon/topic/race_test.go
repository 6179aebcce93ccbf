//go:build race

package topic

// raceEnabled: the race detector makes everything slower, so that times mean nothing.
const raceEnabled = true
