package topic

import (
	"math/rand/v2"
	"testing"
)

// TestGateOverPermutations delivers messages of two senders in a million random orders, some twice, some as retained
// copies, with numbers at the edges of what a sequence may be. What passes is what a plain rule says: of the gate's
// epoch, not retained, lawful, and newer than all that passed.
func TestGateOverPermutations(t *testing.T) {
	seqs := [...]uint64{0, 1, 2, 3, 4, 5, maxSeq - 1, maxSeq, maxSeq + 1, 1 << 63, ^uint64(0)}
	rng := rand.New(rand.NewPCG(1, 2))
	var passed, twice [len(seqs)]int
	for range 1_000_000 {
		g := gate{epoch: self}
		var newest uint64
		var seen [len(seqs)]bool
		for range 12 {
			i := rng.IntN(len(seqs))
			e := Envelope{Epoch: self, Seq: seqs[i]}
			if rng.IntN(8) == 0 {
				e.Epoch = other
			}
			retained := rng.IntN(8) == 0
			want := !retained && e.Epoch == self && e.Seq >= 1 && e.Seq <= maxSeq && e.Seq > newest
			if _, got := g.pass(e, retained); got != want {
				t.Fatalf("seq %d of %s, retained %v, after %d: passed %v, want %v", e.Seq, e.Epoch, retained, newest, got, want)
			}
			if !want {
				continue
			}
			newest = e.Seq
			passed[i]++
			if seen[i] {
				twice[i]++
			}
			seen[i] = true
		}
	}
	for i, seq := range seqs {
		lawful := seq >= 1 && seq <= maxSeq
		if lawful != (passed[i] > 0) || twice[i] > 0 {
			t.Errorf("seq %d passed %d times, %d of them again", seq, passed[i], twice[i])
		}
	}
}

// TestGateRepeatsTheLastAlone: what a lock-step bridge says again passes, and nothing before it.
func TestGateRepeatsTheLastAlone(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 100_000 {
		g := gate{epoch: self, allowRepeat: true}
		var newest uint64
		for range 12 {
			seq := rng.Uint64N(7)
			if _, got := g.pass(Envelope{Epoch: self, Seq: seq}, false); got != (seq >= 1 && seq >= newest) {
				t.Fatalf("seq %d after %d: passed %v", seq, newest, got)
			}
			if seq >= 1 {
				newest = max(newest, seq)
			}
		}
	}
}

func TestGateWantsAStampThatIsATime(t *testing.T) {
	for stamp, want := range map[Stamp]bool{
		{}: true, {Sec: 1<<33 - 1, Nanosec: 999_999_999}: true,
		{Sec: -1}: false, {Nanosec: -1}: false, {Nanosec: 1_000_000_000}: false, {Sec: 1 << 33}: false, {Sec: 1 << 62}: false,
	} {
		g := gate{epoch: self}
		if _, got := g.pass(Envelope{Epoch: self, Seq: 1, Stamp: stamp}, false); got != want {
			t.Errorf("%+v: passed %v", stamp, got)
		}
	}
}
