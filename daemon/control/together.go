package control

import (
	"time"

	"sim2reald/camera"
)

// matches says whether pictures are looked at in sets: in lock-step the bridge says which belong together.
func (l *Loop) matches() bool { return len(l.cfg.Cameras) > 1 && !l.cfg.Lockstep }

// lookTogether copies the newest set and returns when its oldest picture was taken. A set is looked at once.
func (l *Loop) lookTogether() (time.Duration, error) {
	before := l.looked
	if !l.looking.Find(l.cfg.Cameras, l.cfg.Together) || l.looking.Oldest <= before || !l.looking.Read(l.cfg.Cameras, l.frames) {
		return 0, ErrNothingSeen
	}
	l.looked = l.looking.Oldest
	l.CamerasApart.Put(l.looking.Spread)
	return l.looked, nil
}

// setAge is that of the newest set; ok is false where there is none. Where nothing is looked at in sets, all is well.
func (l *Loop) setAge(wall time.Duration) (age time.Duration, ok bool) {
	if !l.matches() {
		return 0, true
	}
	if !l.together.Find(l.cfg.Cameras, l.cfg.Together) {
		return 0, false
	}
	return wall - l.together.Oldest, true
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
	s := camera.NewSet(len(l.cfg.Cameras))
	a := Apart{Set: s.Find(l.cfg.Cameras, l.cfg.Together)}
	a.Spread = s.Spread
	if which, by := s.Behind(); which >= 0 {
		a.Behind, a.By = l.cfg.Cameras[which].Camera(), by
	}
	return a, true
}
