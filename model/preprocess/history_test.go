package preprocess

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"sim2reald/camera"
	"sim2reald/robot"
)

// historySpec sees three observations of one tiny camera at 12.5 Hz; a pixel of value v is the number v.
func historySpec() Spec {
	return Spec{
		Cameras: []Camera{{Name: "front", SourceWidth: 1, SourceHeight: 1, Width: 1, Height: 1, Colour: ColourRGB,
			Interpolation: InterpolationBox, Std: [3]float64{1. / 255, 1. / 255, 1. / 255}}},
		Proprioception: ProprioNone, History: 3, RateHz: 12.5,
	}
}

// glance is one call of Observe: when, in which episode phase and step, and what the camera shows.
type glance struct {
	ms    int
	phase robot.EpisodePhase
	step  int
	shows byte
}

func running(ms, step int, shows byte) glance { return glance{ms, robot.EpisodeRunning, step, shows} }

// TestHistory says what a policy sees, oldest first, after the last of some glances.
func TestHistory(t *testing.T) {
	free := func(ms int, shows byte) glance { return glance{ms, robot.NoEpisode, 0, shows} }
	for name, c := range map[string]struct {
		glances []glance
		want    []float32
	}{
		"first is repeated":    {[]glance{running(0, 0, 1)}, []float32{1, 1, 1}},
		"second":               {[]glance{running(0, 0, 1), running(80, 1, 2)}, []float32{1, 1, 2}},
		"lock-step":            {[]glance{running(0, 0, 1), running(80, 1, 2), running(160, 2, 3), running(240, 3, 4)}, []float32{2, 3, 4}},
		"ready is no past":     {[]glance{{0, robot.EpisodeReady, 0, 9}, running(0, 0, 1), running(80, 1, 2)}, []float32{1, 1, 2}},
		"another episode":      {[]glance{running(0, 0, 7), running(80, 1, 8), running(160, 0, 1), running(240, 1, 2)}, []float32{1, 1, 2}},
		"episodes of one step": {[]glance{running(0, 0, 7), running(80, 0, 1)}, []float32{1, 1, 1}},
		"ended":                {[]glance{running(80, 1, 7), {160, robot.EpisodeEnded, 2, 8}, {240, robot.EpisodeEnded, 2, 9}}, []float32{9, 9, 9}},
		"another bridge":       {[]glance{free(5000, 7), free(5080, 8), free(0, 1), free(80, 2)}, []float32{1, 1, 2}},
		"camera twice as fast": {[]glance{free(0, 1), free(40, 2), free(80, 3), free(120, 4), free(160, 5), free(200, 6)}, []float32{2, 4, 6}},
		"camera not in step":   {[]glance{free(0, 1), free(33, 2), free(66, 3), free(99, 4), free(132, 5), free(165, 6)}, []float32{1, 4, 6}},
		// Every seventh is kept, being 21 ms newer; wanted are those of 217 and 137 ms, kept those of 210 and 147.
		"far more than needed":  {ticking(free, 3, 100), []float32{49, 70, 99}},
		"a pause is not a past": {[]glance{free(0, 1), free(80, 2), free(9000, 3)}, []float32{3, 3, 3}},
		"a picture is missing":  {[]glance{free(0, 1), free(80, 2), free(240, 4)}, []float32{2, 4, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := NewObserver(historySpec(), 2, Stats{})
			if err != nil {
				t.Fatal(err)
			}
			defer o.Close()
			obs := o.Observation()
			for _, g := range c.glances {
				state := &robot.State{Stamp: time.Duration(g.ms) * time.Millisecond, Episode: g.phase, Step: g.step}
				frame := &camera.Frame{Camera: "front", Width: 1, Height: 1, Pix: []byte{g.shows, 0, 0}}
				if err := o.Observe([]*camera.Frame{frame}, state, obs); err != nil {
					t.Fatal(err)
				}
			}
			var got []float32
			for _, picture := range obs.Images {
				got = append(got, picture[0])
			}
			if !slices.EqualFunc(got, c.want, func(a, b float32) bool { return a-b < 1e-3 && b-a < 1e-3 }) {
				t.Errorf("saw %v, want %v", got, c.want)
			}
		})
	}
}

// ticking glances every few milliseconds, showing the number of the glance.
func ticking(at func(ms int, shows byte) glance, every, n int) []glance {
	var out []glance
	for i := range n {
		out = append(out, at(every*i, byte(i)))
	}
	return out
}

func TestHistoryRefused(t *testing.T) {
	for name, change := range map[string]func(*Spec){
		"negative": func(s *Spec) { s.History = -1 },
		"too long": func(s *Spec) { s.History = 9 },
		"no rate":  func(s *Spec) { s.RateHz = 0 },
	} {
		s := historySpec()
		change(&s)
		if _, err := NewObserver(s, 2, Stats{}); !errors.Is(err, ErrSpec) || !strings.Contains(err.Error(), "history") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHistoryAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	o, err := NewObserver(historySpec(), 2, Stats{})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	obs, state := o.Observation(), &robot.State{}
	frames := []*camera.Frame{{Camera: "front", Width: 1, Height: 1, Pix: []byte{1, 2, 3}}}
	n := testing.AllocsPerRun(100, func() {
		state.Stamp += 40 * time.Millisecond
		if err := o.Observe(frames, state, obs); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%g allocations", n)
	}
}
