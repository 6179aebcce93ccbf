package robot

// FR3 is the Franka Research 3. Limits and torques: frankaemika/docs 1da6bd3, its table of joint limits. The taper:
// libfranka 0.15.0, src/joint_velocity_limits.cpp. Home: the Panda's, as in libfranka's examples.
//
// Traps. Its speed limit depends on position (Limits.Taper), and on joints 5 and 7 it falls faster towards the end
// (17 rad/s²) than the joint can brake (10): a speed inside the limit now can be doomed to pass it. Its joint 6
// cannot be below 0.5445 rad, where a Panda's can, and joint 4 cannot be 0. libfranka's own description of the arm
// (test/fr3.urdf) ends each joint some milliradians later; the narrower table is taken, for the taper too.
func FR3() Model {
	return Model{
		Name: "fr3",
		Joints: []string{
			"fr3_joint1", "fr3_joint2", "fr3_joint3", "fr3_joint4", "fr3_joint5", "fr3_joint6", "fr3_joint7",
		},
		Limits: Limits{
			QMin:    Vector{-2.7437, -1.7837, -2.9007, -3.0421, -2.8065, 0.5445, -3.0159},
			QMax:    Vector{2.7437, 1.7837, 2.9007, -0.1518, 2.8065, 4.5169, 3.0159},
			DQMax:   Vector{2.62, 2.62, 2.62, 2.62, 5.26, 4.18, 5.26},
			DDQMax:  Vector{10, 10, 10, 10, 10, 10, 10},
			DDDQMax: Vector{5000, 5000, 5000, 5000, 5000, 5000, 5000},
			Taper: Taper{
				Offset: Vector{0.30, 0.20, 0.20, 0.30, 0.35, 0.35, 0.35},
				Decel:  Vector{6.0, 2.585, 3.50, 4.00, 17.0, 5.5, 17.0},
			},
		},
		TauMax: Vector{87, 87, 87, 87, 12, 12, 12},
		Home:   Panda().Home,
	}
}
