package kinematics

import (
	"testing"
)

func TestAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	s := solvers(t)[0]
	q, twist := s.Posture, Twist{0.1, 0, 0, 0, 0, 0.2}
	target, err := s.Chain.Forward(&q)
	if err != nil {
		t.Fatal(err)
	}
	q[1] += 0.1
	var jac Jacobian
	n := testing.AllocsPerRun(100, func() {
		_, e1 := s.Chain.Forward(&q)
		_, e2 := s.Chain.Jacobian(&q, &jac)
		_, e3 := s.Velocity(&q, &twist)
		_, e4 := s.Reach(&q, &target)
		if e1 != nil || e2 != nil || e3 != nil || e4 != nil {
			t.Fatal(e1, e2, e3, e4)
		}
	})
	if n != 0 {
		t.Fatalf("%v allocations, want 0", n)
	}
}

func BenchmarkVelocity(b *testing.B) {
	s := solvers(b)[0]
	twist := Twist{0.1, 0, 0, 0, 0, 0.2}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Velocity(&s.Posture, &twist); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReach(b *testing.B) {
	s := solvers(b)[0]
	target, err := s.Chain.Forward(&s.Posture)
	if err != nil {
		b.Fatal(err)
	}
	start := s.Posture
	start[1] += 0.2
	start[5] -= 0.2
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Reach(&start, &target); err != nil {
			b.Fatal(err)
		}
	}
}
