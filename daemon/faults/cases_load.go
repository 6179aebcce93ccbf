package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"sim2reald/daemon/topic"
)

// floodRate is the catalogue's, in messages a second.
const floodRate = 10_000

// flood floods the broker while the arm moves, half of it on the topic of commands.
func flood(ctx context.Context, b *bench) outcome {
	seconds := b.count(10, 60)
	var calm, flooded loaded
	var rate float64
	o := b.inMotion(ctx, rigOptions{}, func(r *rig) (o outcome) {
		calm, o = r.load(ctx, func() error { return pause(ctx, time.Duration(seconds)*time.Second) })
		return o
	})
	if o.Verdict != passed {
		return o
	}
	o = b.inMotion(ctx, rigOptions{}, func(r *rig) (o outcome) {
		flooded, o = r.load(ctx, func() (err error) {
			rate, err = r.flood(ctx, time.Duration(seconds)*time.Second)
			return err
		})
		return o
	})
	if o.Verdict != passed {
		return o
	}
	if calm.mode != "running" || calm.applied < 0.98 {
		return voided("without any flood the daemon is %s, and %.0f %% of the ticks' commands were applied: the machine is busy", calm.mode, 100*calm.applied)
	}
	grown := float64(flooded.grown) / (1 << 20)
	ok := rate >= 0.95*floodRate && flooded.p99 <= 2*calm.p99 && grown <= 64
	return measured(ok, "%.0f messages/s for %d of 60 s: tick lateness p99 %.0f us, calm %.0f us; memory +%.1f MiB; daemon %s, %.0f %% of the ticks' commands applied, calm %.0f %%",
		rate, seconds, 1e6*flooded.p99, 1e6*calm.p99, grown, flooded.mode, 100*flooded.applied, 100*calm.applied)
}

// loaded is how a rig in motion fared under a load.
type loaded struct {
	p99     float64 // s, of the tick's wake-ups
	grown   int64   // bytes
	mode    string  // and why
	applied float64 // part of the arm's ticks that moved
}

func (r *rig) load(ctx context.Context, f func() error) (loaded, outcome) {
	var l loaded
	before, err := resident(r.daemon.pid())
	if err != nil {
		return l, broken(err)
	}
	from := now()
	if err := f(); err != nil {
		return l, broken(err)
	}
	s, err := r.status(ctx)
	if err != nil {
		return l, broken(err)
	}
	after, err := resident(r.daemon.pid())
	if err != nil {
		return l, broken(err)
	}
	ticks, err := r.arm.ticks()
	if err != nil {
		return l, broken(err)
	}
	moved := 0
	during := since(ticks, from)
	for i := range during {
		if !during[i].still() {
			moved++
		}
	}
	l = loaded{p99: s.Timing.Lateness.P99, grown: after - before, mode: strings.TrimSpace(s.Mode + " " + s.Why), applied: float64(moved) / float64(max(1, len(during)))}
	if err := r.safe(); err != nil {
		return l, broken(err)
	}
	return l, measured(true, "")
}

// flood publishes at floodRate in bursts of a few milliseconds, and gives the rate that came about.
func (r *rig) flood(ctx context.Context, d time.Duration) (rate float64, err error) {
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + r.address))
	if token := client.Connect(); !token.WaitTimeout(5*time.Second) || token.Error() != nil {
		return 0, fmt.Errorf("connecting the flood: %w", token.Error())
	}
	defer client.Disconnect(10)
	topics := []string{prefix + "joint_command", "junk/a", prefix + "joint_command", prefix + "request"}
	payloads := [][]byte{[]byte("{}"), bytes.Repeat([]byte("x"), 200), []byte(`{"epoch":"bad0000000000bad","seq":1}`), []byte(`{"id":"x"`)}
	from, sent := now(), 0
	for now()-from < d {
		due := int((now() - from).Seconds() * floodRate)
		for ; sent < due; sent++ {
			client.Publish(topics[sent%len(topics)], 0, false, payloads[sent%len(payloads)])
		}
		if err := pause(ctx, 2*time.Millisecond); err != nil {
			return 0, err
		}
	}
	return float64(sent) / (now() - from).Seconds(), nil
}

// badPayloads are what no sender of ours says.
func badPayloads() map[string][]byte {
	deep := strings.Repeat("[", 10_000)
	return map[string][]byte{
		"1 byte": {'x'}, "nothing": {}, "invalid JSON": []byte(`{"epoch":`), "invalid UTF-8": []byte("{\"epoch\":\"\xff\xfe\"}"),
		"10000 nested arrays": []byte(deep), "10000 nested objects": []byte(strings.Repeat(`{"a":`, 10_000)),
		"a key twice": []byte(`{"epoch":"a","epoch":"b"}`), "a number too large": []byte(`{"seq":1e999}`), "null": []byte("null"),
		"64 MiB": bytes.Repeat([]byte{'['}, 64<<20),
	}
}

// hostilePayloads says them on every topic that either side reads, in motion, through a broker with a cap: without one,
// 64 MiB take the connection's time, and the arm holds meanwhile.
func hostilePayloads(ctx context.Context, b *bench) outcome {
	o := b.inMotion(ctx, rigOptions{broker: "allow_anonymous true\nmax_packet_size 1048576\n"}, func(r *rig) outcome {
		before, err := r.status(ctx)
		if err != nil {
			return broken(err)
		}
		said := 0
		for name, payload := range badPayloads() {
			for _, t := range []string{"joint_states", "camera/default", "factsheet", "episode/state", "request", "joint_command", "episode/reset"} {
				if err := r.hostile(t, payload); err != nil {
					return broken(fmt.Errorf("%s on %s: %w", name, t, err))
				}
				said++
			}
		}
		if err := pause(ctx, 2*time.Second); err != nil {
			return broken(err)
		}
		return r.unmoved(ctx, before, said)
	})
	return beside(ctx, o, "./daemon/topic", "^(TestNonsenseIsRefusedEverywhere|TestDecodeBoundsPayload)$", "each refused within 5 ms")
}

// hostile publishes over a connection of its own, which a broker may end.
func (r *rig) hostile(name string, payload []byte) error {
	o := mqtt.NewClientOptions().AddBroker("tcp://" + r.address).SetAutoReconnect(false).SetWriteTimeout(10 * time.Second)
	client := mqtt.NewClient(o)
	if token := client.Connect(); !token.WaitTimeout(5*time.Second) || token.Error() != nil {
		return fmt.Errorf("the broker is gone: %w", token.Error())
	}
	defer client.Disconnect(10)
	client.Publish(prefix+name, 0, false, payload).WaitTimeout(10 * time.Second)
	return nil
}

// unmoved judges that both processes live, that no tick was missed by much, and that all of it was dropped.
func (r *rig) unmoved(ctx context.Context, before topic.Status, said int) outcome {
	if !r.daemon.alive() || !r.arm.alive() {
		return broken(fmt.Errorf("ended: daemon %v, bridge %v", !r.daemon.alive(), !r.arm.alive()))
	}
	s, err := r.status(ctx)
	if err != nil {
		return broken(err)
	}
	if err := r.safe(); err != nil {
		return broken(err)
	}
	_, states, _ := newest[topic.JointStates](r.tap, "joint_states")
	lost := s.Overruns - before.Overruns
	return measured(sum(s.Dropped) > 0 && lost <= 5, "%d said, no panic; daemon %s %s, dropped %s; bridge dropped %s; %d ticks missed",
		said, s.Mode, s.Why, counts(s.Dropped), counts(states.Dropped), lost)
}
