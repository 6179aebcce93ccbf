package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sim2reald/daemon/config"
	"sim2reald/daemon/topic"
	"sim2reald/robot"
)

// bookOf is the record of a workcell that is there in name alone, watched by nobody but the test.
func bookOf(t *testing.T, edit func(*config.Recording)) (b *logbook, now *atomic.Int64) {
	t.Helper()
	now = new(atomic.Int64)
	now.Store(1)
	cfg := config.Default()
	cfg.Recording.Folder, cfg.Recording.FreeMB = filepath.Join(t.TempDir(), "record"), 1
	edit(&cfg.Recording)
	w := &workcell{cfg: cfg, log: newLog(), model: robot.Panda(), clock: func() time.Duration { return time.Duration(now.Load()) }}
	b, err := w.openRecord("base")
	if err != nil {
		t.Fatal(err)
	}
	b.end()
	b.watched.Wait()
	return b, now
}

func TestLogbookHoldsWhatWasSent(t *testing.T) {
	b, _ := bookOf(t, func(*config.Recording) {})
	state := &robot.State{Seq: 4, Q: robot.Vector{0.5, 7: 9}, DQ: robot.Vector{6: -1}, Accepted: 3}
	for seq, reason := range []string{"disarmed", "disarmed", "", "holding", "disarmed", "disarmed"} {
		b.put(topic.JointCommand{Envelope: topic.Envelope{Seq: uint64(seq)}, Reason: reason, Velocity: []float64{0.25}}, state)
	}
	if known := b.Recorded(1); !known.Written || !known.RoomKnown || known.Room < 1<<20 || !strings.HasPrefix(b.inWords(), "into "+b.cfg.Folder+"; ") {
		t.Errorf("%+v, %s", known, b.inWords())
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(b.cfg.Folder, "000000001.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	var head recordHead
	if err := json.Unmarshal([]byte(lines[0]), &head); err != nil || head.Schema != recordSchema || head.Robot != "kitchen" || len(head.Joints) != 7 {
		t.Errorf("head %s, %v", lines[0], err)
	}
	var seqs []uint64
	for _, text := range lines[1 : len(lines)-1] {
		var l recordLine
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		seqs = append(seqs, l.Command.Seq)
		if len(l.State.Q) != 7 || l.State.Q[0] != 0.5 || l.State.DQ[6] != -1 || l.State.Accepted != 3 || l.Command.Velocity[0] != 0.25 {
			t.Errorf("%s", text)
		}
	}
	if len(seqs) != 4 || seqs[0] != 0 || seqs[1] != 2 || seqs[2] != 3 || seqs[3] != 4 {
		t.Errorf("recorded %v, want the disarmed daemon's first each time, and the rest", seqs)
	}
}

// TestLogbookBeginsAgain: without room nothing is recorded, and that is said; once there is some, it begins by itself.
func TestLogbookBeginsAgain(t *testing.T) {
	b, now := bookOf(t, func(r *config.Recording) { r.FreeMB = 1 << 30 })
	b.put(topic.JointCommand{}, &robot.State{})
	if known := b.Recorded(1); known.Written || !known.RoomKnown || !strings.HasPrefix(b.inWords(), "none: recording in "+b.cfg.Folder+" did not begin: too little room") {
		t.Errorf("%+v, %s", known, b.inWords())
	}
	b.cfg.FreeMB = 1
	now.Store(int64(recordAgain))
	if b.again(); b.Recorded(1).Written {
		t.Error("begun again at once")
	}
	now.Store(int64(recordAgain) + 1)
	if b.again(); !b.Recorded(1).Written {
		t.Errorf("not begun again: %s", b.inWords())
	}
	b.put(topic.JointCommand{}, &robot.State{})
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(b.cfg.Folder, "000000001.jsonl"))
	if err != nil || strings.Count(string(text), "\n") != 2 {
		t.Errorf("%q, %v", text, err)
	}
}

// TestLogbookOfASilentDisk: what was known of its room is known for a while.
func TestLogbookOfASilentDisk(t *testing.T) {
	b, now := bookOf(t, func(*config.Recording) {})
	defer b.Close()
	for at, want := range map[time.Duration]bool{1 + roomKnownFor: true, 2 + roomKnownFor: false} {
		now.Store(int64(at))
		if got := b.Recorded(at).RoomKnown; got != want || strings.HasSuffix(b.inWords(), "room unknown: the disk does not answer") == want {
			t.Errorf("after %v: known %t, %s", at, got, b.inWords())
		}
	}
}

func TestRecordRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w := &workcell{cfg: config.Default(), log: newLog(), model: robot.Panda(), clock: func() time.Duration { return 1 }}
	w.cfg.Recording.Folder = file
	if _, err := w.openRecord("base"); err == nil || !strings.HasPrefix(err.Error(), "recording.folder: ") {
		t.Errorf("%v", err)
	}
	w.cfg.Recording.Folder = ""
	if b, err := w.openRecord("base"); b != nil || err != nil || w.bounds().Room != 0 || b.inWords() != "" {
		t.Errorf("%v, %v: nothing was asked for", b, err)
	}
	w.record = new(logbook)
	if got := w.bounds().Room; got != 1024<<20 {
		t.Errorf("%d bytes must be free", got)
	}
}
