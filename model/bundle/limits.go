package bundle

import "sim2reald/robot"

// Limits are what the demonstrations were limited by: the robot's table, with the factor on its speeds.
// One number per joint, base to tip.
type Limits struct {
	PositionMin     []float64 `json:"position_min"`     // rad
	PositionMax     []float64 `json:"position_max"`     // rad
	VelocityMax     []float64 `json:"velocity_max"`     // rad/s, before SpeedScale
	AccelerationMax []float64 `json:"acceleration_max"` // rad/s²
	SpeedScale      float64   `json:"speed_scale"`      // in (0, 1]
}

// LimitsOf writes the first n joints of a robot's limits, with a speed scale not yet applied to them.
func LimitsOf(l robot.Limits, n int, scale float64) Limits {
	part := func(v robot.Vector) []float64 { return append([]float64{}, v[:n]...) }
	return Limits{part(l.QMin), part(l.QMax), part(l.DQMax), part(l.DDQMax), scale}
}

// Robot gives the limits as the limiter takes them, SpeedScale applied. l must be valid.
func (l Limits) Robot() robot.Limits {
	var out robot.Limits
	copy(out.QMin[:], l.PositionMin)
	copy(out.QMax[:], l.PositionMax)
	copy(out.DQMax[:], l.VelocityMax)
	copy(out.DDQMax[:], l.AccelerationMax)
	return out.Scaled(l.SpeedScale)
}

// Validate wants n finite numbers each, ordered and positive where they must be.
func (l Limits) Validate(n int) error {
	if !finite(l.SpeedScale) || l.SpeedScale <= 0 || l.SpeedScale > 1 {
		return invalid("limits.speed_scale", "%g, want above 0 and at most 1", l.SpeedScale)
	}
	lists := []struct {
		key      string
		v        []float64
		positive bool
	}{
		{"position_min", l.PositionMin, false}, {"position_max", l.PositionMax, false},
		{"velocity_max", l.VelocityMax, true}, {"acceleration_max", l.AccelerationMax, true},
	}
	for _, list := range lists {
		if len(list.v) != n {
			return invalid("limits."+list.key, "%d numbers, want %d", len(list.v), n)
		}
		for j, x := range list.v {
			if !finite(x) || list.positive && x <= 0 {
				return invalid("limits."+list.key, "[%d] is %g", j, x)
			}
		}
	}
	for j := range n {
		if l.PositionMin[j] >= l.PositionMax[j] {
			return invalid("limits.position_min", "[%d] %g is not below position_max %g", j, l.PositionMin[j], l.PositionMax[j])
		}
	}
	return nil
}
