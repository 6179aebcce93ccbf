package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// restWithin is the catalogue's 200 ms of silence, the time that braking from the cap takes (87 ms), and a tick.
const restWithin = 300 * time.Millisecond

// quietFor is how long an arm that stopped is watched for a motion that comes again.
const quietFor = 400 * time.Millisecond

// killDaemon is the death of the only one who commands.
func killDaemon(ctx context.Context, b *bench) outcome {
	s, err := b.repeat(ctx, "38", 5, 50, func(ctx context.Context, i int) (figure, error) {
		opts := rigOptions{embedded: i%2 == 1} // every other time the broker dies with it
		return b.deathInMotion(ctx, opts, func(r *rig) { r.daemon.kill() }, (*rig).restartsDisarmed)
	})
	if err != nil {
		return broken(err)
	}
	ok := s.most() <= stopTravel && s.latest() <= ms(restWithin)
	return measured(ok, "%.3f rad, at rest after %.0f ms, %v", s.most(), s.latest(), s)
}

// deathInMotion is one run: kill ends a process of a rig in motion, and then judges it once the arm rests.
func (b *bench) deathInMotion(ctx context.Context, opts rigOptions, kill func(*rig), then func(*rig, context.Context) error) (figure, error) {
	r, err := b.newRig(ctx, opts)
	if err != nil {
		return figure{}, err
	}
	defer r.close()
	if err := r.move(ctx); err != nil {
		return figure{}, err
	}
	at := now()
	kill(r)
	stopped, err := r.stopped(ctx, at)
	if err != nil {
		return figure{}, err
	}
	return figure{stopped.travel, ms(stopped.after)}, then(r, ctx)
}

// stopped waits for rest after a moment and judges the whole log.
func (r *rig) stopped(ctx context.Context, at moment) (rest, error) {
	if err := r.settle(ctx, quietFor); err != nil {
		return rest{}, err
	}
	ticks, err := r.arm.ticks()
	if err != nil {
		return rest{}, err
	}
	stopped, err := comesToRest(ticks, at)
	if err == nil {
		err = r.safe()
	}
	if err != nil {
		return stopped, err
	}
	return stopped, r.late(stopped.after, restWithin)
}

// restartsDisarmed starts the daemon again beside the arm that is there: it must not move.
func (r *rig) restartsDisarmed(ctx context.Context) error {
	from := now()
	if err := r.startDaemon(ctx); err != nil {
		return err
	}
	if err := r.awaitMode(ctx, "disarmed", 60*time.Second); err != nil {
		return err
	}
	if err := pause(ctx, quietFor); err != nil {
		return err
	}
	return r.stoodSince(from)
}

// stoodSince is an error if the arm moved, or was told to, since a moment.
func (r *rig) stoodSince(from moment) error {
	ticks, err := r.arm.ticks()
	if err != nil {
		return err
	}
	for _, t := range since(ticks, from) {
		if !t.still() {
			return &unsafeError{fmt.Errorf("the arm moved %v later", t.at-from)}
		}
	}
	for _, c := range r.commands(from, "") {
		if c.msg.Mode != "hold" {
			return &unsafeError{fmt.Errorf("a %s command was sent %v later", c.msg.Mode, c.at-from)}
		}
	}
	return nil
}

// killBroker takes the wire away from both.
func killBroker(ctx context.Context, b *bench) outcome {
	s, err := b.repeat(ctx, "1", 5, 50, func(ctx context.Context, _ int) (figure, error) {
		return b.deathInMotion(ctx, rigOptions{}, func(r *rig) { r.broker.kill() }, (*rig).brokerComesBack)
	})
	if err != nil {
		return broken(err)
	}
	return measured(s.latest() <= ms(restWithin), "at rest after %.0f ms, %v", s.latest(), s)
}

// brokerComesBack wants its death latched, starts it again and watches that nothing moves by itself.
func (r *rig) brokerComesBack(ctx context.Context) (err error) {
	if err := r.awaitMode(ctx, "faulted", 2*time.Second); err != nil {
		return err
	}
	from := now()
	if r.broker, err = startBroker(ctx, r.dir, r.address, ""); err != nil {
		return err
	}
	err = eventually(ctx, 5*time.Second, "both sides on the new broker", func() bool {
		return len(r.since("joint_states", from)) > 20 && len(r.commands(from, "")) > 20
	})
	if err != nil {
		return err
	}
	if m := r.mode(ctx); m != "faulted" {
		return fmt.Errorf("the daemon is %s once the broker is back, want faulted until a person acknowledges", m)
	}
	return r.stoodSince(from)
}

// heldWithin is the default ages.state_silent_ms, and time for what was under way.
const heldWithin = 600 * time.Millisecond

// killBridge ends the arm's owner. A simulated arm ends with it, so that what is judged is what the daemon sends, and
// the arm of the next bridge.
func killBridge(ctx context.Context, b *bench) outcome {
	s, err := b.repeat(ctx, "K", 5, 50, func(ctx context.Context, _ int) (figure, error) {
		r, err := b.newRig(ctx, rigOptions{})
		if err != nil {
			return figure{}, err
		}
		defer r.close()
		if err := r.move(ctx); err != nil {
			return figure{}, err
		}
		at := now()
		r.arm.kill()
		if err := r.awaitMode(ctx, "faulted", 2*time.Second); err != nil {
			return figure{}, err
		}
		last := r.lastMotion(at)
		if err := r.safe(); err != nil {
			return figure{}, err
		}
		return figure{Value: ms(last)}, r.nextArmStands(ctx)
	})
	if err != nil {
		return broken(err)
	}
	return measured(s.most() <= ms(heldWithin), "last velocity command after %.0f ms, %v", s.most(), s)
}

// lastMotion is how long after a moment the last velocity command came.
func (r *rig) lastMotion(at moment) time.Duration {
	var last time.Duration
	for _, c := range r.commands(at, "") {
		if c.msg.Mode == "velocity" {
			last = c.at - at
		}
	}
	return last
}

// nextArmStands starts another bridge with an episode that runs: the daemon stays faulted, the arm still.
func (r *rig) nextArmStands(ctx context.Context) error {
	from := now()
	if err := r.startArm(ctx); err != nil {
		return err
	}
	if _, err := r.begin(ctx); err != nil {
		return err
	}
	if err := pause(ctx, quietFor); err != nil {
		return err
	}
	if m := r.mode(ctx); m != "faulted" {
		return fmt.Errorf("the daemon is %s once another bridge is there, want faulted until a person acknowledges", m)
	}
	return r.stoodSince(from)
}

// inTheKitchen is the whole day of a service beside the simulated kitchen, with its own policy: kill -9 of the bridge and
// of the daemon in motion among it.
func inTheKitchen(ctx context.Context, _ *bench) outcome {
	said, err := goTest(ctx, "./daemon", "^TestService$", "SIM2REALD_ALL=1")
	if err != nil {
		return broken(err)
	}
	var furthest float64
	for _, m := range regexp.MustCompile(`went ([0-9.]+) rad after the last command`).FindAllStringSubmatch(said, -1) {
		x, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return broken(err)
		}
		furthest = max(furthest, x)
	}
	return measured(furthest > 0 && furthest <= stopTravel, "%.3f rad after the daemon's death; bridge's death latched, disarmed after; 1 run", furthest)
}
