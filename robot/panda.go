package robot

import "math"

// Panda is the Franka Emika Panda (FER). Limits and torques: frankaemika/docs 1da6bd3,
// source/control-parameters-joint-panda.csv. Home: the start of libfranka's examples.
//
// Traps. Joint 4 cannot be 0, so that a vector of zeros is not a pose of this robot. DROID's rest pose has joint 7
// at 0 where this one has pi/4: mixed, camera and gripper are turned by 45 degrees. libfranka holds itself to less
// than the table: 0.001 rad/s, and three lost packets' worth of acceleration, below each speed.
func Panda() Model {
	return Model{
		Name: "panda",
		Joints: []string{
			"panda_joint1", "panda_joint2", "panda_joint3", "panda_joint4",
			"panda_joint5", "panda_joint6", "panda_joint7",
		},
		Limits: Limits{
			QMin:    Vector{-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973},
			QMax:    Vector{2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973},
			DQMax:   Vector{2.1750, 2.1750, 2.1750, 2.1750, 2.6100, 2.6100, 2.6100},
			DDQMax:  Vector{15, 7.5, 10, 12.5, 15, 20, 20},
			DDDQMax: Vector{7500, 3750, 5000, 6250, 7500, 10000, 10000},
		},
		TauMax: Vector{87, 87, 87, 87, 12, 12, 12},
		Home:   Vector{0, -math.Pi / 4, 0, -3 * math.Pi / 4, 0, math.Pi / 2, math.Pi / 4},
	}
}
