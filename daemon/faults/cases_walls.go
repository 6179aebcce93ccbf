package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"time"

	"sim2reald/robot"
	"sim2reald/robot/kinematics"
	"sim2reald/robot/limit/space"
)

const (
	wallAt  = 0.27 // m, to the right of the arm: the circle goes beyond, a start does not
	selfGap = 0.01 // m, that the daemon's links keep by default
	// nearWall is how near the arm must have come to what it was stopped by, or nothing was shown.
	nearWall = 0.02
)

// againstWalls lets the circle run into a side of the workspace, and a policy fold the arm onto itself.
func againstWalls(ctx context.Context, b *bench) outcome {
	box := space.Everywhere()
	box.Min[1] = -wallAt
	dir, err := os.MkdirTemp(b.dir, "rig")
	if err != nil {
		return broken(err)
	}
	folding, err := writeTrap(dir, trap{name: "folding", inner: 1, outer: -1})
	if err != nil {
		return broken(err)
	}
	var text string
	for _, wall := range []struct {
		cause string
		opts  rigOptions
		box   space.Box
	}{
		{"workspace", rigOptions{robot: fmt.Sprintf(", workspace_m: [-2, 2, %g, 2, -2, 2]", -wallAt)}, box},
		{"self_collision", rigOptions{bundle: folding.bundle}, space.Everywhere()},
	} {
		o := b.atRest(ctx, wall.opts, func(r *rig) outcome { return r.againstWall(ctx, wall.cause, wall.box) })
		text += wall.cause + ": " + o.Measured + "; "
		if o.Verdict != passed {
			return measured(false, "%s", text)
		}
	}
	return measured(true, "%s", text)
}

// againstWall lets the arm move until it is faulted for what it pushes against.
func (r *rig) againstWall(ctx context.Context, cause string, box space.Box) outcome {
	if err := r.move(ctx); err != nil && r.mode(ctx) != "faulted" {
		return broken(err)
	}
	if err := r.awaitMode(ctx, "faulted", 60*time.Second); err != nil {
		return broken(err)
	}
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
	least, crossings, err := r.rooms(box)
	if err != nil {
		return broken(err)
	}
	return measured(s.Why == cause && crossings == 0 && least < nearWall, "%d crossings, least room %.1f mm, %s", crossings, 1000*least, s.Why)
}

// rooms is the least room that the arm's log has, m, and how many of its ticks have none.
func (r *rig) rooms(box space.Box) (least float64, crossings int, err error) {
	panda := robot.Panda().Name
	chain, _ := kinematics.ByName(panda)
	shape, _ := space.ByName(panda)
	around, err := space.New(space.Config{Chain: chain, Shape: shape, Box: box, Margin: selfGap})
	if err != nil {
		return 0, 0, err
	}
	ticks, err := r.arm.ticks()
	if err != nil {
		return 0, 0, err
	}
	least = math.Inf(1)
	for i := range ticks {
		var q robot.Vector
		copy(q[:], ticks[i].q[:])
		toBox, toSelf := around.Look(&q)
		room := min(toBox.M, toSelf.M)
		if least = min(least, room); !(room >= 0) {
			crossings++
		}
	}
	return least, crossings, nil
}
