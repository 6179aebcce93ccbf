package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"sync"
	"time"

	"sim2reald/calibration"
	"sim2reald/calibration/live"
	"sim2reald/calibration/opencv"
	"sim2reald/camera"
	"sim2reald/camera/encoded"
	"sim2reald/daemon/topic"
	"sim2reald/daemon/web"
	"sim2reald/robot"
)

// sitter looks at a camera's pictures for a calibration in the making, and does what its page asks.
type sitter struct {
	flags *liveFlags
	board calibration.Board
	eye   *camera.Latest
	clock func() time.Duration
	arm   func() (robot.State, *live.Arm) // nil without one
	lens  calibration.LensResult          // known already, of hand-eye
	robot string                          // whose hand it is
	drive *driver                         // nil where nothing is commanded
	mode  func() topic.Status             // of the arm that is commanded
	wall  func() time.Time                // dates the result
	say   io.Writer                       // for the terminal, as the commands on files do

	joints int    // of the arm
	grey   []byte // of the looking goroutine

	mu      sync.Mutex
	session *live.Session
	write   func() error // the result to its file; nil while there is none
	picture web.Picture  // the newest, with what was found in it
}

// look takes pictures until ctx ends. It fails when they are no longer those of the calibration.
func (s *sitter) look(ctx context.Context) error {
	var f camera.Frame
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.eye.Updated():
		}
		if s.eye.Read(&f, s.clock(), time.Duration(math.MaxInt64)) != nil {
			continue
		}
		if err := s.see(&f); err != nil {
			return err
		}
	}
}

func (s *sitter) see(f *camera.Frame) error {
	p := greyOf(f, s.grey)
	s.grey = p.Grey
	corners, err := opencv.FindQuickly(p, s.board)
	if err != nil {
		return err
	}
	l := live.Look{At: f.Arrival, Width: f.Width, Height: f.Height, Corners: corners}
	l.EdgeWidth = calibration.EdgeWidth(p, calibration.View{Corners: corners})
	var state robot.State
	if s.arm != nil {
		state, l.Arm = s.arm()
	}
	why, err := s.take(l)
	if err != nil {
		return err
	}
	if s.drive != nil {
		s.steer(state, why)
	}
	mark(f, corners, why.Reason == live.Kept)
	data, err := encoded.JPEG(f)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.picture = web.Picture{Seq: f.Seq, ContentType: "image/jpeg", Data: data}
	s.mu.Unlock()
	return nil
}

// steer lets the driver decide from what was seen.
func (s *sitter) steer(state robot.State, why live.Why) {
	s.mu.Lock()
	samples := s.session.Samples()
	s.mu.Unlock()
	s.drive.see(&drivenFacts{now: s.clock(), q: state.Q, joints: s.joints, why: why, samples: samples})
}

// take hands the session what was seen. After each further view of a lens, what is known of it is better.
func (s *sitter) take(l live.Look) (live.Why, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.session.Kept()
	why, err := s.session.See(l)
	if err != nil || s.session.Kept() == before {
		return why, err
	}
	s.write = nil
	if s.flags.kind == "" {
		if found, _, _, err := s.fitLens(); err == nil { // else the lens that was known still serves
			s.session.Sighted(found.Lens)
		}
	}
	return why, nil
}

func (s *sitter) fitLens() (calibration.Solution, []calibration.View, []calibration.LeftOut, error) {
	width, height := s.session.Size()
	return calibration.FitLens(opencv.Solver{}, s.board, s.session.Views(), width, height,
		calibration.Model(s.flags.model), calibration.DefaultCriteria())
}

// Ask does what the page asks.
func (s *sitter) Ask(kind string, view int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch kind {
	case "start":
		s.write = nil
		s.session.Collect(true)
	case "pause":
		s.session.Collect(false)
	case "clear":
		s.write = nil
		s.session.Clear()
	case "drop":
		s.write = nil
		return s.session.Drop(view)
	case "solve":
		return s.solve()
	case "save":
		return s.save()
	case "drive":
		return s.beginDrive()
	default:
		return fmt.Errorf("request %q is unknown; ask for start, pause, clear, drop, solve, save or drive", kind)
	}
	return nil
}

// solve computes from what is kept now; pictures wait meanwhile.
func (s *sitter) solve() error {
	s.write = nil
	solve := s.solveLens
	if s.flags.kind != "" {
		solve = s.solveHand
	}
	result, err := solve()
	s.session.Solved(result, err)
	return err
}

func (s *sitter) solveLens() (*live.Result, error) {
	found, used, out, err := s.fitLens()
	if err != nil {
		return nil, err
	}
	f := s.flags.lens()
	r := calibration.LensResult{
		Record: calibration.Record{Date: s.wall(), Serial: f.serial, Samples: len(used), RMS: found.RMS},
		Name:   f.name, Lens: found.Lens, SD: found.SD,
	}
	s.session.Sighted(found.Lens)
	tellLens(r, calibration.Covered(r.Lens.Width, r.Lens.Height, used, found.TCameraBoard), s.say)
	s.write = func() error { return f.write(r) }
	return live.Lens(r, s.board, used, found.TCameraBoard, out), nil
}

func (s *sitter) solveHand() (*live.Result, error) {
	r, err := calibration.FitHandEye(calibration.Kind(s.flags.kind), s.lens.Lens, s.board, s.session.Samples(), solvers(s.say))
	if err != nil {
		return nil, err
	}
	r.Date, r.Serial, r.Robot = s.wall(), s.lens.Serial, s.robot
	tellLeftOut(r, s.say)
	tellHandEye(r, s.say)
	f := s.flags.hand()
	s.write = func() error { return f.write(r, s.say) }
	return live.Hand(r), nil
}

// beginDrive sends the arm on its tour, and keeps views from here on.
func (s *sitter) beginDrive() error {
	if s.drive == nil {
		return errNoArm
	}
	if err := s.drive.begin(s.clock(), s.session.Kept()); err != nil {
		return err
	}
	s.write = nil
	s.session.Collect(true)
	return nil
}

func (s *sitter) save() error {
	if s.write == nil {
		return fmt.Errorf("save: there is no result; solve first")
	}
	if err := s.write(); err != nil {
		return fmt.Errorf("save: %w", err)
	}
	s.session.Saved(s.flags.out)
	fmt.Fprintln(s.say, "wrote", s.flags.out)
	return nil
}

// shownSitting is what the page gets.
type shownSitting struct {
	live.Shown
	Camera string    `json:"camera"`
	What   string    `json:"what"`
	Arm    *shownArm `json:"arm"` // null where nothing is commanded
}

// shownArm is the arm that is commanded.
type shownArm struct {
	Mode  string `json:"mode"`
	Why   string `json:"why"`
	Fault uint64 `json:"fault"`
	Drive string `json:"drive"`
}

// Shown is for the page.
func (s *sitter) Shown() any {
	var arm *shownArm
	if s.drive != nil {
		m := s.mode()
		arm = &shownArm{Mode: m.Mode, Why: m.Why, Fault: m.Fault, Drive: s.drive.words()}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return shownSitting{Shown: s.session.Shown(), Camera: s.eye.Camera(), What: s.flags.what(s.board), Arm: arm}
}

// seen is the newest picture, with what was found in it; without data before the first.
func (s *sitter) seen(name string) (web.Picture, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.picture, name == s.eye.Camera()
}
