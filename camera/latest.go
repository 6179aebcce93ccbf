package camera

import (
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"time"
)

// StaleError says that the newest frame of a camera is too old to act on.
type StaleError struct {
	Camera     string
	Age, Bound time.Duration
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("camera %s: newest frame is %v old, more than %v; check that the source still sends",
		e.Camera, e.Age, e.Bound)
}

// NoFrameError says that a camera has not delivered anything yet.
type NoFrameError struct{ Camera string }

func (e *NoFrameError) Error() string {
	return fmt.Sprintf("camera %s: no frame yet; check that the source sends", e.Camera)
}

// mostKept bounds the pictures that Keep keeps, whatever the camera's rate.
const mostKept = 32

// slot is one buffer of Latest. It is never written while it is kept or while somebody copies from it.
type slot struct {
	kept    bool // the newest, or one of older
	frame   Frame
	flaw    Flaw
	content uint64
	readers int
}

// Latest holds the newest frame of one camera, and for a while those before it where Keep asks for them. Any number of goroutines may Put and Read: pixels are copied
// outside the lock, so a reader never waits for a writer's copy nor the other way round. In steady state
// neither allocates; there are never more buffers than concurrent users plus those that are kept.
type Latest struct {
	camera  string
	mu      sync.Mutex
	free    []*slot
	newest  *slot
	keep    time.Duration
	older   []*slot // by their arrival
	sight   Sight
	seed    maphash.Seed
	updated chan struct{}
}

// NewLatest makes an empty slot for the camera of that name.
func NewLatest(camera string) *Latest {
	return &Latest{camera: camera, seed: maphash.MakeSeed(), updated: make(chan struct{}, 1)}
}

// Keep lets pictures that are older than the newest by at most d stay, for Match. It comes before the first Put.
func (l *Latest) Keep(d time.Duration) { l.keep = d }

// Camera is the name given to NewLatest.
func (l *Latest) Camera() string { return l.camera }

// Updated receives once after one or more Puts. It wakes one waiter: a second one needs a Latest of its own.
func (l *Latest) Updated() <-chan struct{} { return l.updated }

// Put copies f in as the newest frame. A frame that arrived or was taken before the newest one is dropped: neither two
// writers nor a camera whose clock becomes known, or is set back, make time run backwards.
func (l *Latest) Put(f *Frame) {
	s := l.take()
	copyFrame(&s.frame, f)
	s.flaw, s.content = FlawOf(f), content(l.seed, f)
	l.publish(s)
	select {
	case l.updated <- struct{}{}:
	default:
	}
}

// Read copies the newest frame into dst, reusing its pixels' memory, when its age at now (the clock of
// Frame.Taken) is at most maxAge. Otherwise dst is untouched and the error is *NoFrameError or *StaleError.
func (l *Latest) Read(dst *Frame, now, maxAge time.Duration) error {
	s, err := l.pin(now, maxAge)
	if err != nil {
		return err
	}
	copyFrame(dst, &s.frame)
	l.unpin(s)
	return nil
}

// Times appends when the pictures that are kept were taken, the newest's among them.
func (l *Latest) Times(dst []time.Duration) []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.older {
		dst = append(dst, s.frame.Taken)
	}
	if l.newest != nil {
		dst = append(dst, l.newest.frame.Taken)
	}
	return dst
}

// readTaken is Read of the picture that was taken then; false where it is kept no longer.
func (l *Latest) readTaken(dst *Frame, taken time.Duration) bool {
	s := l.pinTaken(taken)
	if s == nil {
		return false
	}
	copyFrame(dst, &s.frame)
	l.unpin(s)
	return true
}

// Age is how old the newest frame is at now; ok is false before the first.
func (l *Latest) Age(now time.Duration) (age time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.newest == nil {
		return 0, false
	}
	return now - l.newest.frame.Taken, true
}

func (l *Latest) take() *slot {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.free)
	if n == 0 {
		return &slot{}
	}
	s := l.free[n-1]
	l.free = l.free[:n-1]
	return s
}

func (l *Latest) publish(s *slot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.newest
	if old != nil && (old.frame.Arrival > s.frame.Arrival || old.frame.Taken > s.frame.Taken) {
		l.free = append(l.free, s)
		return
	}
	l.newest, s.kept = s, true
	if old == nil || old.frame.Seq != s.frame.Seq { // a repetition is no further picture
		l.sight = l.sight.next(s.frame.Seq, s.flaw, old != nil && old.content == s.content)
	}
	if old != nil {
		l.older = append(l.older, old)
	}
	l.forget()
}

// forget lets go of what is too old to be kept.
func (l *Latest) forget() {
	stays := l.older[:0]
	for i, s := range l.older {
		if l.keep > 0 && len(l.older)-i < mostKept && l.newest.frame.Taken-s.frame.Taken <= l.keep {
			stays = append(stays, s)
			continue
		}
		s.kept = false
		if s.readers == 0 {
			l.free = append(l.free, s)
		}
	}
	l.older = stays
}

func (l *Latest) pinTaken(taken time.Duration) *slot {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.newest
	for i := len(l.older) - 1; s != nil && s.frame.Taken != taken; i-- {
		if i < 0 {
			return nil
		}
		s = l.older[i]
	}
	if s != nil {
		s.readers++
	}
	return s
}

func (l *Latest) pin(now, maxAge time.Duration) (*slot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.newest == nil {
		return nil, &NoFrameError{Camera: l.camera}
	}
	if age := now - l.newest.frame.Taken; age > maxAge {
		return nil, &StaleError{Camera: l.camera, Age: age, Bound: maxAge}
	}
	l.newest.readers++
	return l.newest, nil
}

func (l *Latest) unpin(s *slot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.readers--
	if s.readers == 0 && !s.kept {
		l.free = append(l.free, s)
	}
}

func copyFrame(dst, src *Frame) {
	pix := slices.Grow(dst.Pix[:0], len(src.Pix))
	*dst = *src
	dst.Pix = append(pix, src.Pix...)
}

// Sight is what the newest pictures are worth; zero before the first.
func (l *Latest) Sight() Sight {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sight
}

// Size is that of the newest frame in pixels, zero before the first.
func (l *Latest) Size() (width, height int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.newest == nil {
		return 0, 0
	}
	return l.newest.frame.Width, l.newest.frame.Height
}
