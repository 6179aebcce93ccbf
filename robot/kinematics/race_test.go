//go:build race

package kinematics

const raceEnabled = true
