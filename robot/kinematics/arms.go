package kinematics

import "math"

// arms are the chains that the project knows, in the order that messages name them.
func arms() []Chain { return []Chain{Panda(), FR3(), Sawyer(), SawyerMoMa()} }

// ByName gives a chain by its name, with the tool at the flange's origin.
func ByName(name string) (Chain, bool) {
	for _, c := range arms() {
		if c.Name == name {
			return c, true
		}
	}
	return Chain{}, false
}

// Names lists what ByName knows, for messages that refuse another.
func Names() []string {
	var names []string
	for _, c := range arms() {
		names = append(names, c.Name)
	}
	return names
}

// craig is a row of a Denavit-Hartenberg table in Craig's convention: along and about the x of the joint before
// by a and alpha, then along the joint's own z by d.
func craig(a, d, alpha float64) Pose {
	r := aboutX(alpha)
	return Pose{R: r, P: r.apply(Point{a, 0, d})}
}

// Panda is the Franka Emika Panda (FER). Source: frankaemika/docs 1da6bd3, "Denavit–Hartenberg parameters".
//
// Trap: the flange is turned by -45° from the Franka Hand, whose tool centre point is 0.1034 m before it. The
// simulated Panda of Franka-Kitchen counts joints 6 and 7 from other zeros (its bridge converts) and has 1.57
// where the table has pi/2.
func Panda() Chain {
	const quarter = math.Pi / 2
	c := Chain{Name: "panda", Robot: "panda", n: 7, tLastFlange: craig(0, 0.107, 0)}
	for j, row := range [][3]float64{
		{0, 0.333, 0}, {0, 0, -quarter}, {0, 0.316, quarter}, {0.0825, 0, quarter},
		{-0.0825, 0.384, -quarter}, {0, 0, quarter}, {0.088, 0, quarter},
	} {
		c.tBefore[j] = craig(row[0], row[1], row[2])
	}
	return c
}

// FR3 is the Franka Research 3: the Panda's table of lengths, by the same source.
func FR3() Chain {
	c := Panda()
	c.Name, c.Robot = "fr3", "fr3"
	return c
}

// urdf is a joint's <origin> in a URDF: about the fixed axes x, y, z by roll, pitch, yaw.
func urdf(x, y, z, roll, pitch, yaw float64) Pose {
	rz, ry, rx := aboutZ(yaw), aboutY(pitch), aboutX(roll)
	turned := rz.times(&ry)
	return Pose{R: turned.times(&rx), P: Point{x, y, z}}
}

// Sawyer is the Rethink Robotics Sawyer; its flange is the link right_hand. Source: RethinkRobotics/sawyer_robot,
// sawyer_description/urdf/sawyer_base.urdf.xacro (2fe61d9), with its digits: 3.1416 stands for pi there, and
// -0.17453 for the 10° by which joint 6's zero is turned from the forearm's plane.
//
// The Sawyer of Metaworld has these lengths and zeros. robosuite's counts joint 6 from another zero.
func Sawyer() Chain { return sawyer("sawyer", 0.1425, -0.125) }

// SawyerMoMa is the Sawyer of dm_robotics_moma 0.10 (RGB stacking): its MJCF has the offsets along the axes of
// joints 1 and 3 each 1 cm shorter than the URDF that it was made from, on purpose, as its comments say.
func SawyerMoMa() Chain { return sawyer("sawyer_moma", 0.1325, -0.115) }

// sawyer takes what its two models differ in: how far link 2 is along the axis of joint 1, and link 4 off that
// of joint 3, m.
func sawyer(name string, upper, elbow float64) Chain {
	const quarter = 1.57079632679
	c := Chain{Name: name, Robot: "sawyer", n: 7, tLastFlange: urdf(0, 0, 0.0245, 0, 0, 1.570796)}
	for j, origin := range [][6]float64{
		{0, 0, 0.08, 0, 0, 0},
		{0.081, 0.05, 0.237, -quarter, quarter, 0},
		{0, -0.14, upper, quarter, 0, 0},
		{0, -0.042, 0.26, -quarter, 0, 0},
		{0, elbow, -0.1265, quarter, 0, 0},
		{0, 0.031, 0.275, -quarter, 0, 0},
		{0, -0.11, 0.1053, -quarter, -0.17453, 3.1416},
	} {
		c.tBefore[j] = urdf(origin[0], origin[1], origin[2], origin[3], origin[4], origin[5])
	}
	return c
}
