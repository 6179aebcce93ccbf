package reference

// Turn is a way in which a picture can lie.
type Turn int

// The ways of a camera that is mounted upside down or sideways, or whose driver mirrors.
const (
	Upright Turn = iota
	MirroredSideways
	UpsideDownMirrored
	HalfTurn
	QuarterLeft
	QuarterRight
	Transposed
	TransposedOther
	turns
)

// String says how a picture lies that is so.
func (t Turn) String() string {
	return [turns]string{
		"upright", "mirrored left to right", "mirrored top to bottom", "turned by half a turn",
		"turned by a quarter to the left", "turned by a quarter to the right",
		"mirrored along one diagonal", "mirrored along the other diagonal",
	}[t]
}

// turned is the picture as a camera that lies so shows it.
func (p *picture) turned(t Turn) *picture {
	var out picture
	const last = Side - 1
	for y := range Side {
		for x := range Side {
			sy, sx := y, x
			switch t {
			case MirroredSideways:
				sx = last - x
			case UpsideDownMirrored:
				sy = last - y
			case HalfTurn:
				sy, sx = last-y, last-x
			case QuarterLeft:
				sy, sx = x, last-y
			case QuarterRight:
				sy, sx = last-x, y
			case Transposed:
				sy, sx = x, y
			case TransposedOther:
				sy, sx = last-x, last-y
			}
			out[y][x] = p[sy][sx]
		}
	}
	return &out
}
