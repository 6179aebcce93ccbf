package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"sim2reald/daemon/topic"
	"sim2reald/robot"
)

// recordMotion lets the arm move and keeps what the daemon sent, byte for byte.
func (r *rig) recordMotion(ctx context.Context, atLeast int) ([][]byte, error) {
	from := now()
	err := eventually(ctx, 30*time.Second, "recorded commands", func() bool { return len(r.since("joint_command", from)) >= atLeast })
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for _, h := range r.since("joint_command", from) {
		out = append(out, h.payload)
	}
	return out, r.ask(ctx, "stop", 0)
}

// retainedCommand plants a command that once moved the arm, and starts everything beside it.
func retainedCommand(ctx context.Context, b *bench) outcome {
	return b.inMotion(ctx, rigOptions{}, func(r *rig) outcome {
		recorded, err := r.recordMotion(ctx, 10)
		if err != nil {
			return broken(err)
		}
		r.daemon.end(5 * time.Second)
		planted := recorded[len(recorded)/2]
		if err := r.say("joint_command", 1, true, planted); err != nil {
			return broken(err)
		}
		s, err := b.repeat(ctx, "5", 8, 100, func(ctx context.Context, _ int) (figure, error) {
			n, err := r.startsBeside(ctx, planted)
			return figure{Value: n}, err
		})
		if err != nil {
			return broken(err)
		}
		var dropped float64
		for _, v := range s.values {
			dropped += v.Value
		}
		return measured(dropped > 0, "0 moves in %d of 100 starts of daemon and bridge; %.0f copies dropped by the bridge", len(s.values), dropped)
	})
}

// startsBeside starts bridge and daemon beside a retained command, lets an episode run, and says the same command once
// more to who listens now. It gives how many commands the bridge has dropped.
func (r *rig) startsBeside(ctx context.Context, planted []byte) (float64, error) {
	r.daemon.kill()
	r.arm.end(3 * time.Second)
	from := now()
	if err := r.startArm(ctx); err != nil {
		return 0, err
	}
	if err := r.startDaemon(ctx); err != nil {
		return 0, err
	}
	if err := r.awaitMode(ctx, "disarmed", 30*time.Second); err != nil {
		return 0, err
	}
	if err := r.runEpisode(ctx); err != nil {
		return 0, err
	}
	if err := r.say("joint_command", 0, false, planted); err != nil {
		return 0, err
	}
	if err := pause(ctx, quietFor); err != nil {
		return 0, err
	}
	_, states, ok := newest[topic.JointStates](r.tap, "joint_states")
	if !ok {
		return 0, fmt.Errorf("no joint_states")
	}
	return float64(sum(states.Dropped)), r.armStood(from)
}

func sum(counts map[string]uint64) (n uint64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// runEpisode lets an episode run under a daemon that is disarmed.
func (r *rig) runEpisode(ctx context.Context) error {
	id, err := r.begin(ctx)
	if err != nil {
		return err
	}
	return r.release(id)
}

// backlog lets 1500 old commands pile up before a bridge that is frozen.
func backlog(ctx context.Context, b *bench) outcome {
	const old = 1500
	return b.inMotion(ctx, rigOptions{}, func(r *rig) outcome {
		recorded, err := r.recordMotion(ctx, 300)
		if err != nil {
			return broken(err)
		}
		r.daemon.kill()
		if err := r.runEpisode(ctx); err != nil {
			return broken(err)
		}
		if err := pause(ctx, quietFor); err != nil {
			return broken(err)
		}
		if err := r.arm.signal(syscall.SIGSTOP); err != nil {
			return broken(err)
		}
		for i := range old {
			if err := r.say("joint_command", 1, false, recorded[i%len(recorded)]); err != nil {
				return broken(err)
			}
		}
		from := now()
		if err := r.arm.signal(syscall.SIGCONT); err != nil {
			return broken(err)
		}
		return r.dropsAll(ctx, from, old)
	})
}

// dropsAll waits until a bridge has read what was thrown at it, of which a broker may keep some back, and judges that
// it dropped that, and that the arm stood.
func (r *rig) dropsAll(ctx context.Context, from moment, thrown int) outcome {
	var states topic.JointStates
	changed := now()
	err := eventually(ctx, 20*time.Second, "the bridge to have read them", func() bool {
		h, s, ok := newest[topic.JointStates](r.tap, "joint_states")
		if !ok || h.at < from || sum(s.Dropped) != sum(states.Dropped) {
			states, changed = s, now()
		}
		return sum(states.Dropped) > 0 && now()-changed > quietFor
	})
	if err != nil {
		return broken(fmt.Errorf("%w: dropped %v", err, states.Dropped))
	}
	if err := r.armStood(from); err != nil {
		return broken(err)
	}
	ok := sum(states.Dropped) >= uint64(thrown)/2
	return measured(ok, "0 of %d executed; the bridge dropped %s, the broker kept the rest back", thrown, counts(states.Dropped))
}

// counts tells drop counts in one order.
func counts(m map[string]uint64) string {
	text, err := json.Marshal(m)
	if err != nil {
		return err.Error()
	}
	return strings.Trim(string(text), "{}")
}

// secondWriter answers every observation of a running episode as the daemon would, with motion, while the daemon holds.
func secondWriter(ctx context.Context, b *bench) outcome {
	const tries = 1000
	return b.atRest(ctx, rigOptions{}, func(r *rig) outcome {
		if err := r.runEpisode(ctx); err != nil {
			return broken(err)
		}
		from := now()
		for i := range tries {
			if err := r.intrude(uint64(i + 1)); err != nil {
				return broken(err)
			}
			if err := pause(ctx, time.Millisecond); err != nil {
				return broken(err)
			}
		}
		return r.dropsAll(ctx, from, tries)
	})
}

// intrude sends a well-formed command of somebody who has no right to.
func (r *rig) intrude(seq uint64) error {
	_, states, ok := newest[topic.JointStates](r.tap, "joint_states")
	if !ok {
		return fmt.Errorf("no joint_states to answer")
	}
	return r.say("joint_command", 0, false, topic.JointCommand{
		Envelope: topic.Envelope{Epoch: "bad0000000000bad", Seq: seq, Stamp: states.Stamp}, Robot: robotName,
		Observed:   topic.Observed{Epoch: states.Epoch, Seq: states.Seq, Stamp: states.Stamp},
		ValidForMs: 200, Mode: "velocity", Name: robot.Panda().Joints, Velocity: []float64{.3, .3, 0, 0, 0, 0, 0},
	})
}

// sameClient connects under the daemon's own client id, again and again as a program that is configured wrongly does.
func sameClient(ctx context.Context, b *bench) outcome {
	return b.inMotion(ctx, rigOptions{}, func(r *rig) outcome {
		id, err := r.clientID()
		if err != nil {
			return broken(err)
		}
		takeovers, err := r.rival(id, 10*time.Second)
		if err != nil {
			return broken(err)
		}
		if err := r.safe(); err != nil {
			return broken(err)
		}
		noticed := strings.Contains(r.daemon.said.String(), "broker lost")
		return measured(noticed && takeovers <= 1, "daemon noticed %v, came back under another id, is %s; %d takeovers from the rival in 10 s",
			noticed, r.mode(ctx), takeovers)
	})
}

// rival keeps a client connected under an id, and counts how often the id is taken from it.
func (r *rig) rival(id string, watched time.Duration) (takeovers int, err error) {
	lost := make(chan struct{}, 1000)
	o := mqtt.NewClientOptions().AddBroker("tcp://" + r.address).SetClientID(id)
	o.SetAutoReconnect(true).SetMaxReconnectInterval(time.Second)
	o.SetConnectionLostHandler(func(mqtt.Client, error) { lost <- struct{}{} })
	client := mqtt.NewClient(o)
	if token := client.Connect(); !token.WaitTimeout(5*time.Second) || token.Error() != nil {
		return 0, fmt.Errorf("connecting the rival: %w", token.Error())
	}
	defer client.Disconnect(10)
	end := time.After(watched)
	for {
		select {
		case <-lost:
			takeovers++
		case <-end:
			return takeovers, nil
		}
	}
}

// clientID is the daemon's, as the broker's log has it.
func (r *rig) clientID() (string, error) {
	const begin = " as sim2reald-"
	_, after, ok := strings.Cut(r.broker.said.String(), begin)
	if !ok {
		return "", fmt.Errorf("the broker's log names no client of the daemon's: %s", r.broker.lastLines(3))
	}
	id, _, _ := strings.Cut(after, " ")
	return strings.TrimPrefix(begin, " as ") + id, nil
}
