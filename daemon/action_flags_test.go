package main

import (
	"flag"
	"slices"
	"strings"
	"testing"

	"sim2reald/model/bundle"
	"sim2reald/model/dataset"
	"sim2reald/model/train"
)

func TestActionFlags(t *testing.T) {
	meta := &dataset.Meta{Robot: bundle.Robot{Model: "sawyer"}}
	for name, c := range map[string]struct {
		args string
		want train.Tool
	}{
		"plain":   {"", train.Tool{Dimensions: []string{"vx", "vy", "vz", "gripper"}, Chain: "sawyer"}},
		"stacker": {"-dimensions vx,vy,vz,wz -chain sawyer_moma -tool 0,0.01,0.2", train.Tool{Dimensions: []string{"vx", "vy", "vz", "wz", "gripper"}, Chain: "sawyer_moma", Point: [3]float64{0, 0.01, 0.2}}},
	} {
		got, err := parseAction("-action cartesian_velocity "+c.args, meta)
		if err != nil || !slices.Equal(got.Dimensions, c.want.Dimensions) || got.Chain != c.want.Chain || got.Point != c.want.Point {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for _, args := range []string{"", "-action joint_velocity"} {
		if got, err := parseAction(args, meta); got != nil || err != nil {
			t.Errorf("%q learns %+v, %v", args, got, err)
		}
	}
	for args, want := range map[string]string{
		"-action joint_position":                      "neither joint_velocity nor",
		"-tool 0,0,0.1":                               "for -action cartesian_velocity",
		"-action cartesian_velocity -tool 0,0":        "want x,y,z",
		"-action cartesian_velocity -tool 0,0,x":      "no number",
		"-action cartesian_velocity -dimensions vz,w": "action.dimensions",
	} {
		if got, err := parseAction(args, meta); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v, want %q", args, got, err, want)
		}
	}
}

func parseAction(args string, meta *dataset.Meta) (*train.Tool, error) {
	var f actionFlags
	fs := flag.NewFlagSet("train", flag.ContinueOnError)
	f.set(fs)
	if err := fs.Parse(strings.Fields(args)); err != nil {
		return nil, err
	}
	return f.of(meta)
}
