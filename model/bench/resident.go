package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"

	"sim2reald/model/serving"
)

// residentCounts are the numbers of bundles whose memory is measured.
func residentCounts() []int { return []int{1, 8, 64} }

// targetBundle is what a further resident bundle may take of memory, by the bytes of its parameters.
const targetBundle = 1.1

// occupancy is what a process with so many bundles on one base takes.
type occupancy struct {
	Bundles  int   `json:"bundles"`
	Resident int64 `json:"resident_bytes"` // of the whole process
	Params   int64 `json:"params_bytes"`   // of one bundle
	Base     int64 `json:"base_bytes"`     // of the frozen parameters
}

// occupy makes n bundles resident in this process, asks each once, and says what that takes. It is run in a
// process of its own, where nothing else has been.
func (l *lab) occupy(s subject, n int, out io.Writer) error {
	m := &material{subject: s, image: noise(3*s.side*s.side, l.seed)}
	if err := m.build(l.seed); err != nil {
		return err
	}
	m.values = frozenNoise(m.adapted, l.seed)
	o := occupancy{Bundles: n}
	for _, t := range m.values {
		o.Base += int64(len(t.Data))
	}
	base, err := l.openBase(m, 1)
	if err != nil {
		return err
	}
	m.values = nil
	bundles, err := m.fill(base, n)
	if err == nil {
		o.Params = int64(bundles[0].resident.Bytes())
		debug.FreeOSMemory() // what was only needed to get here
		o.Resident, err = resident()
	}
	for _, b := range bundles {
		err = errors.Join(err, b.Close())
	}
	if err = errors.Join(err, base.Close()); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(o)
}

func (m *material) fill(base *serving.Base, n int) (bundles []*served, err error) {
	for i := range n {
		params, err := m.otherParams(uint64(i))
		if err != nil {
			return bundles, err
		}
		b, err := m.serve(base, params)
		if err != nil {
			return bundles, err
		}
		bundles = append(bundles, b)
		if err := b.once(); err != nil {
			return bundles, err
		}
	}
	return bundles, nil
}

// memoryFigures start this program once for each number of bundles.
func (c *course) memoryFigures(ctx context.Context, s subject) []figure {
	var out []figure
	var all []occupancy
	for _, n := range residentCounts() {
		f := figure{What: fmt.Sprintf("%s: memory of the process with %d resident bundles", s.label, n), Unit: "MB"}
		o, err := c.occupancy(ctx, s, n)
		if err != nil {
			f.Absent = oneLine(err.Error())
		} else {
			f.Value = float64(o.Resident) / 1e6
			all = append(all, o)
		}
		out = append(out, f)
	}
	return append(out, furtherBundle(s, all)...)
}

// furtherBundle is the growth from the first to the last, by bundle.
func furtherBundle(s subject, all []occupancy) []figure {
	f := figure{What: s.label + ": memory of a further bundle / its parameters", Unit: "x", AtMost: asNumber(targetBundle)}
	if len(all) < 2 {
		f.Absent = "fewer than two numbers of bundles were measured"
		return []figure{f}
	}
	a, b := all[0], all[len(all)-1]
	f.Value = float64(b.Resident-a.Resident) / float64(b.Bundles-a.Bundles) / float64(b.Params)
	return []figure{
		{What: s.label + ": parameters of the base", Unit: "MB", Value: float64(a.Base) / 1e6},
		{What: s.label + ": parameters of a bundle", Unit: "MB", Value: float64(a.Params) / 1e6},
		f,
	}
}

func (c *course) occupancy(ctx context.Context, s subject, n int) (o occupancy, err error) {
	self, err := os.Executable()
	if err != nil {
		return o, err
	}
	cmd := exec.CommandContext(ctx, self, "-resident", strconv.Itoa(n), "-only", s.label, "-library", c.set.library, "-scratch", c.scratch)
	var errs strings.Builder
	cmd.Stderr = &errs
	text, err := cmd.Output()
	if err != nil {
		return o, fmt.Errorf("%w: %s", err, oneLine(errs.String()))
	}
	return o, json.Unmarshal(text, &o)
}
