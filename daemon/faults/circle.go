package main

import (
	"fmt"
	"slices"

	"sim2reald/model/adapter"
	"sim2reald/model/bundle"
	"sim2reald/model/safetensors"
)

// The circle: with x and y the first two joints' distances from home in rad,
//
//	dx = speed·sat(gain·(y + outwards·x)) - back·x,  dy = speed·sat(gain·(outwards·y - x)) - back·y
//
// in rad/s, where sat is the identity within [-1, 1]. Near home it spirals outwards, far from home it comes back, so that
// the arm never stands still and never meets a limit. sat is two rectifiers: sat(u) = relu(u+1) - relu(u-1) - 1.
const (
	speed, gain, outwards, back = 0.36, 3.0, 0.5, 0.3
	hidden                      = 8    // two rectifiers and one number passed on, for each of the two joints, and a trap
	lift                        = 10.0 // keeps the number that is passed on positive, which a rectifier lets through
)

// trap is nonsense in wait: beyond trapAt the fourth joint is wanted to move with inner·outer·(distance) rad/s, which
// may be more than a number can hold, or with that less the same.
type trap struct {
	name         string
	inner, outer float32
	undone       bool
}

// trapAt is a place of the first joint's that the circle passes: below it, rad. Bundles are tried on a few random
// observations when they are loaded, all of which lie above.
const trapAt = -0.25

// set adds the trap to a head's layers, in its last two rectifiers.
func (t trap) set(first, bias, second []float32, in, own int) {
	for k, sign := range []float32{1, -1} {
		row := hidden - 2 + k
		first[row*in+own], bias[row] = -t.inner, t.inner*trapAt
		if k == 0 || t.undone {
			second[3*hidden+row] = sign * t.outer
		}
	}
}

// writeCircle sets the head's weights by hand.
func writeCircle(path string, m bundle.Manifest, t trap) error {
	network, err := m.Network()
	if err != nil {
		return err
	}
	tensors, err := network.Init(adapter.Start{Seed: 7})
	if err != nil {
		return err
	}
	in, n := network.Head.In, len(m.Action.Dimensions)
	joints := len(m.Robot.JointNames)
	first, second := make([]float32, hidden*in), make([]float32, n*hidden)
	bias, offset := make([]float32, hidden), make([]float32, n)
	for j := range 2 {
		own, other := in-joints+j, in-joints+1-j
		turn := float32(gain * (1 - 2*float64(j))) // the second joint turns against the first
		for k, b := range []float32{1, -1} {
			row := 3*j + k
			first[row*in+own], first[row*in+other], bias[row] = gain*outwards, turn, b
			second[j*hidden+row] = speed * b
		}
		row := 3*j + 2
		first[row*in+own], bias[row] = 1, lift
		second[j*hidden+row], offset[j] = -back, back*lift-speed
	}
	t.set(first, bias, second, in, in-joints)
	tensors["head.0.weight"] = safetensors.Float32([]int{hidden, in}, first)
	tensors["head.0.bias"] = safetensors.Float32([]int{hidden}, bias)
	tensors["head.1.weight"] = safetensors.Float32([]int{n, hidden}, second)
	tensors["head.1.bias"] = safetensors.Float32([]int{n}, offset)
	ones := slices.Repeat([]float32{1}, n)
	tensors[bundle.ActionMean] = safetensors.Float32([]int{n}, make([]float32, n))
	tensors[bundle.ActionStd] = safetensors.Float32([]int{n}, ones)
	tensors[bundle.ProprioMean] = safetensors.Float32([]int{joints}, home())
	tensors[bundle.ProprioStd] = safetensors.Float32([]int{joints}, ones[:joints])
	b, err := bundle.New(m, tensors)
	if err != nil {
		return fmt.Errorf("making the suite's bundle: %w", err)
	}
	return b.Save(path)
}

// home is where the arm starts, give or take 0.2 rad: HOME of arm.py.
func home() []float32 { return []float32{0, -0.5, 0, -2, 0, 1.8, 0} }
