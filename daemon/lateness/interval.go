package main

import (
	"math/rand/v2"
	"slices"

	"sim2reald/daemon/metrics"
)

const (
	resamples  = 1000
	confidence = 0.95
)

// cell is what both contenders came to in one place: a turn of each a round.
type cell struct {
	turns   [2][]*tally
	journey journey
}

// total is all turns of a contender together.
func (c *cell) total(contender int) *tally {
	all := new(tally)
	for _, t := range c.turns[contender] {
		all.lateness.Add(&t.lateness)
		all.class, all.skipped, all.flood = t.class, all.skipped+t.skipped, t.flood
	}
	return all
}

// ratio is a value and what it may as well have been.
type ratio struct{ value, low, high float64 }

// ratio is Go's p99.9 by C's, with a bootstrap interval over rounds: ticks that follow each other meet the same hiccup
// of the machine and are no independent draws, and neither are the two turns of a round.
func (c *cell) ratio() ratio {
	rng := rand.New(rand.NewPCG(1, 2))
	rounds := make([]int, len(c.turns[contenderGo]))
	for i := range rounds {
		rounds[i] = i
	}
	r := ratio{value: c.ratioOf(rounds)}
	drawn := make([]float64, resamples)
	for i := range drawn {
		for j := range rounds {
			rounds[j] = rng.IntN(len(rounds))
		}
		drawn[i] = c.ratioOf(rounds)
	}
	slices.Sort(drawn)
	tail := int(resamples * (1 - confidence) / 2)
	r.low, r.high = drawn[tail], drawn[resamples-1-tail]
	return r
}

func (c *cell) ratioOf(rounds []int) float64 {
	var late [2]metrics.Histogram
	for _, i := range rounds {
		for contender := range late {
			late[contender].Add(&c.turns[contender][i].lateness)
		}
	}
	return late[contenderGo].Spread().P999 / late[contenderC].Spread().P999
}
