// Package kinematics is the geometry of the arms that the project knows: where the tool is (forward), how it
// moves with the joints (the Jacobian), and which joint velocities or positions bring about a wanted motion or
// pose of it (inverse).
//
// What belongs here: pure functions of joint positions and of a chain's published lengths. What does not: the
// joints' limits as their makers publish them (package robot), the last word on what may be sent (robot/limit:
// what comes from here passes it like any other wish), collisions, and dynamics.
//
// Coordinate frames. base is where the arm is bolted down, flange is where a tool is, tool is a point that is
// fixed to the flange and turned as it is. p_base = T_base_flange · p_flange, in Go tBaseFlange. Twists and
// Jacobians are those of the tool's point, in the axes of the base. Lengths are m, angles rad.
//
// Nothing here allocates or keeps anything between calls.
package kinematics
