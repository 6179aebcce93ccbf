package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"time"
)

// patienceOfRefusal is how long a daemon may take to refuse what it was started with.
const patienceOfRefusal = 20 * time.Second

// badActions has policies that answer nonsense once the arm has come to a certain place.
func badActions(ctx context.Context, b *bench) outcome {
	var text string
	for _, trap := range []trap{{name: "1e30", inner: 1, outer: 1e30}, {name: "infinity", inner: 1e30, outer: 1e30}, {name: "NaN", inner: 1e30, outer: 1e30, undone: true}} {
		dir, err := os.MkdirTemp(b.dir, "rig")
		if err != nil {
			return broken(err)
		}
		files, err := writeTrap(dir, trap)
		if err != nil {
			return broken(err)
		}
		o := b.atRest(ctx, rigOptions{bundle: files.bundle}, func(r *rig) outcome { return r.trapped(ctx) })
		text += trap.name + ": " + o.Measured + "; "
		if o.Verdict != passed {
			return measured(false, "%s", text)
		}
	}
	return measured(true, "%s0 commands out of limits; answers of another length are case 26's", text)
}

// trapped lets the arm move until its policy answers nonsense.
func (r *rig) trapped(ctx context.Context) outcome {
	if err := r.move(ctx); err != nil && r.mode(ctx) != "faulted" {
		return broken(err)
	}
	if err := r.awaitMode(ctx, "faulted", 20*time.Second); err != nil {
		return broken(err)
	}
	from := now()
	if err := r.settle(ctx, quietFor); err != nil {
		return broken(err)
	}
	s, err := r.status(ctx)
	if err != nil {
		return broken(err)
	}
	if err := r.safe(); err != nil {
		return broken(err)
	}
	if last := r.lastMotion(from); last > 0 {
		return broken(fmt.Errorf("a velocity command came %v after the fault", last))
	}
	return measured(s.Why == "action_refused" || s.Why == "policy_failed", "%s", s.Why)
}

// flawedPictures are too dark, too bright, without an edge.
func flawedPictures(ctx context.Context, b *bench) outcome {
	const within = 3*80*time.Millisecond + 40*time.Millisecond // three pictures, and the way there
	var text string
	for _, flaw := range []string{"black", "white", "blurred"} {
		o := b.inMotion(ctx, rigOptions{}, func(r *rig) outcome {
			at := now()
			if err := r.arm.suffer(map[string]any{"picture": flaw}); err != nil {
				return broken(err)
			}
			held, err := r.firstHold(ctx, at)
			if err != nil {
				return broken(err)
			}
			s, err := r.status(ctx)
			if err != nil {
				return broken(err)
			}
			return measured(held <= within+80*time.Millisecond && r.safe() == nil, "held %.0f ms (%s)", ms(held), s.Why)
		})
		text += flaw + ": " + o.Measured + "; "
		if o.Verdict != passed {
			return measured(false, "%s", text)
		}
	}
	return measured(true, "%s", text)
}

// movedByHand has somebody push the arm while the daemon holds, and then lets it go on.
func movedByHand(ctx context.Context, b *bench) outcome {
	return b.inMotion(ctx, rigOptions{}, func(r *rig) outcome {
		if err := r.ask(ctx, "hold", 0); err != nil {
			return broken(err)
		}
		if err := r.settle(ctx, quietFor); err != nil {
			return broken(err)
		}
		if err := r.arm.suffer(map[string]any{"pushed": []float64{0.15, -0.1, 0.1, 0.1, 0, 0, 0}}); err != nil {
			return broken(err)
		}
		if err := pause(ctx, time.Second); err != nil {
			return broken(err)
		}
		inHand := r.ask(ctx, "start", 0) // the arm moves: it must be refused
		if err := r.arm.recover(); err != nil {
			return broken(err)
		}
		if err := pause(ctx, quietFor); err != nil {
			return broken(err)
		}
		if inHand == nil {
			return broken(fmt.Errorf("start was granted while the arm was being moved"))
		}
		at := now()
		if err := r.ask(ctx, "start", 0); err != nil {
			return broken(err)
		}
		if _, err := r.firstMotion(ctx, at); err != nil {
			return broken(err)
		}
		if err := pause(ctx, quietFor); err != nil {
			return broken(err)
		}
		return r.beganGently(at)
	})
}

// beganGently judges the first command after a moment: no faster than one tick of acceleration from rest.
func (r *rig) beganGently(at moment) outcome {
	lim := limits()
	for _, c := range r.commands(at, "") {
		if c.msg.Mode != "velocity" {
			continue
		}
		var most float64
		for j, v := range c.msg.Velocity {
			most = max(most, math.Abs(v)/(lim.DDQMax[j]*armTick.Seconds()))
		}
		if err := r.safe(); err != nil {
			return broken(err)
		}
		return measured(most <= 1+slack, "start refused in the hand; then the first command is %.2f of a·dt, and no limit was passed", most)
	}
	return broken(fmt.Errorf("no motion"))
}
