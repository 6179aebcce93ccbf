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
