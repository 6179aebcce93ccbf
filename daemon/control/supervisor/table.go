package supervisor

// table is every cause in one place; CAUSES.md is written from it.
func table() [causes]Fact {
	return [...]Fact{
		StateStale: {
			"state_stale", Passing, "age of the newest `joint_states`",
			"`ages.state_hold_ms`; not in lock-step", "check the bridge's load and the broker",
		},
		FrameStale: {
			"frame_stale", Passing, "age of each camera's newest picture",
			"`ages.frame_ms`; in lock-step only whether there is one", "check that the camera still sends",
		},
		ActionStale: {
			"action_stale", Passing, "age of the picture that the newest plan was made from",
			"`ages.action_ms`", "the policy is slower than its rate: lower the load or raise engine.threads",
		},
		PicturesApart: {
			"pictures_apart", Passing, "age of the newest pictures, one of each of several cameras, that were taken within `ages.apart_ms`",
			"`ages.frame_ms`; not in lock-step", "status names the camera that is behind: check it, its network and its clock, or raise ages.apart_ms",
		},
		PictureFlawed: {
			"picture_flawed", Passing, "each camera's pixels: dark, overexposed, or without an edge",
			"3 pictures in a row", "look at the page: light, exposure, focus, and what is in front of the lens",
		},
		ThinkingLate: {
			"thinking_late", Passing, "the duration of the policy's thought, until the next one is in time",
			"`watch.thinking_periods` of the control rate; not in lock-step", "the policy is slower than its rate: lower the load or raise engine.threads",
		},
		TickLate: {
			"tick_late", Passing, "deadlines of the loop's ticks, 3 missed in a row",
			"the third tick; not in lock-step", "lower the load of this machine, or permit realtime.want",
		},
		EchoStale: {
			"echo_stale", Passing, "age of the bridge's newest answer to an echo",
			"`watch.echo_hold_ms`; not in lock-step", "check the broker and the network; a bridge that answers no echo needs watch.echo_hold_ms: 0",
		},
		LeaseLapsed: {
			"lease_lapsed", Passing, "the bridge's lease, where it grants one",
			"the lease's own time to live, counted from when it was asked for", "check the broker and the network",
		},
		ClockSkew: {
			"clock_skew", Passing, "wall clocks of the bridge's host and this one, when arming alone",
			"`watch.skew_ms` apart", "let NTP or PTP set both clocks, or set watch.skew_ms to 0",
		},
		DiskShort: {
			"disk_short", Passing, "room on the disk of `recording.folder`, when arming alone",
			"`recording.free_mb`; where nothing is recorded, not watched", "make room on that disk, or lower recording.free_mb",
		},
		RecordStopped: {
			"record_stopped", Passing, "whether the record is written, when arming alone: a moving arm goes on, and `record` of the status tells",
			"one line; where nothing is recorded, not watched", "see record in the status; it begins again by itself once the disk lets it, or set recording.folder to \"\"",
		},
		StateSilent: {
			"state_silent", Operator, "age of the newest `joint_states`",
			"`ages.state_silent_ms`; in lock-step 30 s by the wall clock, while an episode runs", "start the bridge again, then acknowledge and arm",
		},
		StateFrozen: {
			"state_frozen", Operator, "the stamp of `joint_states`, which holds after `ages.state_hold_ms`",
			"`ages.state_silent_ms`; not in lock-step", "the bridge repeats an old measurement: start it again, then acknowledge and arm",
		},
		StateBroken: {
			"state_broken", Operator, "NaN and infinity in a measurement; JSON has neither, so that a message with one is dropped and `state_stale` tells",
			"one message", "mend the bridge, which measures what is not a number, then acknowledge and arm",
		},
		StateJump: {
			"state_jump", Operator, "positions of two `joint_states` in a row, by 0.25 rad more than the speed limit allows",
			"one message", "check the arm's encoders and what else moves it, then acknowledge and arm",
		},
		LimitPassed: {
			"limit_passed", Operator, "measured positions 0.05 rad beyond the table, speeds above it by a fifth",
			"one message", "bring the arm back by hand or by its own means, then acknowledge and arm",
		},
		Workspace: {
			"workspace", Operator, "the links' capsules at the measured positions, 10 mm outside `robot.workspace_m`; wishes of which its sides leave less than a tenth",
			"one message; wishes `watch.clamped_ms` without a break, not in lock-step", "bring the arm inside by hand or by its own means; if it is inside, the bundle wants out: arm another, or widen robot.workspace_m",
		},
		SelfCollision: {
			"self_collision", Operator, "two links' capsules at the measured positions, nearer than `robot.self_margin_m` by 10 mm; wishes of which the margin leaves less than a tenth",
			"one message; wishes `watch.clamped_ms` without a break, not in lock-step", "move the named links apart by hand or by the arm's own means; if they are apart, the bundle wants them together: arm another",
		},
		CommandUnheeded: {
			"command_unheeded", Passing, "`accepted` of `joint_states`, which every command moves on",
			"`watch.command_ms`; not in lock-step", "check that the bridge hears this daemon and no other; see dropped in its joint_states",
		},
		CommandRefused: {
			"command_refused", Operator, "`accepted` and `dropped` of `joint_states`: malformed, robot, joints, not_finite, limit",
			"`watch.command_ms`; not in lock-step", "the bridge's limits or joints are others than it said: start it again, then acknowledge and arm",
		},
		PictureFrozen: {
			"picture_frozen", Operator, "each camera's pixels, the same in 10 pictures in a row, during which a joint moved by 0.05 rad",
			"the tenth picture; not in lock-step", "the camera repeats itself: start it again, then acknowledge and arm",
		},
		ThinkingFailing: {
			"thinking_failing", Operator, "thoughts that took longer than `ages.action_ms`, 3 in a row, or one that takes as long as three",
			"three times `ages.action_ms`; not in lock-step", "see what else runs on this machine and its GPU, then acknowledge and arm",
		},
		TickFailing: {
			"tick_failing", Operator, "deadlines of the loop's ticks, missed in a row for 1 s",
			"1 s; not in lock-step", "lower the load of this machine, or permit realtime.want, then acknowledge and arm",
		},
		EchoSilent: {
			"echo_silent", Operator, "age of the bridge's newest answer to an echo",
			"`watch.echo_silent_ms`; not in lock-step", "start the broker or mend the network, then acknowledge and arm; a bridge that answers no echo needs watch.echo_hold_ms: 0",
		},
		LeaseLost: {
			"lease_lost", Operator, "who holds the bridge's lease",
			"one message", "another daemon commands this robot: stop that one, then acknowledge and arm",
		},
		BridgeFault: {
			"bridge_fault", Operator, "`errors` of `joint_states`",
			"one message", "clear the robot's own errors, then acknowledge and arm",
		},
		EmergencyStop: {
			"emergency_stop", Operator, "`emergency_stop` of `joint_states`",
			"one message", "release the emergency stop, then acknowledge and arm",
		},
		ActionRefused: {
			"action_refused", Operator, "the limiter's verdict: not finite, or absurd",
			"one tick, before anything is sent", "the bundle answers nonsense here: inspect it before acknowledging",
		},
		ClampingLasts: {
			"clamping_lasts", Operator, "speeds that the policy wants, above what the limiter allows by `watch.clamped_share` of a joint's limit",
			"`watch.clamped_ms` without a break; not in lock-step", "the bundle wants what this arm may not: inspect it, or arm another",
		},
		PolicyFailed: {
			"policy_failed", Operator, "errors of observing, predicting and decoding",
			"one thought", "read the daemon's log, then acknowledge and arm",
		},
		SendFailed: {
			"send_failed", Operator, "errors of handing a command to the MQTT client",
			"one command", "check the broker, then acknowledge and arm",
		},
		RigChanged: {
			"rig_changed", Reload, "the epoch of the bridge's factsheet",
			"50 ms after the new factsheet", "the bridge restarted: acknowledge, which checks the bundle against it again, then arm",
		},
		PolicyPanicked: {
			"policy_panicked", Restart, "panics while thinking",
			"one thought", "restart the daemon and report what its log says: this is a bug",
		},
	}
}
