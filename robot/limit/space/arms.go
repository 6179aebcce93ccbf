package space

import (
	"slices"

	"sim2reald/robot/kinematics"
)

// ByName gives the shape of a robot of package robot, with the hand that is usual on it.
func ByName(robot string) (Shape, bool) {
	switch robot {
	case "panda", "fr3":
		return Franka(), true
	case "sawyer":
		return Sawyer(), true
	}
	return Shape{}, false
}

// Franka is the Panda and the FR3, with a Franka Hand. Source: fitted around the collision and visual meshes of the Panda
// in gymnasium-robotics 1.4.2 (franka_assets), which are Franka's own, by testdata/generate.py; the tests hold them against
// those meshes. Flange and forearm are never far apart: with joint 7 at 0, as in DROID's pose, the hand has 36 mm to the
// forearm by the meshes, and 19 by the capsules. Meshes of the FR3 were not at hand: Franka's description of its arms (franka_description 032e7ee,
// robots/common/franka_arm.xacro) has the same collision capsules for both. The fingers are those of a Franka Hand, whose
// tips are 0.112 m from the flange (its tool centre point is at 0.1034); other hands need WithTool.
func Franka() Shape {
	return Shape{
		Capsules: []Capsule{
			{"link0", 0, kinematics.Point{-0.109, -0.030, 0.042}, kinematics.Point{-0.109, 0.031, 0.042}, 0.065},
			{"link0", 0, kinematics.Point{0, -0.022, 0.061}, kinematics.Point{0, 0.018, 0.061}, 0.098},
			{"link1", 1, kinematics.Point{0.005, -0.003, -0.145}, kinematics.Point{-0.002, -0.053, 0}, 0.079},
			{"link2", 2, kinematics.Point{0, -0.140, 0}, kinematics.Point{-0.001, 0, 0.053}, 0.079},
			{"link3", 3, kinematics.Point{-0.010, -0.002, -0.094}, kinematics.Point{0.083, 0.043, 0.001}, 0.071},
			{"link4", 4, kinematics.Point{-0.083, 0.083, 0}, kinematics.Point{0.003, -0.003, 0.044}, 0.071},
			{"link5", 5, kinematics.Point{0, 0, -0.239}, kinematics.Point{-0.001, 0.083, -0.103}, 0.061},
			{"link5", 5, kinematics.Point{0.005, 0.092, -0.009}, kinematics.Point{0, 0.055, 0}, 0.064},
			{"link6", 6, kinematics.Point{0.010, 0.002, 0.006}, kinematics.Point{0.089, -0.010, 0}, 0.063},
			{"link6", 6, kinematics.Point{0.002, 0.037, 0.012}, kinematics.Point{0.090, 0.050, 0}, 0.046},
			{"link7", 7, kinematics.Point{0.032, 0.035, 0.083}, kinematics.Point{-0.005, -0.005, 0.074}, 0.051},
			{hand, 7, kinematics.Point{-0.050, -0.050, 0.130}, kinematics.Point{0.050, 0.050, 0.130}, 0.052},
			{hand, 7, kinematics.Point{-0.035, -0.035, 0.188}, kinematics.Point{0.035, 0.035, 0.188}, 0.042},
		},
		Apart: [][2]string{
			{"link0", "link5"}, {"link0", "link6"}, {"link0", "link7"}, {"link0", hand},
			{"link1", "link5"}, {"link1", "link6"}, {"link1", "link7"}, {"link1", hand},
			{"link2", "link5"}, {"link2", "link6"}, {"link2", "link7"}, {"link2", hand},
			{"link5", hand},
		},
	}
}

// hand is the link that WithTool replaces.
const hand = "hand"

// WithTool is the shape with another hand: all within radius m of the flange's axis, from there to length m.
func (s Shape) WithTool(tFlange kinematics.Pose, joints int, length, radius float64) Shape {
	s.Capsules = slices.DeleteFunc(slices.Clone(s.Capsules), func(c Capsule) bool { return c.Link == hand })
	top := max(length-radius, 0)
	s.Capsules = append(s.Capsules, Capsule{hand, joints, tFlange.P, tFlange.Apply(kinematics.Point{0, 0, top}), radius})
	return s
}

// Sawyer is the Rethink Robotics Sawyer with its head and a hand up to 0.2 m long and 0.15 m wide: an electric gripper of
// Rethink's, or a Robotiq 2F-85 with its force sensor. Source: fitted around the meshes of Metaworld 3.1.1 (xyz_base), which
// are Rethink's own, by testdata/generate.py; the test holds them against those meshes.
func Sawyer() Shape {
	return Shape{
		Capsules: []Capsule{
			{"base", 0, kinematics.Point{0, 0, 0.010}, kinematics.Point{0, 0, 0.030}, 0.108},
			{"l0", 1, kinematics.Point{-0.001, -0.001, 0.050}, kinematics.Point{0.039, -0.001, 0.183}, 0.090},
			{"l0", 1, kinematics.Point{0.086, 0.006, 0.237}, kinematics.Point{0.007, 0.008, 0.246}, 0.085},
			{"head", 1, kinematics.Point{0, -0.110, 0.339}, kinematics.Point{0, 0.105, 0.330}, 0.055},
			{"head", 1, kinematics.Point{0.004, 0.094, 0.475}, kinematics.Point{0.002, -0.093, 0.456}, 0.082},
			{"l1", 2, kinematics.Point{0, 0.008, 0.038}, kinematics.Point{0.001, -0.001, 0.029}, 0.078},
			{"l1", 2, kinematics.Point{0.008, 0.002, 0.115}, kinematics.Point{-0.013, -0.098, 0.139}, 0.083},
			{"l2", 3, kinematics.Point{0.001, -0.005, 0.012}, kinematics.Point{0, -0.012, 0.266}, 0.061},
			{"l3", 4, kinematics.Point{-0.001, 0.013, -0.115}, kinematics.Point{0, -0.095, -0.127}, 0.060},
			{"l3", 4, kinematics.Point{0, 0.003, -0.041}, kinematics.Point{0.002, -0.021, -0.048}, 0.069},
			{"l4", 5, kinematics.Point{-0.002, 0.001, 0.033}, kinematics.Point{0.001, 0.006, 0.275}, 0.057},
			{"l5", 6, kinematics.Point{0, -0.002, 0.065}, kinematics.Point{-0.001, -0.020, 0.104}, 0.073},
			{"l6", 7, kinematics.Point{0, 0.024, -0.001}, kinematics.Point{0, 0.001, -0.003}, 0.051},
			{hand, 7, kinematics.Point{0, 0, 0.070}, kinematics.Point{0, 0, 0.150}, 0.075},
		},
		Apart: [][2]string{
			{"base", "l3"}, {"base", "l4"}, {"base", "l5"}, {"base", "l6"}, {"base", hand},
			{"l0", "l3"}, {"l0", "l4"}, {"l0", "l5"}, {"l0", "l6"}, {"l0", hand},
			{"head", "l3"}, {"head", "l4"}, {"head", "l5"}, {"head", "l6"}, {"head", hand},
			{"l1", "l4"}, {"l1", "l5"}, {"l1", "l6"}, {"l1", hand},
			{"l2", "l6"}, {"l2", hand}, {"l3", hand},
		},
	}
}
