package main

import (
	"flag"
	"fmt"
	"strconv"
	"strings"

	"sim2reald/model/bundle"
	"sim2reald/model/dataset"
	"sim2reald/model/train"
)

// actionFlags say what the numbers of an action are.
type actionFlags struct{ kind, dimensions, chain, tool string }

func (f *actionFlags) set(fs *flag.FlagSet) {
	fs.StringVar(&f.kind, "action", bundle.ActionVelocity, "`kind` of action to learn: "+bundle.ActionVelocity+
		", or "+bundle.ActionCartesian+", the motion of the tool that the recorded joint commands amounted to")
	fs.StringVar(&f.dimensions, "dimensions", "vx,vy,vz", "`parts` of the tool's motion to learn, of "+
		strings.Join(bundle.TwistDimensions(), ",")+"; the others are held at zero")
	fs.StringVar(&f.chain, "chain", "", "`name` of the arm's kinematics; none means that of the robot. The Sawyer of RGB stacking is sawyer_moma")
	fs.StringVar(&f.tool, "tool", "0,0,0", "`point` of the flange that is the tool, x,y,z in m")
}

// of gives the tool whose motion is learned from these demonstrations, nil for the joints' velocities.
func (f *actionFlags) of(m *dataset.Meta) (*train.Tool, error) {
	if f.kind == bundle.ActionVelocity {
		if *f != defaultActionFlags() {
			return nil, fmt.Errorf("-dimensions, -chain and -tool are for -action %s; add it, or leave them out", bundle.ActionCartesian)
		}
		return nil, nil
	}
	if f.kind != bundle.ActionCartesian {
		return nil, fmt.Errorf("-action %q is neither %s nor %s", f.kind, bundle.ActionVelocity, bundle.ActionCartesian)
	}
	t := &train.Tool{Chain: f.chain}
	if t.Chain == "" {
		t.Chain = m.Robot.Model
	}
	var err error
	if t.Dimensions, err = bundle.ParseTwist(f.dimensions); err != nil {
		return nil, fmt.Errorf("-dimensions: %w", err)
	}
	t.Point, err = point(f.tool)
	return t, err
}

func defaultActionFlags() actionFlags {
	var f actionFlags
	f.set(flag.NewFlagSet("", flag.ContinueOnError))
	return f
}

// point reads three numbers like 0,0,0.1.
func point(list string) (p [3]float64, err error) {
	parts := strings.Split(list, ",")
	if len(parts) != len(p) {
		return p, fmt.Errorf("-tool %q: want x,y,z in m", list)
	}
	for i, text := range parts {
		if p[i], err = strconv.ParseFloat(text, 64); err != nil {
			return p, fmt.Errorf("-tool %q: %q is no number", list, text)
		}
	}
	return p, nil
}
