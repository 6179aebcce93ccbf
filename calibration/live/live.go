// Package live decides, picture by picture, what a calibration keeps while a person moves a board, or an arm.
//
// What belongs here: when a view is kept and why it is not, what the views cover so far, and what a person is shown.
// Time comes in with each picture. What does not: finding boards in pictures (calibration/opencv), the solvers
// (calibration), and who moves the arm or serves the page (daemon).
package live

import (
	"fmt"
	"time"

	"sim2reald/calibration"
)

// Config is what is calibrated, and with what.
type Config struct {
	Board    calibration.Board
	Kind     calibration.Kind  // of hand-eye; "" for a lens
	Model    calibration.Model // of the lens that is sought
	Lens     calibration.Lens  // known already, of hand-eye
	Criteria calibration.Criteria
}

// Look is what one picture shows.
type Look struct {
	At            time.Duration // when the picture came, on the receiver's clock
	Width, Height int           // px
	Corners       []calibration.Corner
	EdgeWidth     float64 // px, by calibration.EdgeWidth
	Arm           *Arm    // where the arm was measured when the picture came; nil without one
}

// Arm is one measurement of it.
type Arm struct {
	TBaseFlange calibration.Transform
	Moving      bool // as the bridge says
}

// kept is one view, under a number that it keeps.
type kept struct {
	id   int
	view calibration.View
	arm  calibration.Transform // T_base_flange, of hand-eye
	face face
}

// Session is one calibration in the making. It is not safe for concurrent use.
type Session struct {
	cfg           Config
	width, height int // px, of the first picture
	collecting    bool
	rest          rest
	kept          []kept
	next          int // id
	why           Why // of the newest picture
	seen          []calibration.Corner
	left          [reasons]int // pictures that were left out while collecting
	lens          calibration.Lens
	result        *Result
	problem       string // why there is no result
	saved         string
}

// New begins one without any views.
func New(cfg Config) *Session { return &Session{cfg: cfg, next: 1, lens: cfg.Lens} }

// Collect begins to keep views, or pauses. To begin forgets the result: it is no longer that of what is kept.
func (s *Session) Collect(on bool) {
	s.collecting = on
	if on {
		s.forget()
	}
}

func (s *Session) forget() { s.result, s.problem, s.saved = nil, "", "" }

// See takes the next picture and says whether its view was kept, and why not. An error says that the pictures are no
// longer those that it began with.
func (s *Session) See(l Look) (Why, error) {
	if s.width == 0 {
		s.begin(l)
	}
	if l.Width != s.width || l.Height != s.height {
		return Why{}, fmt.Errorf("the camera's pictures were %dx%d px and are now %dx%d; a calibration is of one size: begin again", s.width, s.height, l.Width, l.Height)
	}
	why, f := s.judge(&l)
	s.seen, s.why = l.Corners, why
	if !s.collecting {
		return s.why, nil
	}
	if s.why.Reason != Kept {
		s.left[s.why.Reason]++
		return s.why, nil
	}
	s.keep(&l, f)
	return s.why, nil
}

func (s *Session) begin(l Look) {
	s.width, s.height = l.Width, l.Height
	if s.lens.Model == "" {
		s.lens = guess(s.cfg.Model, l.Width, l.Height)
	}
}

func (s *Session) keep(l *Look, f face) {
	k := kept{id: s.next, view: calibration.View{Name: fmt.Sprintf("view %d", s.next), Corners: l.Corners}, face: f}
	if l.Arm != nil {
		k.arm = l.Arm.TBaseFlange
	}
	s.kept = append(s.kept, k)
	s.next++
	s.forget()
}

// Drop forgets a view.
func (s *Session) Drop(id int) error {
	for i, k := range s.kept {
		if k.id == id {
			s.kept = append(s.kept[:i:i], s.kept[i+1:]...)
			s.forget()
			return nil
		}
	}
	return fmt.Errorf("view %d is not there; it may have been dropped already", id)
}

// Clear forgets all views.
func (s *Session) Clear() {
	s.kept, s.left = nil, [reasons]int{}
	s.forget()
}

// Kept is how many views there are.
func (s *Session) Kept() int { return len(s.kept) }

// Size is that of the pictures, px; zeros before the first.
func (s *Session) Size() (width, height int) { return s.width, s.height }

// Views are those that are kept.
func (s *Session) Views() []calibration.View {
	out := make([]calibration.View, len(s.kept))
	for i, k := range s.kept {
		out[i] = k.view
	}
	return out
}

// Samples are the views with where the arm was, of hand-eye.
func (s *Session) Samples() []calibration.Sample {
	out := make([]calibration.Sample, len(s.kept))
	for i, k := range s.kept {
		out[i] = calibration.Sample{TBaseFlange: k.arm, View: k.view}
	}
	return out
}

// Sighted takes a better lens than the one that tilts and distances were told by, of a fit to the views so far.
func (s *Session) Sighted(l calibration.Lens) {
	s.lens = l
	for i := range s.kept {
		if f, err := s.faceOf(s.kept[i].view); err == nil {
			s.kept[i].face = f
		}
	}
}

// Solved takes what the views came to, or why they did not, and pauses.
func (s *Session) Solved(r *Result, err error) {
	s.forget()
	s.collecting, s.result = false, r
	if err != nil {
		s.result, s.problem = nil, err.Error()
	}
}

// Saved notes the file that the result was written to.
func (s *Session) Saved(path string) { s.saved = path }
