package main

import (
	"fmt"
	"time"

	"sim2reald/daemon/config"
	"sim2reald/robot/kinematics"
	"sim2reald/robot/limit/space"
)

// simulated is the serial of an arm that hurts nobody.
const simulated = "simulated"

// speedScale is the part of the arm's speed limits that is used.
func (w *workcell) speedScale() float64 {
	switch {
	case w.cfg.Robot.SpeedScale > 0:
		return w.cfg.Robot.SpeedScale
	case w.fact.Serial == simulated:
		return 1
	}
	return config.RealSpeedScale
}

// around makes what keeps the arm out of what it may hit: the narrower of the configuration's workspace and the bridge's,
// and the arm itself.
func (w *workcell) around() (*space.Space, error) {
	chain, known := kinematics.ByName(w.model.Name)
	shape, drawn := space.ByName(w.model.Name)
	if !known || !drawn {
		return nil, fmt.Errorf("robot model %q has no kinematics or shape here; add them to robot/kinematics and robot/limit/space", w.model.Name)
	}
	if tool := w.cfg.Robot.Tool; len(tool) == 2 {
		shape = shape.WithTool(chain.Flange(), chain.N(), tool[0], tool[1])
	}
	box, err := w.box()
	if err != nil {
		return nil, err
	}
	cfg := space.Config{Chain: chain, Shape: shape, Box: box, Margin: w.cfg.Robot.SelfMargin, Ramps: w.lockstep()}
	if !w.lockstep() {
		cfg.Blind = time.Duration(w.fact.CommandTimeoutMs * float64(time.Millisecond))
	}
	s, err := space.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("robot %s: %w", w.model.Name, err)
	}
	return s, nil
}

// box is the workspace.
func (w *workcell) box() (space.Box, error) {
	box, said := space.Everywhere(), w.cfg.Robot.Workspace
	if len(said) == 6 {
		for i := range 3 {
			box.Min[i], box.Max[i] = said[2*i], said[2*i+1]
		}
	}
	if f := w.fact.Workspace; f != nil {
		theirs := space.Box{Min: f.MinM, Max: f.MaxM}
		if err := theirs.Check(); err != nil {
			return box, fmt.Errorf("workspace of the factsheet: %w; mend the bridge", err)
		}
		box = box.Within(theirs)
	}
	if err := box.Check(); err != nil {
		return box, fmt.Errorf("robot.workspace_m and the bridge's workspace have nothing in common: %w", err)
	}
	return box, nil
}

// needWorkspace refuses to move a real arm without one: it stands somewhere, and nobody but its users knows where the table
// is. An arm that a person guides needs none.
func (w *workcell) needWorkspace() error {
	if w.fact.Serial == simulated || w.fact.Workspace != nil || len(w.cfg.Robot.Workspace) > 0 {
		return nil
	}
	return asMisconfigured(fmt.Errorf("robot.workspace_m: is empty, and the bridge of this real arm (serial %s) says no workspace; measure the box that it may be in, from its base, such as [-0.3, 0.9, -0.7, 0.7, 0.0, 1.2] for a table at the base's height",
		w.fact.Serial))
}
