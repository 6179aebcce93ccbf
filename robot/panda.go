package robot

// Panda is the Franka Emika Panda (FER). Source: frankaemika/docs, control-parameters-joint-panda.csv.
// Trap: joint 4 cannot be 0, so that a vector of zeros is not a pose of this robot.
func Panda() Model {
	return Model{
		Name: "panda",
		Joints: []string{
			"panda_joint1", "panda_joint2", "panda_joint3", "panda_joint4",
			"panda_joint5", "panda_joint6", "panda_joint7",
		},
		Limits: Limits{
			QMin:   Vector{-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973},
			QMax:   Vector{2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973},
			DQMax:  Vector{2.1750, 2.1750, 2.1750, 2.1750, 2.6100, 2.6100, 2.6100},
			DDQMax: Vector{15, 7.5, 10, 12.5, 15, 20, 20},
		},
	}
}
