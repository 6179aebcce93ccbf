package bundle

import (
	"errors"
	"testing"

	"sim2reald/robot"
)

// robotManifest is a bundle of a whole robot, at a third of its speed.
func robotManifest(r robot.Model) Manifest {
	m := testManifest()
	m.Robot = Robot{Model: r.Name, JointNames: r.Joints, Gripper: Gripper{0, 1}}
	m.Limits = LimitsOf(r.Limits, r.N(), 0.3)
	m.Action.Dimensions = Dimensions(r.Joints)
	return m
}

func robotRig(r robot.Model) *Rig {
	rig := testRig()
	rig.Robot = Robot{Model: r.Name, JointNames: r.Joints, Gripper: Gripper{0, 1}}
	rig.Limits = LimitsOf(r.Limits, r.N(), 1)
	return rig
}

// TestWrongRobot: a bundle of each robot on each other, the Panda on the FR3 for one, and on one that only says that it is
// the same.
func TestWrongRobot(t *testing.T) {
	all := []robot.Model{robot.Panda(), robot.FR3(), robot.Sawyer()}
	for _, trained := range all {
		for _, there := range all {
			m := robotManifest(trained)
			if err := m.Validate(); err != nil {
				t.Fatal(err)
			}
			err := Check(&m, robotRig(there))
			var mismatch *MismatchError
			if same := trained.Name == there.Name; same && err != nil || !same && (!errors.As(err, &mismatch) || mismatch.Key != "robot.model") {
				t.Errorf("%s on %s: %v", trained.Name, there.Name, err)
			}
			if trained.Name == there.Name {
				continue
			}
			liar := robotRig(there)
			liar.Robot.Model = trained.Name
			if err := Check(&m, liar); !errors.As(err, &mismatch) || mismatch.Key != "robot.joint_names" {
				t.Errorf("%s on %s that says it is one: %v", trained.Name, there.Name, err)
			}
		}
	}
}
