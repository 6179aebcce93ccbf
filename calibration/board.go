package calibration

import (
	"fmt"
	"math"
)

// Pattern is a kind of calibration board.
type Pattern string

// The patterns, counted as OpenCV counts them.
const (
	Chessboard Pattern = "chessboard" // columns and rows of inner corners
	Charuco    Pattern = "charuco"    // columns and rows of squares
	Circles    Pattern = "circles"    // columns and rows of circles
	Asymmetric Pattern = "acircles"   // circles in rows that are shifted by turns
)

// Board is a flat pattern of known size. Its coordinate frame lies in the pattern, x along a row and y along a
// column, with the first corner or circle at the origin (of a ChArUco board: the corner of the outermost square).
type Board struct {
	Pattern    Pattern
	Cols, Rows int
	Square     float64 // m, the side of a square; of circles, the distance between rows
	Marker     float64 // m, the side of a marker, of a ChArUco board
	Dictionary string  // OpenCV's name without DICT_, such as 4X4_50, of a ChArUco board
}

// Check refuses a board that cannot be one.
func (b Board) Check() error {
	switch b.Pattern {
	case Chessboard, Charuco, Circles, Asymmetric:
	default:
		return fmt.Errorf("board pattern %q is not known; want %s, %s, %s or %s", b.Pattern, Chessboard, Charuco, Circles, Asymmetric)
	}
	if b.Cols < 3 || b.Rows < 3 || b.Cols > 100 || b.Rows > 100 {
		return fmt.Errorf("board of %dx%d; want 3 to 100 columns and rows", b.Cols, b.Rows)
	}
	if !(b.Square > 0 && b.Square < 10) {
		return fmt.Errorf("board square of %g m; want more than 0 and less than 10", b.Square)
	}
	if b.Pattern == Charuco && !(b.Marker > 0 && b.Marker < b.Square) {
		return fmt.Errorf("board marker of %g m; want more than 0 and less than the square's %g", b.Marker, b.Square)
	}
	return nil
}

// Points are the corners or circle centres in the board's frame, in m; a Corner's ID is the index.
func (b Board) Points() []Vec {
	cols, rows, first := b.Cols, b.Rows, 0
	if b.Pattern == Charuco {
		cols, rows, first = b.Cols-1, b.Rows-1, 1
	}
	points := make([]Vec, 0, cols*rows)
	for r := range rows {
		for c := range cols {
			x := float64(c + first)
			if b.Pattern == Asymmetric {
				x = float64(2*c + r%2)
			}
			points = append(points, Vec{x * b.Square, float64(r+first) * b.Square, 0})
		}
	}
	return points
}

// Turnable reports whether the board looks alike, or nearly so, when turned by half a turn, so that a detector
// may number its corners from either end.
func (b Board) Turnable() bool { return b.Pattern == Chessboard || b.Pattern == Circles }

// Corner is one corner or circle of the board in a picture.
type Corner struct {
	ID   int     // index into Board.Points
	U, V float64 // px
}

// View is what one picture shows of the board.
type View struct {
	Name    string // of the picture, for a person
	Corners []Corner
}

// Check refuses a view with corners that the board does not have, twice the same, or numbers that are none.
func (v View) Check(b Board) error {
	n := len(b.Points())
	seen := make(map[int]bool, len(v.Corners))
	for _, c := range v.Corners {
		if c.ID < 0 || c.ID >= n {
			return fmt.Errorf("%s: corner %d; the board has 0 to %d", v.Name, c.ID, n-1)
		}
		if seen[c.ID] {
			return fmt.Errorf("%s: corner %d stands twice", v.Name, c.ID)
		}
		if math.IsNaN(c.U+c.V) || math.IsInf(c.U+c.V, 0) {
			return fmt.Errorf("%s: corner %d is at %g, %g px; want numbers", v.Name, c.ID, c.U, c.V)
		}
		seen[c.ID] = true
	}
	return nil
}

// Turned numbers the corners from the other end.
func (v View) Turned(b Board) View {
	n := len(b.Points())
	corners := make([]Corner, len(v.Corners))
	for i, c := range v.Corners {
		corners[i] = Corner{ID: n - 1 - c.ID, U: c.U, V: c.V}
	}
	return View{Name: v.Name, Corners: corners}
}
