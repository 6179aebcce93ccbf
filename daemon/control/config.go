package control

import (
	"time"

	"sim2reald/camera"
	"sim2reald/daemon/control/supervisor"
	"sim2reald/robot"
	"sim2reald/robot/limit/space"
)

// Rig is the arm as the loop needs it.
type Rig interface {
	// State is the newest measurement, false before the first. It must not allocate.
	State() (robot.State, bool)
}

// Way is what is known of the way to the bridge, and of the right to command it.
type Way struct {
	Heard   bool          // the bridge has answered an echo
	EchoAge time.Duration // since the newest answer
	Skew    time.Duration // of the bridge's wall clock against ours
	Leased  bool          // this daemon may command
	Taken   bool          // another daemon may
}

// Wayfinder tells it, on the loop's clock. It must not allocate.
type Wayfinder interface{ Way(now time.Duration) Way }

// Record is what is known of the record of what is sent.
type Record struct {
	Written   bool // it is written, and did not have to stop
	RoomKnown bool
	Room      int64 // on its disk, bytes
}

// Recorder tells it, on the loop's clock. It must not allocate.
type Recorder interface {
	Recorded(now time.Duration) Record
}

// Config is what a loop is built from.
type Config struct {
	Pilot         // who is at the controls first
	Rig           Rig
	Way           Wayfinder // nil: nothing is known, and nothing may move
	Recorder      Recorder  // nil: nothing is known, and with Bounds.Room nothing is armed
	Cameras       []*camera.Latest
	Together      time.Duration // within which pictures of several cameras must have been taken to be looked at as one
	Joints        int
	Limits        robot.Limits         // of the arm that is there: beyond them nothing may be measured
	Space         *space.Space         // of what the arm may hit; nil where nothing is known of it, as in tests
	HomeSpeed     float64              // part of the speed limits on the way home, of HomeSpeed at most; 0: HomeSpeed
	Home          robot.Vector         // rad, where a request for home brings it
	Period        time.Duration        // of the tick, and dt of the limiter
	ControlPeriod time.Duration        // of the policy's rows
	Ensemble      Ensemble             // of its plans
	Bounds        supervisor.Bounds    // of a real-time loop; those of a lock-step one are made from them
	Lockstep      bool                 // the bridge's stamps are the clock
	Clock         func() time.Duration // monotonic, since process start
	Send          func(Output) error   // puts a command on the wire
	Resend        func() error         // puts the last one on the wire again, lock-step only
	OnAnswer      func(Answer)         // sees every answer in lock-step, for recording; nil for none
	Scheduling    Scheduling           // of the tick's thread in real time
	OnScheduled   func(Granted)        // is told what came of it, before the first tick; nil for nobody
	FirstFault    uint64               // fault ids rise from here, see supervisor.Fault
}

// Ensemble says how plans that overlap are followed, see upsample. Its zero value follows the newest alone.
type Ensemble struct {
	Plans int     // so many of the newest are averaged; 0 and 1 follow the newest alone
	Decay float64 // of the weights exp(-Decay·i), i = 0 for the oldest
}

// Output is one tick's command, ready to be sent.
type Output struct {
	Command robot.Command
	Reason  Reason
	State   robot.State // the measurement that it answers
	Seen    time.Duration
	Bundle  string // of the pilot
}

// Answer is an observation's answer with what was wanted, for the record.
type Answer struct {
	Output Output
	Wanted robot.Command
}
