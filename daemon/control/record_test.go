package control

import (
	"strings"
	"testing"
	"time"

	"sim2reald/daemon/control/supervisor"
	"sim2reald/robot"
)

// booked is a record of which the test says what is known.
type booked struct{ Record }

func (b *booked) Recorded(time.Duration) Record { return b.Record }

// TestRecord: what is not written down is not armed, and what moves goes on.
func TestRecord(t *testing.T) {
	book := &booked{Record{Written: true, RoomKnown: true, Room: 1000}}
	b := newBenchOf(false, func(c *Config) { c.Bounds.Room, c.Recorder = 1000, book })
	b.armAndStart(t)
	book.Record = Record{}
	if out := b.loop.Step(); out.Command.Mode != robot.Velocity || b.loop.Machine().Mode != supervisor.Running {
		t.Errorf("a moving arm holds for its record: %+v", out)
	}
	ask(t, b, supervisor.HoldStill)
	ask(t, b, supervisor.Start)
	ask(t, b, supervisor.Stop)
	for _, c := range []struct {
		known Record
		says  string
	}{
		{Record{}, "arm: disk_short, record_stopped; make room on that disk"},
		{Record{Written: true, RoomKnown: true, Room: 999}, "arm: disk_short; "},
		{Record{RoomKnown: true, Room: 1000}, "arm: record_stopped; "},
	} {
		book.Record = c.known
		if err := b.loop.Ask(supervisor.Request{Kind: supervisor.Arm}); err == nil || !strings.HasPrefix(err.Error(), c.says) {
			t.Errorf("%+v: %v", c.known, err)
		}
	}
	b.loop.cfg.Recorder = nil
	if err := b.loop.Ask(supervisor.Request{Kind: supervisor.Arm}); err == nil {
		t.Error("armed with a record that nobody tells of")
	}
	b.loop.cfg.Recorder, book.Record = book, Record{Written: true, RoomKnown: true, Room: 1000}
	ask(t, b, supervisor.Arm)
}
