package main

import (
	"context"
	"sync"
	"time"

	"sim2reald/camera"
	"sim2reald/daemon/control"
	"sim2reald/daemon/control/supervisor"
	"sim2reald/daemon/metrics"
	"sim2reald/robot"
)

// tally is what a turn, or several, came to.
type tally struct {
	class    string
	lateness metrics.Histogram
	skipped  uint64 // slots
	flood    float64
}

// runGo is a turn of the control loop. It is disarmed: what leaves is a hold that answers the newest plan, on the way
// that motion takes.
func (b *bench) runGo(ctx context.Context, p place, turn time.Duration) (*tally, error) {
	eye := camera.NewLatest("front")
	var sent leaving
	loop, err := control.New(control.Config{
		Pilot: control.Pilot{Actor: b.brain.actorOr(control.Holder{}), Limits: robot.Panda().Limits, Bundle: "bench"},
		Rig:   b.rig, Cameras: []*camera.Latest{eye}, Joints: robot.Panda().N(),
		Period: p.period(), ControlPeriod: 80 * time.Millisecond, Clock: b.clock,
		Bounds:     supervisor.Bounds{Action: 400 * time.Millisecond},
		Scheduling: control.Scheduling{Priority: b.set.priority, LockMemory: true, Core: b.set.kept()},
		Send: func(o control.Output) error {
			if err := b.rig.send(o); err != nil {
				return err
			}
			sent.left(o.Seen, b.clock())
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	running, stop := context.WithTimeout(ctx, turn)
	defer stop()
	var pictures sync.WaitGroup
	if p.load.inference {
		pictures.Go(func() { b.brain.show(running, eye) })
	}
	err = loop.RunRealtime(running)
	pictures.Wait()
	if err != nil {
		return nil, err
	}
	t := &tally{skipped: loop.Overruns()}
	t.lateness.Add(&loop.Lateness)
	if granted, ok := loop.Granted(); ok {
		t.class = granted.String()
	}
	if p.load.inference {
		b.cells[p].journey.add(&sent, b.brain.taken())
	}
	return t, nil
}

// leaving keeps when the first command of each plan left.
type leaving struct {
	seen  time.Duration
	first map[time.Duration]time.Duration // when a picture was seen: when its first command had left
}

// left is called from one goroutine.
func (l *leaving) left(seen, now time.Duration) {
	if seen == l.seen || seen == 0 {
		return
	}
	if l.first == nil {
		l.first = map[time.Duration]time.Duration{}
	}
	l.seen, l.first[seen] = seen, now
}

// journey is from pictures to commands.
type journey struct {
	inference, beyond metrics.Durations
}

// add takes each picture whose inference is known.
func (j *journey) add(sent *leaving, taken map[time.Duration]time.Duration) {
	for seen, left := range sent.first {
		if took, ok := taken[seen]; ok {
			j.inference.Put(took)
			j.beyond.Put(left - seen - took)
		}
	}
}
