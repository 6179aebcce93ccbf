package robot

// Sawyer is the Rethink Robotics Sawyer. Positions and velocities: sawyer_robot d1ef3d0,
// sawyer_description/urdf/sawyer_base.urdf.xacro. Accelerations: sawyer_simulator 156bf12,
// sawyer_gazebo/config/acceleration_limits.yaml, what MoveIt's "Express" drives it with. Torques: the same
// description. Home: the neutral pose of intera_sdk 6614dec.
//
// Its maker gives no jerk. Instead each joint has 500/s times its acceleration, the ratio of every joint of both
// Frankas: full acceleration is reached in 2 ms, which the arm's own controller, told at 100 Hz, never sees.
//
// Traps. Gazebo's description ends joint 6 at ±3.14, which leaves out the arm's own neutral pose, 3.3161; the
// arm itself, and this table, go to ±4.7124. Its joint_states also hold head_pan and torso_t0, so that joints
// counted by place are each one off. In its position mode silence does not stop the arm: it goes on to its last
// target. robosuite starts joint 6 at -1.57.
func Sawyer() Model {
	return Model{
		Name: "sawyer",
		Joints: []string{
			"right_j0", "right_j1", "right_j2", "right_j3", "right_j4", "right_j5", "right_j6",
		},
		Limits: Limits{
			QMin:    Vector{-3.0503, -3.8095, -3.0426, -3.0439, -2.9761, -2.9761, -4.7124},
			QMax:    Vector{3.0503, 2.2736, 3.0426, 3.0439, 2.9761, 2.9761, 4.7124},
			DQMax:   Vector{1.74, 1.328, 1.957, 1.957, 3.485, 3.485, 4.545},
			DDQMax:  Vector{10, 8, 10, 10, 12, 12, 12},
			DDDQMax: Vector{5000, 4000, 5000, 5000, 6000, 6000, 6000},
		},
		TauMax: Vector{80, 80, 40, 40, 9, 9, 9},
		Home:   Vector{0, -1.18, 0, 2.18, 0, 0.57, 3.3161},
	}
}
