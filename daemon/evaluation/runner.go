// Package evaluation runs episodes on a bridge, as its operator, and reports what came of them.
//
// What belongs here: the order of an episode, the statistics, the report. What does not: how the arm is
// moved (daemon/control) and what a success is (the environment behind the bridge says).
package evaluation

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"sim2reald/daemon/topic"
)

// Bridge is what an evaluation asks of the robot's side.
type Bridge interface {
	ResetEpisode(topic.EpisodeReset, time.Duration) error
	StartEpisode(episode string, stamp time.Duration) error
}

// Operator arms, starts and stops the daemon.
type Operator interface {
	Arm() error
	Start() error
	Stop() error // a *LostError where the arm's motion faulted, and another episode can be run
}

// LostError is a fault of the daemon over what the arm did in an episode, acknowledged, since a reset undoes it: the episode
// is a failure of the policy, and the next one begins anew.
type LostError struct{ Reason string }

func (e *LostError) Error() string { return "the daemon faulted: " + e.Reason }

// Plan is what every episode has in common. Where a name is empty, the bridge's own is meant.
type Plan struct {
	Task     string
	Jitter   string
	Shift    string        // of the world that the policy was not trained in; empty for none
	Patience time.Duration // for each answer of the bridge that is not bounded by the horizon
	Horizon  time.Duration // wall time after which an episode must have ended
}

// Trial is one episode's outcome.
type Trial struct {
	Seed    int64   `json:"seed"`
	Outcome string  `json:"outcome"` // success, failure, truncated; aborted is void
	Steps   int     `json:"steps"`
	Reason  string  `json:"reason,omitempty"`
	Wall    float64 `json:"wall_s"`
}

// Void reports whether the trial says nothing about the policy.
func (t Trial) Void() bool { return t.Outcome == "aborted" }

// Runner runs trials. States receives the bridge's episode states.
type Runner struct {
	Bridge   Bridge
	Operator Operator
	States   <-chan topic.EpisodeState
}

// Run runs the plan on each seed and hands each trial to onTrial as it ends, so that nothing is lost when a
// later one fails. It returns nil when ctx ends.
func (r *Runner) Run(ctx context.Context, plan Plan, seeds iter.Seq[int64], onTrial func(Trial) error) error {
	for seed := range seeds {
		trial, err := r.Once(ctx, plan, seed)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("episode of seed %d: %w", seed, err)
		}
		if err := onTrial(trial); err != nil {
			return err
		}
	}
	return nil
}

// Once runs one episode: reset, arm, start, wait for its end, stop.
func (r *Runner) Once(ctx context.Context, plan Plan, seed int64) (Trial, error) {
	began := time.Now()
	id := plan.episode(seed)
	if err := r.reset(ctx, plan, id, seed); err != nil {
		return Trial{}, err
	}
	if err := r.armAndStart(ctx, plan.Patience); err != nil {
		return Trial{}, err
	}
	if err := r.Bridge.StartEpisode(id, 0); err != nil {
		return Trial{}, err
	}
	end, err := r.await(ctx, id, plan.Horizon, topic.EpisodeState.Ended)
	stopErr := r.Operator.Stop()
	if err != nil {
		return Trial{}, err
	}
	trial := Trial{Seed: seed, Outcome: end.State, Steps: end.Step, Reason: end.Reason, Wall: time.Since(began).Seconds()}
	var lost *LostError
	if errors.As(stopErr, &lost) && !trial.Void() {
		trial.Outcome, trial.Reason, stopErr = "failure", lost.Error(), nil
	}
	return trial, stopErr
}

// Freely arms and starts a bridge that knows no episodes, and stops when ctx ends.
func (r *Runner) Freely(ctx context.Context, patience time.Duration) error {
	if err := r.armAndStart(ctx, patience); err != nil {
		return err
	}
	<-ctx.Done()
	return r.Operator.Stop()
}

// episode names one episode of the plan.
func (p Plan) episode(seed int64) string {
	if p.Shift == "" {
		return fmt.Sprintf("%s-%s-%d", p.Task, p.Jitter, seed)
	}
	return fmt.Sprintf("%s-%s-%s-%d", p.Task, p.Jitter, p.Shift, seed)
}

func (r *Runner) reset(ctx context.Context, plan Plan, id string, seed int64) error {
	reset := topic.EpisodeReset{Episode: id, Task: plan.Task, Seed: seed, Jitter: plan.Jitter, Shift: plan.Shift}
	if err := r.Bridge.ResetEpisode(reset, 0); err != nil {
		return err
	}
	state, err := r.await(ctx, id, plan.Patience, func(s topic.EpisodeState) bool {
		return s.State == "ready" || s.Ended()
	})
	if err == nil && state.Ended() {
		err = fmt.Errorf("the bridge refused the reset: %s", state.Reason)
	}
	return err
}

// armAndStart asks until both are granted: after a reset the first pictures and states are still on their
// way, and arming without them is refused.
func (r *Runner) armAndStart(ctx context.Context, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for {
		err := r.Operator.Arm()
		if err == nil {
			err = r.Operator.Start()
		}
		if err == nil || time.Now().After(deadline) {
			return err
		}
		if stopErr := r.Operator.Stop(); stopErr != nil {
			return errors.Join(err, stopErr)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// await returns the first state of the episode that is wanted.
func (r *Runner) await(ctx context.Context, id string, patience time.Duration, wanted func(topic.EpisodeState) bool) (topic.EpisodeState, error) {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		select {
		case <-ctx.Done():
			return topic.EpisodeState{}, ctx.Err()
		case <-timeout.C:
			return topic.EpisodeState{}, fmt.Errorf("the bridge did not answer within %v; see its log above", patience)
		case s := <-r.States:
			if s.Episode == id && wanted(s) {
				return s, nil
			}
		}
	}
}
