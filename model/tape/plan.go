package tape

/*
#include "tape.h"
*/
import "C"

import (
	"fmt"
	"slices"
	"unsafe"

	"gorgonia.org/gorgonia"
)

// line is the number of floats that memory is aligned to: a cache line.
const line = 16

// span is memory that a result takes, from the op that makes it to the last that reads it.
type span struct{ from, size, until int }

// plan gives every op its place in the order of running, and memory that no result shares with another that is
// still needed: a deep network fits into the cache that its widest layers need.
func (t *tape) plan() error {
	order, err := gorgonia.Sort(t.g)
	if err != nil {
		return fmt.Errorf("ordering the tape: %w", err)
	}
	slices.Reverse(order)
	order = slices.DeleteFunc(order, func(n *gorgonia.Node) bool { return n.Op() == nil })
	if len(order) != len(t.nodes) {
		return fmt.Errorf("%d ops were ordered, %d made: %w", len(order), len(t.nodes), ErrTape)
	}
	total, where := layOut(order, t.lastUses(order))
	if err := fits("results", total); err != nil {
		return err
	}
	memory := aligned(total)
	for i, n := range order {
		o := n.Op().(*op)
		t.order = append(t.order, o)
		o.place, o.out = i, vector(memory[where[i]:where[i]+o.size:where[i]+o.size])
	}
	return nil
}

// lastUses gives for each op the place of the last that reads it.
func (t *tape) lastUses(order gorgonia.Nodes) []int {
	place := map[*gorgonia.Node]int{}
	uses := make([]int, len(order))
	for i, n := range order {
		place[n], uses[i] = i, i
		for _, in := range n.Op().(*op).in {
			if k, ok := place[in]; ok {
				uses[k] = i
			}
		}
	}
	for i, n := range order {
		if t.kept[n] {
			uses[i] = len(order)
		}
	}
	return uses
}

// layOut puts each result at the lowest place that is free for its whole life, or where the input lies that it
// may overwrite.
func layOut(order gorgonia.Nodes, uses []int) (total int, where []int) {
	var live []span
	where = make([]int, len(order))
	place := map[*gorgonia.Node]int{}
	for i, n := range order {
		place[n] = i
		o := n.Op().(*op)
		s := span{size: (o.size + line - 1) / line * line, until: uses[i]}
		if k, ok := overwritten(n, place, uses); ok {
			live = slices.DeleteFunc(live, func(s span) bool { return s.from == where[k] && s.until == i })
			s.from = where[k]
		} else {
			s.from = lowest(live, s.size)
		}
		where[i], total = s.from, max(total, s.from+s.size)
		live = append(slices.DeleteFunc(live, func(s span) bool { return s.until <= i }), s)
		slices.SortFunc(live, func(a, b span) int { return a.from - b.from })
	}
	return total, where
}

// overwritten is the op whose result n may write over: of the same size, and read by nothing after n.
func overwritten(n *gorgonia.Node, place map[*gorgonia.Node]int, uses []int) (int, bool) {
	o := n.Op().(*op)
	if o.over < 0 {
		return 0, false
	}
	k, ok := place[o.in[o.over]]
	return k, ok && uses[k] == place[n] && o.in[o.over].Op().(*op).size == o.size
}

// lowest finds room among spans in order of their places.
func lowest(live []span, size int) int {
	at := 0
	for _, s := range live {
		if s.from-at >= size {
			break
		}
		at = max(at, s.from+s.size)
	}
	return at
}

// aligned is memory that begins with a cache line. Where it is large the kernel is asked for large pages: what
// streams through it would else miss the table of pages at every step.
func aligned(size int) []float32 {
	memory := make([]float32, size+line)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(memory))) / 4 % line)
	memory = memory[skip : skip+size : skip+size]
	C.tape_large_pages(unsafe.Pointer(at(memory)), C.size_t(4*size))
	return memory
}
