package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sim2reald/calibration"
	"sim2reald/calibration/live"
	"sim2reald/daemon/control/supervisor"
	"sim2reald/robot"
)

// puppet is an arm of which a test says everything.
type puppet struct {
	machine supervisor.Machine
	went    []robot.Vector
	err     error
}

func (p *puppet) Machine() supervisor.Machine { return p.machine }

func (p *puppet) GoTo(q robot.Vector) error {
	if p.err == nil {
		p.went, p.machine.Mode = append(p.went, q), supervisor.Homing
	}
	return p.err
}

func poses() []robot.Vector { return []robot.Vector{{0.1}, {0.2}, {0.3}} }

func newDriver(p *puppet) *driver { return &driver{arm: p, next: chosen(poses()), of: 3} }

// TestDrive goes through poses: one after the other, a view at each, or a pose passed over.
func TestDrive(t *testing.T) {
	p := &puppet{}
	d := newDriver(p)
	if err := d.begin(0, 0); err == nil || !strings.Contains(err.Error(), "the daemon is disarmed; arm it first") {
		t.Fatal(err)
	}
	p.machine.Mode = supervisor.Armed
	if err := d.begin(0, 0); err != nil {
		t.Fatal(err)
	}
	if err := d.begin(0, 0); err == nil {
		t.Error("began twice")
	}
	f := &drivenFacts{joints: 1}
	d.see(f)
	if len(p.went) != 0 {
		t.Fatal("went before there was a view")
	}
	f.samples = make([]calibration.Sample, 1)
	for i, pose := range poses() {
		d.see(f)
		if len(p.went) != i+1 || p.went[i] != pose || !strings.Contains(d.words(), "on the way to pose") {
			t.Fatalf("pose %d: went %v; %s", i+1, p.went, d.words())
		}
		d.see(f) // still on the way
		f.q, p.machine.Mode = pose, supervisor.Armed
		f.now += time.Second
		d.see(f) // there
		switch i {
		case 0:
			f.samples = append(f.samples, calibration.Sample{})
		case 1:
			f.why.Reason = live.Alike
		case 2:
			f.why.Reason = live.NoBoard
			d.see(f)
			if !strings.Contains(d.words(), "at pose 3") {
				t.Error(d.words())
			}
			f.now += restLimit + 1
		}
	}
	d.see(f)
	if len(p.went) != 3 || d.words() != "done: 2 views, 2 poses without one" {
		t.Errorf("went %d times; %s", len(p.went), d.words())
	}
}

// TestDriveEnds at whatever else the arm does, and at a person's word: nothing moves after it.
func TestDriveEnds(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*puppet, *driver, *drivenFacts)
		want  string
	}{
		{"held on the way", func(p *puppet, _ *driver, f *drivenFacts) { p.machine.Mode, f.q = supervisor.Armed, robot.Vector{0.05} }, "did not arrive"},
		{"stopped", func(p *puppet, _ *driver, _ *drivenFacts) { p.machine.Mode = supervisor.Disarmed }, "the daemon is disarmed"},
		{"an emergency stop", func(p *puppet, _ *driver, _ *drivenFacts) { p.machine.Mode = supervisor.Faulted }, "the daemon is faulted"},
		{"a policy that was started", func(p *puppet, _ *driver, _ *drivenFacts) { p.machine.Mode = supervisor.Running }, "the daemon is running"},
		{"a word at rest", func(p *puppet, d *driver, f *drivenFacts) {
			p.machine.Mode, f.q = supervisor.Armed, poses()[0]
			d.see(f)
			if !d.end("an operator asked to hold") {
				t.Error("was not on a tour")
			}
		}, "an operator asked to hold"},
		{"a pose that is refused", func(p *puppet, d *driver, f *drivenFacts) {
			p.machine.Mode, f.q, p.err = supervisor.Armed, poses()[0], errors.New("joint 2 would be at 9 rad")
			d.see(f)
			f.samples = append(f.samples, calibration.Sample{})
		}, "joint 2 would be"},
	} {
		p := &puppet{machine: supervisor.Machine{Mode: supervisor.Armed}}
		d := newDriver(p)
		if err := d.begin(0, 0); err != nil {
			t.Fatal(err)
		}
		f := &drivenFacts{joints: 1, samples: make([]calibration.Sample, 1)}
		d.see(f)
		if len(p.went) != 1 {
			t.Fatalf("%s: went %d times", c.name, len(p.went))
		}
		c.spoil(p, d, f)
		d.see(f)
		p.machine.Mode, p.err, f.q = supervisor.Armed, nil, poses()[0]
		for range 3 {
			f.samples = append(f.samples, calibration.Sample{})
			f.now += time.Minute
			d.see(f)
		}
		if len(p.went) != 1 || !strings.Contains(d.words(), c.want) {
			t.Errorf("%s: went %d times; %s", c.name, len(p.went), d.words())
		}
	}
}
