package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"sim2reald/daemon/config"
	"sim2reald/daemon/control"
	"sim2reald/daemon/recording"
	"sim2reald/daemon/topic"
	"sim2reald/robot"
)

const (
	// roomPeriod is how often it is asked how much room the record's disk has.
	roomPeriod = time.Second
	// roomKnownFor is how long an answer counts: a disk that hangs gives none.
	roomKnownFor = 5 * time.Second
	// recordAgain is how long after it had to stop a record is tried again.
	recordAgain = 10 * time.Second
)

// logbook writes down what `run` sends and what was measured, beside the loop.
type logbook struct {
	cfg    config.Recording
	head   recordHead
	clock  func() time.Duration
	log    *slog.Logger
	joints int
	idle   bool // the last line was of a disarmed daemon; of whoever puts, alone

	current  atomic.Pointer[recording.Log] // nil before the first that could be begun
	room     atomic.Int64                  // bytes
	measured atomic.Int64                  // when, on the clock; 0 for never

	mu      sync.Mutex
	stopped error         // why nothing is written; nil while it is
	since   time.Duration // when it stopped

	end     context.CancelFunc
	watched sync.WaitGroup
}

// recordHead is the first line of each file.
type recordHead struct {
	Schema string    `json:"schema"`
	Daemon string    `json:"daemon"`
	Robot  string    `json:"robot"`
	Model  string    `json:"model"`
	Joints []string  `json:"joints"`
	Base   string    `json:"base"`
	Began  time.Time `json:"began"` // of the daemon, by the wall
}

const recordSchema = "sim2reald.record/1"

// recordLine is a command as it was sent, with the measurement that it answers. Numbers are SI units.
type recordLine struct {
	At      float64            `json:"at"` // s since the daemon began
	Command topic.JointCommand `json:"command"`
	State   recordedState      `json:"state"`
}

type recordedState struct {
	Arrived       float64   `json:"arrived"` // s since the daemon began
	Q             []float64 `json:"q"`
	DQ            []float64 `json:"dq"`
	Gripper       float64   `json:"gripper"`
	Moving        bool      `json:"moving"`
	EmergencyStop bool      `json:"emergency_stop"`
	Faulted       bool      `json:"faulted"`
	Step          int       `json:"step"`
	Accepted      uint64    `json:"accepted"`
	Refused       uint64    `json:"refused"`
}

// openRecord begins the record of a workcell's commands, nil where none is asked for. A disk without room is no error:
// what is recorded, and not, is said, and nothing is armed until there is room.
func (w *workcell) openRecord(base string) (*logbook, error) {
	cfg := w.cfg.Recording
	if cfg.Folder == "" {
		return nil, nil
	}
	b := &logbook{cfg: cfg, clock: w.clock, log: w.log, joints: w.model.N(), head: recordHead{
		Schema: recordSchema, Daemon: version, Robot: w.cfg.Robot.Name, Model: w.model.Name, Joints: w.model.Joints,
		Base: base, Began: time.Now().Add(-w.clock()).UTC(),
	}}
	err := b.begin()
	if err != nil && !errors.Is(err, recording.ErrShort) && !errors.Is(err, syscall.ENOSPC) {
		return nil, asMisconfigured(fmt.Errorf("recording.folder: %w; name a folder that the daemon may write to, or \"\"", err))
	}
	b.measure()
	watching, end := context.WithCancel(context.Background())
	b.end = end
	b.watched.Go(func() { b.watch(watching) })
	return b, nil
}

// begin begins a record, or says why there is none.
func (b *logbook) begin() error {
	const mb = 1 << 20
	bounds := recording.Bounds{File: int64(b.cfg.FileMB) * mb, All: int64(b.cfg.TotalMB) * mb, Free: int64(b.cfg.FreeMB) * mb}
	l, err := recording.CreateIn(b.cfg.Folder, b.head, bounds, b.stop)
	if err != nil {
		b.stop(fmt.Errorf("recording in %s did not begin: %w", b.cfg.Folder, err))
		return err
	}
	b.mu.Lock()
	b.stopped = nil
	b.mu.Unlock()
	b.current.Store(l)
	b.log.Info("recording", "folder", b.cfg.Folder)
	return nil
}

// stop takes note that nothing is written any more. A record calls it with its own lock held.
func (b *logbook) stop(why error) {
	now := b.clock()
	b.mu.Lock()
	news := b.stopped == nil // not each time that it is tried again
	b.stopped, b.since = why, now
	b.mu.Unlock()
	if news {
		b.log.Error("the daemon goes on without its record, and arms no more", "cause", why)
	}
}

// watch asks for the room, and begins again what had to stop, until ctx ends. It is the only one that waits for a disk.
func (b *logbook) watch(ctx context.Context) {
	each(ctx, roomPeriod, func() {
		b.measure()
		b.again()
	})
}

func (b *logbook) measure() {
	room, err := recording.Room(b.cfg.Folder)
	if err != nil {
		return // nothing is known then, and after a while that counts
	}
	b.room.Store(room)
	b.measured.Store(int64(max(1, b.clock())))
}

func (b *logbook) again() {
	b.mu.Lock()
	due := b.stopped != nil && b.clock()-b.since >= recordAgain
	b.mu.Unlock()
	if !due {
		return
	}
	if l := b.current.Swap(nil); l != nil {
		_ = l.Close() // why it stopped has been told
	}
	_ = b.begin() // tells by itself
}

// put takes one command as it was sent. It does not wait. Of a daemon that stays disarmed the first one will do.
func (b *logbook) put(msg topic.JointCommand, s *robot.State) {
	idle := msg.Reason == control.ReasonDisarmed.String()
	skip := idle && b.idle
	b.idle = idle
	l := b.current.Load()
	if skip || l == nil {
		return
	}
	l.Put(recordLine{At: b.clock().Seconds(), Command: msg, State: recordedState{
		Arrived: s.Arrival.Seconds(), Q: slices.Clone(s.Q[:b.joints]), DQ: slices.Clone(s.DQ[:b.joints]), Gripper: s.Gripper,
		Moving: s.Moving, EmergencyStop: s.EmergencyStop, Faulted: s.Faulted, Step: s.Step, Accepted: s.Accepted, Refused: s.Refused,
	}})
}

// Recorded is what the supervisor asks.
func (b *logbook) Recorded(now time.Duration) control.Record {
	measured := time.Duration(b.measured.Load())
	b.mu.Lock()
	defer b.mu.Unlock()
	return control.Record{
		Written: b.stopped == nil, Room: b.room.Load(), RoomKnown: measured > 0 && now-measured <= roomKnownFor,
	}
}

// inWords is for the status.
func (b *logbook) inWords() string {
	if b == nil {
		return ""
	}
	known := b.Recorded(b.clock())
	text := "into " + b.cfg.Folder
	if b.mu.Lock(); b.stopped != nil {
		text = "none: " + b.stopped.Error()
	}
	b.mu.Unlock()
	if !known.RoomKnown {
		return text + "; room unknown: the disk does not answer"
	}
	return fmt.Sprintf("%s; %d MB free", text, known.Room>>20)
}

// Close ends the record once all of it is written. That it had to stop has been told.
func (b *logbook) Close() error {
	b.end()
	b.watched.Wait()
	if l := b.current.Load(); l != nil {
		_ = l.Close()
	}
	return nil
}
