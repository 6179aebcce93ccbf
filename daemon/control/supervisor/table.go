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
		StateSilent: {
			"state_silent", Operator, "age of the newest `joint_states`",
			"`ages.state_silent_ms`", "start the bridge again, then acknowledge and arm",
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
