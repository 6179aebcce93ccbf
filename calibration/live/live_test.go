package live

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"sim2reald/calibration"
	"sim2reald/calibration/calibrationtest"
)

// bench shows boards to a session, in pictures 80 ms apart.
type bench struct {
	*Session
	t   *testing.T
	w   calibrationtest.Truth
	rng *rand.Rand
	now time.Duration
}

func newBench(t *testing.T, k calibration.Kind) *bench {
	kind := k
	if k == "" {
		kind = calibration.EyeInHand
	}
	w := calibrationtest.Default(kind)
	cfg := Config{Board: w.Board, Kind: k, Model: calibration.PlumbBob, Criteria: calibration.DefaultCriteria()}
	if k != "" {
		cfg.Lens = w.Lens
	}
	return &bench{Session: New(cfg), t: t, w: w, rng: rand.New(rand.NewPCG(1, 2))}
}

// see shows one picture of a board at a place, 80 ms after the one before.
func (b *bench) see(at calibration.Transform, edit func(*Look)) Why {
	b.t.Helper()
	b.now += 80 * time.Millisecond
	v, _ := b.w.View("", at, b.rng)
	l := Look{At: b.now, Width: 640, Height: 480, Corners: v.Corners, EdgeWidth: 2}
	if b.cfg.Kind != "" {
		l.Arm = &Arm{TBaseFlange: calibration.Identity()}
	}
	if edit != nil {
		edit(&l)
	}
	why, err := b.See(l)
	if err != nil {
		b.t.Fatal(err)
	}
	return why
}

// hold shows the same for as long as it takes.
func (b *bench) hold(at calibration.Transform, edit func(*Look)) (why Why) {
	b.t.Helper()
	for range 6 {
		if why = b.see(at, edit); why.Reason == Kept {
			return why
		}
	}
	return why
}

func board(x, y, z, tilt float64) calibration.Transform {
	return calibration.Transform{R: calibration.Exp(calibration.Vec{tilt, 0, 0}), T: calibration.Vec{x, y, z}}
}

// TestKeepsWhatAdds: a view is kept once the board has been still, and then not again until it is held elsewhere.
func TestKeepsWhatAdds(t *testing.T) {
	b := newBench(t, "")
	b.Collect(true)
	first := board(-0.1, -0.06, 0.6, 0)
	var why Why
	looks := 0
	for ; looks < 20 && why.Reason != Kept || looks == 0; looks++ {
		why = b.see(first, nil)
		if why.Reason != Kept && why.Reason != Settling {
			t.Fatal(why)
		}
	}
	if looks != 6 { // 400 ms after the first
		t.Errorf("kept at look %d", looks)
	}
	for _, c := range []struct {
		name string
		at   calibration.Transform
		want Reason
		text string
	}{
		{"the same", first, Alike, "too like view 1: move the board elsewhere"},
		{"hardly beside it", board(-0.08, -0.06, 0.6, 0), Alike, "too like view 1"},
		{"beside it", board(-0.02, -0.06, 0.6, 0), Kept, ""},
		{"tilted", board(-0.1, -0.06, 0.6, 0.3), Kept, ""},
		{"nearer", board(-0.1, -0.06, 0.48, 0), Kept, ""},
		{"and the first again", first, Alike, "too like view 1"},
	} {
		n := b.Kept()
		if why := b.hold(c.at, nil); why.Reason != c.want || !strings.Contains(why.Text, c.text) || b.Kept()-n != map[Reason]int{Kept: 1}[c.want] {
			t.Errorf("%s: %+v with %d kept", c.name, why, b.Kept())
		}
	}
	if s := b.Shown(); len(s.Views) != 4 || s.Views[1].ID != 2 || !strings.Contains(fmt.Sprint(s.LeftOut), "like another view") || s.Enough {
		t.Errorf("%+v", s)
	}
}

// TestLeavesOut: what is wrong with a picture is said, and it is not kept.
func TestLeavesOut(t *testing.T) {
	at := board(0, 0, 0.6, 0)
	away := calibration.Transform{R: calibration.Exp(calibration.Vec{0, 0, 0.002}), T: calibration.Vec{}}
	for _, c := range []struct {
		name string
		kind calibration.Kind
		edit func(i int, l *Look)
		want Reason
		text string
	}{
		{"nothing", "", func(_ int, l *Look) { l.Corners = nil }, NoBoard, "the board was not found"},
		{"a part", "", func(_ int, l *Look) { l.Corners = l.Corners[:7] }, NoBoard, "too few corners: 7, want 8"},
		{"a blur", "", func(_ int, l *Look) { l.EdgeWidth = 7.1 }, Blurred, "blurred: edges rise over 7.1 px"},
		{"a board that drifts", "", func(i int, l *Look) {
			for k := range l.Corners {
				l.Corners[k].U += 0.4 * float64(i)
			}
		}, BoardMoves, "hold it still"},
		{"no arm", calibration.EyeInHand, func(_ int, l *Look) { l.Arm = nil }, NoArm, "see the bridge"},
		{"an arm that says that it moves", calibration.EyeInHand, func(_ int, l *Look) { l.Arm.Moving = true }, ArmMoves, "the arm moves"},
		{"an arm that turns", calibration.EyeInHand, func(i int, l *Look) {
			for range i {
				l.Arm.TBaseFlange = l.Arm.TBaseFlange.Mul(away)
			}
		}, ArmMoves, "0.11 degrees"},
		{"an arm that is nowhere", calibration.EyeInHand, func(_ int, l *Look) { l.Arm.TBaseFlange.T[0] = math.NaN() }, ArmMoves, "NaN mm"},
	} {
		b := newBench(t, c.kind)
		b.Collect(true)
		var why Why
		for i := range 12 {
			if why = b.see(at, func(l *Look) { c.edit(i, l) }); why.Reason == Kept {
				t.Fatalf("%s was kept", c.name)
			}
			if why.Reason == c.want {
				break
			}
		}
		if why.Reason != c.want || !strings.Contains(why.Text, c.text) {
			t.Errorf("%s: %+v", c.name, why)
		}
	}
}

// TestRestEndsWithAGap: a board that was still before the pictures stopped need not be still now.
func TestRestEndsWithAGap(t *testing.T) {
	b := newBench(t, "")
	b.Collect(true)
	at := board(0, 0, 0.6, 0)
	for range 4 {
		b.see(at, nil)
	}
	b.now += RestGap
	if why := b.see(at, nil); why.Reason != Settling {
		t.Error(why)
	}
}

// TestNothingIsKeptBeforeStart, and a view that is dropped leaves the others under their numbers.
func TestSession(t *testing.T) {
	b := newBench(t, "")
	if why := b.hold(board(0, 0, 0.6, 0), nil); why.Reason != Kept || b.Kept() != 0 {
		t.Errorf("%+v, %d kept before start", why, b.Kept())
	}
	b.Collect(true)
	for i := range 3 {
		b.hold(board(-0.15+0.1*float64(i), 0, 0.6, 0), nil)
	}
	b.Solved(&Result{Title: "solved", Errors: map[string]string{"view 3": "0.25 px"}}, nil)
	if s := b.Shown(); s.Collecting || s.Result == nil || s.Views[2].Error != "0.25 px" {
		t.Errorf("%+v", s)
	}
	if err := b.Drop(2); err != nil {
		t.Fatal(err)
	}
	if err := b.Drop(2); err == nil {
		t.Error("dropped twice")
	}
	s := b.Shown()
	if len(s.Views) != 2 || s.Views[1].ID != 3 || s.Result != nil {
		t.Errorf("%+v", s)
	}
	b.Solved(nil, fmt.Errorf("too few views"))
	if s := b.Shown(); s.Problem != "too few views" || s.Result != nil {
		t.Errorf("%+v", s)
	}
	if _, err := b.See(Look{Width: 320, Height: 240}); err == nil || !strings.Contains(err.Error(), "were 640x480 px and are now 320x240") {
		t.Error(err)
	}
	b.Clear()
	if b.Kept() != 0 || len(b.Shown().Views) != 0 {
		t.Error("views after clear")
	}
}

// TestNumberedFromTheOtherEnd: a board that looks alike when it is turned by half has not moved because the detector
// began at its other end; one whose ends differ has.
func TestNumberedFromTheOtherEnd(t *testing.T) {
	for pattern, want := range map[calibration.Pattern]Reason{calibration.Chessboard: Kept, calibration.Circles: Kept, calibration.Asymmetric: BoardMoves} {
		b := newBench(t, "")
		b.cfg.Board.Pattern, b.w.Board.Pattern = pattern, pattern
		var why Why
		for i := range 6 {
			why = b.see(board(-0.2, -0.06, 1.2, 0), func(l *Look) {
				if i%2 == 1 {
					l.Corners = calibration.View{Corners: l.Corners}.Turned(b.w.Board).Corners
				}
			})
		}
		if why.Reason != want {
			t.Errorf("%s: %+v, want %v", pattern, why, want)
		}
	}
}

// TestFisheyeSeesCorners: before anything is known of a fisheye, and after a fit by which no ray leads there, a board in
// the picture's corner is a view like another.
func TestFisheyeSeesCorners(t *testing.T) {
	b := newBench(t, "")
	b.cfg.Model = calibration.Equidistant
	b.w.Lens = calibration.Lens{
		Intrinsics: calibration.Intrinsics{Width: 640, Height: 480, Fx: 250, Fy: 250, Cx: 320, Cy: 240},
		Model:      calibration.Equidistant, D: []float64{0.02, -0.005, 0.002, 0},
	}
	b.Collect(true)
	corner := calibration.Transform{R: calibration.Exp(calibration.Vec{0.8, -0.8, 0}), T: calibration.Vec{-0.54, -0.4, 0.3}}
	if why := b.hold(corner, nil); why.Reason != Kept {
		t.Fatalf("before a fit: %+v", why)
	}
	bad := b.w.Lens
	bad.D = []float64{-0.5, -0.5, -0.5, -0.5}
	if v, _ := b.w.View("", corner, nil); v.Corners == nil {
		t.Fatal("not in the picture")
	} else if _, err := faceOf(bad, b.w.Board, v); err == nil {
		t.Fatal("the bad lens sees the corner")
	}
	b.Sighted(bad)
	if s := b.Shown(); !(s.Views[0].Distance > 0.2 && s.Views[0].Distance < 2) || !(s.Bars[2].Part >= 0) {
		t.Errorf("%+v, %+v", s.Views, s.Bars)
	}
	corner.T = calibration.Vec{-0.8, -0.6, 0.45}
	if why := b.hold(corner, nil); why.Reason != Kept {
		t.Errorf("after a fit that went wrong: %+v", why)
	}
}
