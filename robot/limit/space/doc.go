// Package space is the part of the limiter that knows where the arm is: it keeps every link inside a box around the
// robot, of which a table is one side, and the links out of each other.
//
// What belongs here: pure functions of joint positions, of the links' shapes, and of what package limit let out. What
// does not: clocks, I/O, configuration, planning a way around anything, and other things in the room. It imports packages
// robot, robot/limit and robot/kinematics, so that a safety review is this folder, robot/limit and the forward part of
// robot/kinematics.
//
// Links are capsules: segments with a radius, which hold the links' meshes (see arms.go, and the tests, for the source and
// by how much they are larger). A clearance is the distance of a capsule's surface to a side of the box, or of two
// capsules' surfaces less the margin; all must stay at zero or above.
//
// What holds for an arm that does as it is told. A command is let out only if no clearance falls below zero
//
//   - during its period, whatever ramp the bridge makes of it;
//   - if nothing comes after it: while the bridge goes on with it, for as long as it does (Config.Blind), and then stops
//     each joint by itself, as fast as its limits allow;
//   - if it is followed by a stop, of each joint by itself or of all in one direction, at any time until then.
//
// Why, by induction: Apply gives the command nearest to the wish on the way from the stop in the direction of the
// motion to the wish; of the stop the same was shown one period ago, since its way lies within the one shown then. The
// way is a line in joint space with a tolerance around it, per joint, that holds every order in which joints can brake
// (way.go says how wide). Clearances are not sampled along it: from each point that is looked at they are known to be
// above zero for a bit of the way, by velocity and a bound on curvature, and the next point that is looked at is at the
// end of that.
//
// An arm that was pushed outside may move along and back, and no deeper.
package space
