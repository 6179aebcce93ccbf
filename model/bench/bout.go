package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// contender is one way to compute something, loaded and ready.
type contender interface {
	// Run does it n times and gives each time.
	Run(n int) ([]time.Duration, error)
	// Output is what the last run computed; nil where there is nothing to compare.
	Output() ([]float32, error)
	Close() error
}

// entry is a contender's place in a bout, taken or empty.
type entry struct {
	name   string  // key in rows and figures
	label  string  // in the table
	says   string  // library, version, threads, spinning
	flops  float64 // of one run; 0 for not counted
	group  string  // of those that compute the same; empty for none
	exact  bool    // its output must agree with that of the other exact ones of its group
	absent string  // why there is no contender, or none any more
	c      contender
}

// bout is contenders at the same work, run in turn.
type bout struct {
	title   string
	about   string // the work, beside the title
	entries []*entry
	only    *regexp.Regexp // names of the contenders that take part; nil for all
	times   map[string]rounds
}

// place is an entry, and how its contender is loaded.
type place struct {
	*entry
	load func() (c contender, says string, err error)
}

func (p place) take() {
	c, says, err := p.load()
	if err != nil {
		p.absent = oneLine(err.Error())
		return
	}
	p.c, p.says = c, says
}

// wanted are the places of those that take part.
func (b *bout) wanted(places []place) []place {
	return slices.DeleteFunc(places, func(p place) bool { return b.only != nil && !b.only.MatchString(p.name) })
}

// enter loads contenders one after the other. Where one cannot be loaded, its place says why.
func (b *bout) enter(places ...place) {
	for _, p := range b.wanted(places) {
		p.take()
		b.entries = append(b.entries, p.entry)
	}
}

// enterTogether loads contenders at the same time: processes that mostly wait for the disk.
func (b *bout) enterTogether(places ...place) {
	var all sync.WaitGroup
	for _, p := range b.wanted(places) {
		b.entries = append(b.entries, p.entry)
		all.Go(p.take)
	}
	all.Wait()
}

// pace says how a bout is run.
type pace struct {
	rounds int
	turn   time.Duration // what a turn's timed runs should take together, from 1 to maxRuns of them
	rest   func()        // between turns
	seed   uint64        // of the order in each round
}

const maxRuns = 10

// restTime lets the threads of the contender before go to sleep: OpenBLAS's spin for 2^26 cycles after their
// last work, some 30 ms, and those of ONNX Runtime and OpenMP for less.
const restTime = 60 * time.Millisecond

// run gives every contender one turn in every round, in an order drawn anew each round, so that whatever
// slows the machine for a while slows all. A contender that fails loses its place and its times; the others
// go on. It ends early, with what it has, when ctx does.
func (b *bout) run(ctx context.Context, p pace, progress func(string)) {
	b.times = map[string]rounds{}
	turns := b.warmUp(p, progress)
	rng := rand.New(rand.NewPCG(p.seed, 0))
	for round := range p.rounds {
		progress(fmt.Sprintf("%s: round %d of %d", b.title, round+1, p.rounds))
		for _, i := range rng.Perm(len(b.entries)) {
			if ctx.Err() != nil {
				return
			}
			if e := b.entries[i]; e.c != nil {
				b.turn(e, turns[e.name], p)
			}
		}
	}
}

// turn is one contender's in one round. Its first run is not timed: it fetches back what the others have
// driven out of the caches, and wakes the threads.
func (b *bout) turn(e *entry, n runs, p pace) {
	p.rest()
	times, err := e.c.Run(n.untimed + n.timed)
	if err != nil {
		b.lose(e, err)
		return
	}
	b.times[e.name] = append(b.times[e.name], times[n.untimed:])
}

// runs are those of one contender's turn.
type runs struct{ untimed, timed int }

// slowRun is so long that warm caches make no difference, and that waiting twice is too much.
const slowRun = time.Second

// warmUp runs every contender and gives the runs of its turns.
func (b *bout) warmUp(p pace, progress func(string)) map[string]runs {
	turns := map[string]runs{}
	for _, e := range b.entries {
		if e.c == nil {
			continue
		}
		progress(fmt.Sprintf("%s: warming up %s", b.title, e.label))
		times, err := e.c.Run(1)
		if err == nil && times[0] < slowRun {
			times, err = e.c.Run(1) // the first one still made what the others find ready
		}
		if err != nil {
			b.lose(e, err)
			continue
		}
		turns[e.name] = runsFor(p.turn, times[0])
	}
	return turns
}

// runsFor is how many runs of length each fill a turn.
func runsFor(turn, each time.Duration) runs {
	if each >= slowRun {
		return runs{0, 1}
	}
	return runs{1, int(min(max(turn/max(each, 1), 1), maxRuns))}
}

// lose empties the contender's place. Its rounds so far go, because a ratio pairs rounds by their number.
func (b *bout) lose(e *entry, err error) {
	e.absent = oneLine(err.Error())
	delete(b.times, e.name)
	if err := e.c.Close(); err != nil {
		e.absent += "; " + oneLine(err.Error())
	}
	e.c = nil
}

// close ends all contenders; their times stay.
func (b *bout) close() error {
	var errs []error
	for _, e := range b.entries {
		if e.c != nil {
			errs = append(errs, e.c.Close())
			e.c = nil
		}
	}
	return errors.Join(errs...)
}

// find is the entry of that name, nil if the bout has none.
func (b *bout) find(name string) *entry {
	for _, e := range b.entries {
		if e.name == name {
			return e
		}
	}
	return nil
}

// oneLine keeps an error of several lines within its row.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
