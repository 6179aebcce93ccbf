package topic

import (
	"time"

	"sim2reald/robot"
)

// Outgoing is a command ready for the wire.
type Outgoing struct {
	Command robot.Command
	Reason  string      // why it holds
	State   robot.State // the measurement that it answers
	Bundle  string      // digest
}

// SendCommand publishes a command and returns what was published, for the record. It fails when a number
// cannot be encoded: what is not finite never leaves.
func (l *Link) SendCommand(out Outgoing) (JointCommand, error) {
	f, _ := l.Factsheet()
	msg := JointCommand{
		Robot: l.opts.Robot, ValidForMs: f.CommandTimeoutMs, Mode: out.Command.Mode.String(), Reason: out.Reason,
		Observed: Observed{Epoch: f.Epoch, Seq: out.State.Seq, Stamp: StampOf(out.State.Stamp)},
		Name:     []string{}, Velocity: []float64{}, Gripper: out.Command.Gripper, Bundle: out.Bundle,
	}
	if out.Command.Mode == robot.Velocity {
		msg.Name, msg.Velocity = f.JointNames, out.Command.DQ[:len(f.JointNames)]
	}
	msg.Envelope = l.envelope("joint_command", out.State.Stamp)
	return msg, l.publish("joint_command", msg)
}

// ResendCommand publishes a command again as it was, for a lock-step bridge that repeats its observation.
func (l *Link) ResendCommand(msg JointCommand) error { return l.publish("joint_command", msg) }

// ResetEpisode asks the bridge for a start state, and for the lease before, so that in lock-step no command of the
// episode can come too early for it.
func (l *Link) ResetEpisode(r EpisodeReset, stamp time.Duration) error {
	l.askLease("hold")
	r.Envelope = l.envelope("episode/reset", stamp)
	return l.publish("episode/reset", r)
}

// StartEpisode lets a ready episode run.
func (l *Link) StartEpisode(episode string, stamp time.Duration) error {
	l.askLease("hold")
	return l.publish("episode/start", EpisodeStart{Envelope: l.envelope("episode/start", stamp), Episode: episode})
}
