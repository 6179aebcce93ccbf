package control

import (
	"time"

	"sim2reald/camera"
)

// matched is one picture of each of several cameras, taken within the time that lets them count as one look.
type matched struct {
	taken  [][]time.Duration // of all pictures that each camera keeps
	pick   []int             // of those
	spread time.Duration
	oldest time.Duration // when its oldest picture was taken
}

func newMatched(cameras int) matched {
	s := matched{taken: make([][]time.Duration, cameras), pick: make([]int, cameras)}
	for i := range s.taken {
		s.taken[i] = make([]time.Duration, 0, 64)
	}
	return s
}

// find takes the newest set there is.
func (s *matched) find(cameras []*camera.Latest, within time.Duration) (ok bool) {
	for i, c := range cameras {
		s.taken[i] = c.Times(s.taken[i][:0])
	}
	if s.spread, ok = camera.Match(s.taken, within, s.pick); !ok {
		return false
	}
	s.oldest = anyAge
	for i, p := range s.pick {
		s.oldest = min(s.oldest, s.taken[i][p])
	}
	return true
}

// matches says whether pictures are looked at in sets: in lock-step the bridge says which belong together.
func (l *Loop) matches() bool { return len(l.cfg.Cameras) > 1 && !l.cfg.Lockstep }

// lookTogether copies the newest set and returns when its oldest picture was taken. A set is looked at once.
func (l *Loop) lookTogether() (time.Duration, error) {
	before := l.looked.oldest
	if !l.looked.find(l.cfg.Cameras, l.cfg.Together) || l.looked.oldest <= before {
		l.looked.oldest = before
		return 0, ErrNothingSeen
	}
	for i, c := range l.cfg.Cameras {
		if !c.ReadTaken(l.frames[i], l.looked.taken[i][l.looked.pick[i]]) {
			l.looked.oldest = before // it went meanwhile, for newer ones
			return 0, ErrNothingSeen
		}
	}
	l.CamerasApart.Put(l.looked.spread)
	return l.looked.oldest, nil
}

// setAge is that of the newest set; ok is false where there is none. Where nothing is looked at in sets, all is well.
func (l *Loop) setAge(wall time.Duration) (age time.Duration, ok bool) {
	if !l.matches() {
		return 0, true
	}
	if !l.together.find(l.cfg.Cameras, l.cfg.Together) {
		return 0, false
	}
	return wall - l.together.oldest, true
}

// Apart is how far the cameras are from each other.
type Apart struct {
	Spread time.Duration // of the newest set, where there is one
	Set    bool
	Behind string // the camera whose newest picture is the oldest; empty before each has one
	By     time.Duration
}

// Apart tells it now; false where nothing is looked at in sets.
func (l *Loop) Apart() (Apart, bool) {
	if !l.matches() {
		return Apart{}, false
	}
	s := newMatched(len(l.cfg.Cameras))
	var a Apart
	a.Set = s.find(l.cfg.Cameras, l.cfg.Together)
	a.Spread = s.spread
	if which, by := camera.Behind(s.taken); which >= 0 {
		a.Behind, a.By = l.cfg.Cameras[which].Camera(), by
	}
	return a, true
}
