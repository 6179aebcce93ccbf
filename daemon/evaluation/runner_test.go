package evaluation

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"sim2reald/daemon/topic"
)

// script is a bridge and an operator that follow a script and write down what they were asked.
type script struct {
	asked   []string
	states  chan topic.EpisodeState
	ready   string // answer to a reset
	reason  string
	end     string // answer to a start
	refuse  int    // so many times to arm
	stopErr error
	shift   string // asked for
}

func newScript() *script {
	return &script{states: make(chan topic.EpisodeState, 8), ready: "ready", end: "success"}
}

func (s *script) ResetEpisode(r topic.EpisodeReset, _ time.Duration) error {
	s.asked, s.shift = append(s.asked, "reset "+r.Episode), r.Shift
	s.states <- topic.EpisodeState{Episode: "another", State: "failure"} // of an earlier run: to be passed over
	s.states <- topic.EpisodeState{Episode: r.Episode, State: s.ready, Reason: s.reason}
	return nil
}

func (s *script) StartEpisode(id string, _ time.Duration) error {
	s.asked = append(s.asked, "begin")
	s.states <- topic.EpisodeState{Episode: id, State: "running"}
	if s.end != "" {
		s.states <- topic.EpisodeState{Episode: id, State: s.end, Step: 42, Reason: s.reason}
	}
	return nil
}

func (s *script) Arm() error {
	s.asked = append(s.asked, "arm")
	if s.refuse--; s.refuse >= 0 {
		return errors.New("frame_stale")
	}
	return nil
}
func (s *script) Start() error { s.asked = append(s.asked, "start"); return nil }
func (s *script) Stop() error  { s.asked = append(s.asked, "stop"); return s.stopErr }

func (s *script) run(t *testing.T, episodes int) ([]Trial, error) {
	t.Helper()
	var trials []Trial
	r := &Runner{Bridge: s, Operator: s, States: s.states}
	plan := Plan{Task: "slide", Jitter: "j05", Patience: 200 * time.Millisecond, Horizon: 200 * time.Millisecond}
	err := r.Run(t.Context(), plan, slices.Values([]int64{5, 6}[:episodes]), func(t Trial) error { trials = append(trials, t); return nil })
	return trials, err
}

func TestRunFollowsTheOrder(t *testing.T) {
	s := newScript()
	trials, err := s.run(t, 2)
	if err != nil || len(trials) != 2 || trials[1].Seed != 6 || trials[1].Outcome != "success" || trials[1].Steps != 42 {
		t.Fatalf("%+v, %v", trials, err)
	}
	want := "reset slide-j05-5, arm, start, begin, stop, reset slide-j05-6, arm, start, begin, stop"
	if got := strings.Join(s.asked, ", "); got != want {
		t.Errorf("asked %s\nwant  %s", got, want)
	}
}

func TestRunAsksAgainToArm(t *testing.T) {
	s := newScript()
	s.refuse = 2
	if trials, err := s.run(t, 1); err != nil || len(trials) != 1 {
		t.Errorf("%+v, %v", trials, err)
	}
}

func TestRunFails(t *testing.T) {
	cases := []struct {
		name  string
		spoil func(*script)
		want  string
	}{
		{"reset refused", func(s *script) { s.ready, s.reason = "aborted", "no task juggle" }, "episode of seed 5: the bridge refused the reset: no task juggle"},
		{"never ready", func(s *script) { s.ready = "idle" }, "did not answer within"},
		{"never armed", func(s *script) { s.refuse = 1 << 30 }, "frame_stale"},
		{"never ends", func(s *script) { s.end = "" }, "did not answer within"},
		{"faulted", func(s *script) { s.stopErr = errors.New("the daemon faulted") }, "the daemon faulted"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newScript()
			c.spoil(s)
			trials, err := s.run(t, 1)
			if err == nil || !strings.Contains(err.Error(), c.want) || len(trials) != 0 {
				t.Errorf("%+v, %v; want %q", trials, err, c.want)
			}
		})
	}
}

// TestRunGoesOnAfterALostTrial: a fault over the arm's motion is the policy's failure, whatever the bridge calls the end;
// of an episode that the bridge gave up nothing is said.
func TestRunGoesOnAfterALostTrial(t *testing.T) {
	s := newScript()
	s.stopErr = &LostError{"limit_passed: joint 1"}
	trials, err := s.run(t, 2)
	if err != nil || len(trials) != 2 || trials[1].Outcome != "failure" || trials[1].Reason != "the daemon faulted: limit_passed: joint 1" || trials[1].Steps != 42 {
		t.Errorf("%+v, %v", trials, err)
	}
	s.end = "aborted"
	if trials, err := s.run(t, 1); err == nil || len(trials) != 0 {
		t.Errorf("%+v, %v", trials, err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	s := newScript()
	s.end = ""
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := &Runner{Bridge: s, Operator: s, States: s.states}
	if err := r.Run(ctx, Plan{Patience: time.Minute, Horizon: time.Minute}, slices.Values([]int64{1}), nil); err != nil {
		t.Error(err)
	}
}

// TestOnceAsksForTheShift: under another name than the same seed without it.
func TestOnceAsksForTheShift(t *testing.T) {
	s := newScript()
	r := &Runner{Bridge: s, Operator: s, States: s.states}
	plan := Plan{Task: "light", Jitter: "j05", Shift: "textures", Patience: time.Second, Horizon: time.Second}
	if _, err := r.Once(t.Context(), plan, 7); err != nil || s.shift != "textures" || s.asked[0] != "reset light-j05-textures-7" {
		t.Errorf("shift %q, asked %v, %v", s.shift, s.asked, err)
	}
}
