package space

import (
	"fmt"
	"math"
	"slices"
	"time"

	"sim2reald/robot"
	"sim2reald/robot/kinematics"
)

// Config is what a Space is made of.
type Config struct {
	Chain  kinematics.Chain
	Shape  Shape
	Box    Box
	Margin float64       // m, that links keep from each other
	Blind  time.Duration // for which the bridge goes on with a command when none follows; 0 for one that waits
	Ramps  bool          // it goes from one command's velocity to the next in ticks of its own, within acceleration
}

// Space is what an arm may hit. It is not for use by several goroutines at once, and allocates nothing after New.
type Space struct {
	cfg    Config
	parts  []part
	pairs  []pair
	looked bool
	at     robot.Vector // rad, that was looked at last
	box    Room
	self   Room
	floors []float64 // m, of each clearance there: what an arm that is outside goes no deeper than
	ends   [][2]kinematics.Point
	frames [robot.MaxJoints]kinematics.Pose
	byPart []bounds // of the way that is asked about
	byPair []bounds
}

// part is a capsule, and how far its segment can get from the axes that move it.
type part struct {
	Capsule
	boxed bool
	reach robot.Vector // m, by joint
}

// pair are two parts that are kept apart; inner moves with fewer joints.
type pair struct{ inner, outer int }

// boxedFrom is the first joint whose links the box is for. What joints 1 and 2 alone move stays about the base, and
// stands in no box whose table the arm is bolted onto.
const boxedFrom = 3

// New checks what a Space is made of. Errors are one line.
func New(cfg Config) (*Space, error) {
	if err := cfg.Box.Check(); err != nil {
		return nil, err
	}
	if !(cfg.Margin >= 0 && cfg.Margin < 1) {
		return nil, fmt.Errorf("the margin between links is %g m; want 0 to 1", cfg.Margin)
	}
	if cfg.Blind < 0 || cfg.Blind > time.Minute {
		return nil, fmt.Errorf("the bridge would go on for %v without commands; want 0 to a minute", cfg.Blind)
	}
	s := &Space{cfg: cfg}
	for _, c := range cfg.Shape.Capsules {
		p, err := newPart(&cfg.Chain, c)
		if err != nil {
			return nil, err
		}
		s.parts = append(s.parts, p)
	}
	for _, names := range cfg.Shape.Apart {
		if err := s.keepApart(names); err != nil {
			return nil, err
		}
	}
	s.ends = make([][2]kinematics.Point, len(s.parts))
	s.floors = make([]float64, 12*len(s.parts)+len(s.pairs))
	s.byPart, s.byPair = make([]bounds, len(s.parts)), make([]bounds, len(s.pairs))
	return s, nil
}

// Another is the same for another loop.
func (s *Space) Another() *Space {
	t := *s
	t.looked, t.ends, t.floors = false, slices.Clone(s.ends), slices.Clone(s.floors)
	t.byPart, t.byPair = slices.Clone(s.byPart), slices.Clone(s.byPair)
	return &t
}

func newPart(chain *kinematics.Chain, c Capsule) (part, error) {
	sound := c.Radius > 0 && c.A.Length() < 10 && c.B.Length() < 10 && c.Radius < 10 // false for NaN
	if !sound || c.Joint < 0 || c.Joint > chain.N() {
		return part{}, fmt.Errorf("the capsule of %s is none: %+v", c.Link, c)
	}
	p := part{Capsule: c, boxed: c.Joint >= boxedFrom}
	var frames [robot.MaxJoints]kinematics.Pose
	if err := chain.Frames(new(robot.Vector), &frames); err != nil {
		return part{}, err
	}
	// About its own joint's z a point turns at a radius of its own; from the origin of a joint before it is no farther than
	// along all the links between, whatever the joints do.
	along := max(c.A.Length(), c.B.Length())
	for j := c.Joint - 1; j >= 0; j-- {
		p.reach[j] = along
		if j == c.Joint-1 {
			p.reach[j] = max(math.Hypot(c.A[0], c.A[1]), math.Hypot(c.B[0], c.B[1]))
		}
		if j > 0 {
			along += frames[j].P.Minus(frames[j-1].P).Length()
		}
	}
	return p, nil
}

// keepApart finds the parts of two links.
func (s *Space) keepApart(names [2]string) error {
	before := len(s.pairs)
	for i, a := range s.parts {
		for k, b := range s.parts {
			if a.Link != names[0] || b.Link != names[1] {
				continue
			}
			if a.Joint >= b.Joint {
				return fmt.Errorf("links %s and %s cannot be kept apart: the first must move with fewer joints", a.Link, b.Link)
			}
			s.pairs = append(s.pairs, pair{i, k})
		}
	}
	if len(s.pairs) == before {
		return fmt.Errorf("links %s and %s cannot be kept apart: the shape has no such links", names[0], names[1])
	}
	return nil
}

// Room is how much is left between an arm and what it is nearest to.
type Room struct {
	M    float64 // m, negative for an arm outside; infinite where there is nothing
	Link string
	From string // a side of the box, such as z_min, or another link
}

// String says it to a person.
func (r Room) String() string {
	switch {
	case math.IsInf(r.M, 1):
		return "nothing near"
	case r.M < 0:
		return fmt.Sprintf("%s is %.3f m too near to %s", r.Link, -r.M, r.From)
	}
	return fmt.Sprintf("%s has %.3f m left to %s", r.Link, r.M, r.From)
}

// Look tells the room to the box and between the links at joint positions, rad; not a number where they are none.
func (s *Space) Look(q *robot.Vector) (box, self Room) {
	if s.looked && *q == s.at {
		return s.box, s.self
	}
	s.looked, s.at = true, *q
	s.box, s.self = Room{M: math.Inf(1)}, Room{M: math.Inf(1)}
	if s.place(q) != nil {
		s.looked = false
		return Room{M: math.NaN()}, Room{M: math.NaN()}
	}
	for i := range s.parts {
		s.lookAround(i)
	}
	for i, p := range s.pairs {
		_, m := s.apart(p)
		s.floors[12*len(s.parts)+i] = m
		if m < s.self.M {
			s.self = Room{m, s.parts[p.outer].Link, s.parts[p.inner].Link}
		}
	}
	return s.box, s.self
}

// lookAround notes the room of a part to each side, of both of its ends.
func (s *Space) lookAround(i int) {
	if !s.parts[i].boxed {
		return
	}
	for end := range 2 {
		for k := range 6 {
			m := s.toSide(i, end, k)
			s.floors[12*i+6*end+k] = m
			if m < s.box.M {
				s.box = Room{m, s.parts[i].Link, side(k)}
			}
		}
	}
}

// place puts the capsules where they are at joint positions, rad. Its only error is of positions that are not finite.
func (s *Space) place(q *robot.Vector) error {
	if err := s.cfg.Chain.Frames(q, &s.frames); err != nil {
		return err
	}
	for i := range s.parts {
		p := &s.parts[i]
		s.ends[i] = [2]kinematics.Point{p.A, p.B}
		if p.Joint > 0 {
			f := &s.frames[p.Joint-1]
			s.ends[i] = [2]kinematics.Point{f.Apply(p.A), f.Apply(p.B)}
		}
	}
	return nil
}

// toSide is the clearance, m, of an end of a part to a side of the box.
func (s *Space) toSide(i, end, k int) float64 {
	p := s.ends[i][end]
	if k%2 == 0 {
		return p[k/2] - s.parts[i].Radius - s.cfg.Box.Min[k/2]
	}
	return s.cfg.Box.Max[k/2] - s.parts[i].Radius - p[k/2]
}

// apart is the clearance, m, of two parts, and the direction from the inner to the outer where they are nearest.
func (s *Space) apart(p pair) (kinematics.Point, float64) {
	a, b := &s.ends[p.inner], &s.ends[p.outer]
	onInner, onOuter := nearest(a[0], a[1], b[0], b[1])
	way := onOuter.Minus(onInner)
	far := way.Length()
	room := far - s.parts[p.inner].Radius - s.parts[p.outer].Radius - s.cfg.Margin
	if far < 1e-9 { // one through the other: any direction is as good
		return kinematics.Point{0, 0, 1}, room
	}
	return way.Times(1 / far), room
}
