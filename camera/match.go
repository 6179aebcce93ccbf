package camera

import "time"

// Match picks one picture of each camera: the newest set of them that were taken within bound of each other. taken[i] are
// the times at which camera i's pictures were taken, in any order; pick[i] becomes an index into it. Of two sets the one
// whose oldest picture is newer is the newer one, and to that oldest picture each other camera's next one belongs. spread
// is from the oldest to the newest of what was picked. ok is false where there is no such set, and pick is then untouched.
func Match(taken [][]time.Duration, bound time.Duration, pick []int) (spread time.Duration, ok bool) {
	var oldest time.Duration
	for _, times := range taken {
		for _, t := range times {
			if ok && t <= oldest {
				continue
			}
			if s, all := from(t, taken, nil); all && s <= bound {
				oldest, spread, ok = t, s, true
			}
		}
	}
	if ok {
		from(oldest, taken, pick)
	}
	return spread, ok
}

// from picks each camera's first picture at or after oldest; all is false where one has none.
func from(oldest time.Duration, taken [][]time.Duration, pick []int) (spread time.Duration, all bool) {
	for i, times := range taken {
		first := -1
		for j, t := range times {
			if t >= oldest && (first < 0 || t < times[first]) {
				first = j
			}
		}
		if first < 0 {
			return 0, false
		}
		spread = max(spread, times[first]-oldest)
		if pick != nil {
			pick[i] = first
		}
	}
	return spread, true
}

// Behind is the camera whose newest picture is the oldest, and by how much the newest of all is newer; -1 where a camera has
// none at all, or there is no camera.
func Behind(taken [][]time.Duration) (which int, by time.Duration) {
	which = -1
	var oldest, newest time.Duration
	for i, times := range taken {
		if len(times) == 0 {
			return -1, 0
		}
		last := times[0]
		for _, t := range times[1:] {
			last = max(last, t)
		}
		if which < 0 || last < oldest {
			which, oldest = i, last
		}
		if i == 0 || last > newest {
			newest = last
		}
	}
	return which, newest - oldest
}

// Set is one picture of each of several cameras, taken within the time that lets them count as one look. It is for one
// goroutine, and allocates nothing after NewSet.
type Set struct {
	taken [][]time.Duration // of all pictures that each camera keeps
	pick  []int             // of those

	Spread time.Duration // from its oldest picture to its newest
	Oldest time.Duration // when its oldest picture was taken
}

// NewSet is an empty one, of so many cameras.
func NewSet(cameras int) Set {
	s := Set{taken: make([][]time.Duration, cameras), pick: make([]int, cameras)}
	for i := range s.taken {
		s.taken[i] = make([]time.Duration, 0, mostKept)
	}
	return s
}

// Find takes the newest set there is of the cameras' pictures; false where there is none.
func (s *Set) Find(cameras []*Latest, within time.Duration) (ok bool) {
	for i, c := range cameras {
		s.taken[i] = c.Times(s.taken[i][:0])
	}
	if s.Spread, ok = Match(s.taken, within, s.pick); !ok {
		return false
	}
	for i, p := range s.pick {
		if i == 0 || s.taken[i][p] < s.Oldest {
			s.Oldest = s.taken[i][p]
		}
	}
	return true
}

// Read copies the pictures of the set that was found; false where one has been let go of meanwhile.
func (s *Set) Read(cameras []*Latest, dst []*Frame) bool {
	for i, c := range cameras {
		if !c.readTaken(dst[i], s.taken[i][s.pick[i]]) {
			return false
		}
	}
	return true
}

// Behind is Behind of what Find looked at.
func (s *Set) Behind() (which int, by time.Duration) { return Behind(s.taken) }
