package topic

import "sync/atomic"

// Drop is why a received message was not used.
type Drop uint8

const (
	// Retained messages are never motion: they were stored by the broker.
	Retained Drop = iota
	// ForeignEpoch is a message of another start of the bridge than the factsheet's.
	ForeignEpoch
	// OldSequence is a message not newer than one already seen: replayed, repeated or out of order.
	OldSequence
	// ForeignRobot names another robot.
	ForeignRobot
	// Malformed cannot be decoded or holds what cannot be.
	Malformed
	// Overflow came faster than it could be looked at.
	Overflow
	drops
)

// String names the reason as status and metrics do.
func (d Drop) String() string {
	return [...]string{"retained", "epoch", "sequence", "robot", "malformed", "overflow"}[d]
}

// DropCounts counts dropped messages by reason. It may be read while it is written.
type DropCounts [drops]atomic.Uint64

// Map is the counts by name, without the zeros.
func (c *DropCounts) Map() map[string]uint64 {
	m := map[string]uint64{}
	for d := range drops {
		if n := c[d].Load(); n > 0 {
			m[d.String()] = n
		}
	}
	return m
}

// maxSeq is where every reader of JSON still has integers exact. At a thousand messages a second it takes 285,000
// years to get there, so that a sequence never wraps.
const maxSeq = 1 << 53

// gate follows one topic of one sender. Only newer messages of the current epoch pass. allowRepeat lets the
// last sequence number pass again, because a lock-step bridge repeats its last observation until it is
// answered.
type gate struct {
	epoch       string
	seq         uint64
	allowRepeat bool
}

func (g *gate) pass(e Envelope, retained bool) (Drop, bool) {
	switch {
	case retained:
		return Retained, false
	case e.Seq < 1 || e.Seq > maxSeq || !e.Stamp.valid():
		return Malformed, false
	case e.Epoch != g.epoch:
		return ForeignEpoch, false
	case e.Seq < g.seq || (e.Seq == g.seq && !g.allowRepeat):
		return OldSequence, false
	}
	g.seq = e.Seq
	return 0, true
}
