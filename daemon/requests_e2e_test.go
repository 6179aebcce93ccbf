package main

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"sim2reald/daemon/topic"
	"sim2reald/robot"
)

func (s *service) goesHome(t *testing.T) {
	s.move("home")
	if r := s.request("home", 0); r.Done || !strings.Contains(r.Error, "the daemon is running; arm it, or hold it by request, first") {
		t.Errorf("home in motion: %+v", r)
	}
	s.request("hold", 0)
	var from []float64
	var at time.Time
	eventually(t, 5*time.Second, "home to be granted", func() bool {
		from, at = s.newestState().Position, time.Now()
		r := s.request("home", 0)
		return r.Done && r.Mode == "homing"
	})
	eventually(t, 10*time.Second, "a tenth of a radian on the way", func() bool {
		return s.newestStatus().msg.Mode == "holding" || farthest(s.newestState().Position, from) > 0.1
	})
	s.request("hold", 0)
	s.awaitMode("holding", 2*time.Second)
	home := robot.Panda().Home
	if before, after := farthest(from, home[:7]), farthest(s.newestState().Position, home[:7]); after >= before {
		t.Errorf("%.3f rad from home, and %.3f after going there", before, after)
	}
	limits, moved := kitchenLimits(), 0
	for _, c := range s.commandsSince(at) {
		for j, v := range c.msg.Velocity {
			if moved++; math.Abs(v) > 0.1*limits.DQMax[j]+1e-9 || c.msg.Bundle != "none: on the way home" {
				t.Fatalf("joint %d at %.3f rad/s in the name of %s", j+1, v, c.msg.Bundle)
			}
		}
	}
	if moved == 0 {
		t.Error("nothing moved")
	}
	s.request("stop", 0)
}

func farthest(a, b []float64) float64 {
	d := 0.0
	for j := range a {
		d = max(d, math.Abs(a[j]-b[j]))
	}
	return d
}

// intoShadow begins an episode of which nothing but holds is to be sent since the time that it returns.
func (s *service) intoShadow(t *testing.T) time.Time {
	t.Helper()
	s.request("stop", 0)
	s.begin("shadow", seedOfTests)
	s.arm()
	at := time.Now()
	if r := s.request("shadow", 0); !r.Done || r.Mode != "shadow" {
		t.Fatalf("shadow: %+v", r)
	}
	s.release("shadow")
	return at
}

func (s *service) shadows(t *testing.T) {
	at := s.intoShadow(t)
	eventually(t, 10*time.Second, "what would be sent", func() bool {
		return slices.ContainsFunc(s.newestStatus().msg.Joints, func(j topic.JointStatus) bool { return j.Shadow != nil && *j.Shadow != 0 })
	})
	s.onlyHolds(at, 0, "armed", "shadow")
	if r := s.request("hold", 0); !r.Done || r.Mode != "armed" {
		t.Errorf("hold after shadow: %+v", r)
	}
	s.request("stop", 0)
}
