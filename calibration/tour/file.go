package tour

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"

	"sim2reald/robot"
)

// Parse reads poses that a person chose, one a line: the joints' positions in rad, base to tip, with spaces between
// them. Lines that are empty or begin with # are passed over. One outside the limits is refused, and nothing is gone to.
func Parse(data []byte, m robot.Model) ([]robot.Vector, error) {
	var out []robot.Vector
	n := 0
	for line := range bytes.Lines(data) {
		n++
		text := strings.TrimSpace(string(line))
		if text == "" || text[0] == '#' {
			continue
		}
		q, err := parsePose(text, m)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		out = append(out, q)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no poses; write one a line, %d numbers in rad", m.N())
	}
	return out, nil
}

func parsePose(text string, m robot.Model) (q robot.Vector, err error) {
	words := strings.Fields(text)
	if len(words) != m.N() {
		return q, fmt.Errorf("%d numbers, want one for each of the %d joints, in rad", len(words), m.N())
	}
	for j, w := range words {
		if q[j], err = strconv.ParseFloat(w, 64); err != nil || math.IsNaN(q[j]) || math.IsInf(q[j], 0) {
			return q, fmt.Errorf("%q is no number; want rad", w)
		}
		if lo, hi := m.Limits.QMin[j], m.Limits.QMax[j]; q[j] < lo || q[j] > hi {
			return q, fmt.Errorf("joint %d at %g rad; this arm's limits are %g to %g", j+1, q[j], lo, hi)
		}
	}
	return q, nil
}
