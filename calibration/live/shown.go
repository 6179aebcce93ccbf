package live

import (
	"cmp"
	"fmt"
	"slices"

	"sim2reald/calibration"
)

// Shown is what a page shows. Texts are for a person, whole sentences of the session's own.
type Shown struct {
	Kind       string      `json:"kind"` // lens, eye_in_hand, eye_to_hand
	Collecting bool        `json:"collecting"`
	Width      int         `json:"width"` // px; 0 before the first picture
	Height     int         `json:"height"`
	Now        string      `json:"now"`     // what became of the newest picture
	Good       bool        `json:"good"`    // it was kept, or would be
	Seen       bool        `json:"seen"`    // a board is in it
	Views      []ShownView `json:"views"`   // that are kept
	LeftOut    []Count     `json:"left"`    // pictures that were not, by reason
	Cells      [4][4]int   `json:"cells"`   // corners in each sixteenth of the picture, rows from the top
	Bars       []Bar       `json:"bars"`    // how much of what is wanted there is
	Missing    []string    `json:"missing"` // what to show yet
	Enough     bool        `json:"enough"`  // to solve
	Result     *Result     `json:"result"`
	Problem    string      `json:"problem"`
	Saved      string      `json:"saved"` // the file
}

// ShownView is one that is kept.
type ShownView struct {
	ID       int          `json:"id"`
	Tilt     float64      `json:"tilt_deg"`
	Distance float64      `json:"distance_m"`
	Error    string       `json:"error"` // as Result.Errors has it; "" before there is a result
	Note     string       `json:"note"`  // why the result does without it
	Dots     [][2]float64 `json:"dots"`  // px, the corners that lie around all others, in a row
}

// Count is how many pictures there were of a kind.
type Count struct {
	What string `json:"what"`
	N    int    `json:"n"`
}

// Bar is a part of what is wanted.
type Bar struct {
	Name string  `json:"name"`
	Part float64 `json:"part"` // 1 is enough
	Text string  `json:"text"`
}

// Shown is everything now.
func (s *Session) Shown() Shown {
	c := s.coverage()
	out := Shown{
		Kind: string(s.cfg.Kind), Collecting: s.collecting, Width: s.width, Height: s.height, Now: s.why.Text,
		Good: s.why.Reason == Kept, Seen: len(s.seen) > 0, Views: []ShownView{}, LeftOut: []Count{}, Cells: c.Cells,
		Missing: []string{}, Result: s.result, Problem: s.problem, Saved: s.saved,
	}
	if s.cfg.Kind == "" {
		out.Kind = "lens"
	}
	if out.Good && !s.collecting {
		out.Now = "a good view; Start keeps such"
	}
	for _, k := range s.kept {
		out.Views = append(out.Views, s.shownView(k))
	}
	for r, n := range s.left {
		if n > 0 {
			out.LeftOut = append(out.LeftOut, Count{Reason(r).String(), n})
		}
	}
	if s.cfg.Kind == "" {
		out.Bars, out.Missing, out.Enough = s.lensProgress(c)
	} else {
		out.Bars, out.Missing, out.Enough = s.handProgress()
	}
	return out
}

func (s *Session) coverage() calibration.Coverage {
	poses := make([]calibration.Transform, len(s.kept))
	for i, k := range s.kept {
		poses[i] = k.face.t
	}
	if s.width == 0 {
		return calibration.Coverage{}
	}
	return calibration.Covered(s.width, s.height, s.Views(), poses)
}

func (s *Session) shownView(k kept) ShownView {
	out := ShownView{ID: k.id, Tilt: degrees(k.face.tilt), Distance: k.face.distance, Dots: around(k.view)}
	if s.result != nil {
		out.Error, out.Note = s.result.Errors[k.view.Name], s.result.Notes[k.view.Name]
	}
	return out
}

// around are the corners of a view that lie around all of its others, in a row, px: of a board that is cut off, what is seen.
func around(v calibration.View) [][2]float64 {
	points := make([][2]float64, len(v.Corners))
	for i, c := range v.Corners {
		points[i] = [2]float64{c.U, c.V}
	}
	slices.SortFunc(points, func(a, b [2]float64) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	there := chain(points)
	slices.Reverse(points)
	return append(there, chain(points)...)
}

// chain goes from the first point to the last but that one, with all others on its one side: Andrew's monotone chain.
func chain(points [][2]float64) [][2]float64 {
	out := [][2]float64{}
	for _, p := range points {
		for n := len(out); n > 1 && !leftOf(out[n-2], out[n-1], p); n-- {
			out = out[:n-1]
		}
		out = append(out, p)
	}
	return out[:max(0, len(out)-1)]
}

func leftOf(a, b, p [2]float64) bool {
	return (b[0]-a[0])*(p[1]-a[1])-(b[1]-a[1])*(p[0]-a[0]) > 0
}

// What a lens wants: views, of which few do only on paper, and how far the distances should be apart.
const (
	wantedViews = 15
	wantedRatio = 1.4
)

func (s *Session) lensProgress(c calibration.Coverage) (bars []Bar, missing []string, enough bool) {
	n, ratio := len(s.kept), 1.0
	if c.Near > 0 {
		ratio = c.Far / c.Near
	}
	bars = []Bar{
		{"views", float64(n) / wantedViews, fmt.Sprintf("%d of %d", n, wantedViews)},
		{"picture", c.Seen, fmt.Sprintf("%.0f %% of the picture", 100*c.Seen)},
		{"tilt", degrees(c.MaxTilt) / 30, fmt.Sprintf("up to %.0f of 30 degrees", degrees(c.MaxTilt))},
		{"distance", (ratio - 1) / (wantedRatio - 1), fmt.Sprintf("%.2f to %.2f m", c.Near, c.Far)},
	}
	if n > 0 {
		missing = c.Advice()
	}
	return bars, missing, n >= s.cfg.Criteria.MinViews
}

// What hand-eye wants.
const (
	wantedPoses  = 20
	wantedTurn   = 30 // degrees, the largest turn between two poses
	wantedSpread = 20 // degrees of a second axis
)

func (s *Session) handProgress() (bars []Bar, missing []string, enough bool) {
	poses := make([]calibration.Transform, len(s.kept))
	for i, k := range s.kept {
		poses[i] = k.arm
	}
	largest, spread := calibration.Turns(poses)
	bars = []Bar{
		{"poses", float64(len(poses)) / wantedPoses, fmt.Sprintf("%d of %d", len(poses), wantedPoses)},
		{"turn", degrees(largest) / wantedTurn, fmt.Sprintf("%.0f of %d degrees", degrees(largest), wantedTurn)},
		{"second axis", degrees(spread) / wantedSpread, fmt.Sprintf("%.0f of %d degrees", degrees(spread), wantedSpread)},
	}
	err := calibration.Richness(poses)
	if err != nil && len(poses) > 0 {
		missing = append(missing, err.Error())
	}
	return bars, missing, err == nil
}
