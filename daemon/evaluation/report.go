package evaluation

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"sim2reald/daemon/metrics"
)

// Arm is one policy's trials.
type Arm struct {
	Name           string          `json:"name"`
	Policy         string          `json:"policy"` // what was in command, with its digest
	Trials         []Trial         `json:"trials"`
	Inference      metrics.Summary `json:"inference"`
	FrameToCommand metrics.Summary `json:"frame_to_command"`
	Overruns       uint64          `json:"overruns"`
}

// Counts are the trials that count, the successes among them, and the void ones.
func (a Arm) Counts() (n, successes, void int) {
	for _, t := range a.Trials {
		switch {
		case t.Void():
			void++
		case t.Outcome == "success":
			successes++
			n++
		default:
			n++
		}
	}
	return n, successes, void
}

// Report is what an evaluation leaves behind.
type Report struct {
	Schema   string            `json:"schema"`
	Task     string            `json:"task"`
	Jitter   string            `json:"jitter"`
	Clock    string            `json:"clock"`
	Rule     string            `json:"success_rule"`
	Horizon  int               `json:"horizon_steps"`
	Engine   string            `json:"engine"` // what really computed, on what
	Base     string            `json:"base"`
	Daemon   string            `json:"daemon"`
	Software map[string]string `json:"software"` // of the bridge
	Arms     []Arm             `json:"arms"`
}

// jsonArm adds what is computed to what is stored.
type jsonArm struct {
	Arm
	Episodes  int        `json:"episodes"`
	Successes int        `json:"successes"`
	Void      int        `json:"void"`
	Rate      float64    `json:"rate"`
	Interval  [2]float64 `json:"interval_95"`
	Seeds     string     `json:"seeds"`
}

// WriteJSON writes the report with its rates and intervals.
func (r Report) WriteJSON(w io.Writer) error {
	arms := make([]jsonArm, 0, len(r.Arms))
	for _, a := range r.Arms {
		n, s, void := a.Counts()
		lo, hi := Wilson(s, n)
		arms = append(arms, jsonArm{
			Arm: a, Episodes: n, Successes: s, Void: void, Rate: rate(s, n), Interval: [2]float64{lo, hi}, Seeds: seeds(a.Trials),
		})
	}
	type plain Report
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		plain
		Arms []jsonArm `json:"arms"`
	}{plain(r), arms})
}

// WriteText writes the table that a person reads.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s, jitter %s, %s, horizon %d steps\n", r.Task, r.Jitter, r.Clock, r.Horizon)
	fmt.Fprintf(&b, "success: %s\nengine:  %s\nbase:    %s\n", r.Rule, r.Engine, r.Base)
	for _, a := range r.Arms {
		a.writeText(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (a Arm) writeText(b *strings.Builder) {
	n, s, void := a.Counts()
	lo, hi := Wilson(s, n)
	fmt.Fprintf(b, "\n%s: %s\n", a.Name, a.Policy)
	fmt.Fprintf(b, "  successes          %d of %d (%.0f %%), 95 %% interval %.2f to %.2f (Wilson)\n", s, n, 100*rate(s, n), lo, hi)
	fmt.Fprintf(b, "  seeds              %s\n", seeds(a.Trials))
	if void > 0 {
		fmt.Fprintf(b, "  void (not counted) %d\n", void)
	}
	fmt.Fprintf(b, "  inference          p50 %.1f ms, p99 %.1f ms, max %.1f ms over %d\n",
		1e3*a.Inference.P50, 1e3*a.Inference.P99, 1e3*a.Inference.Max, a.Inference.Count)
	fmt.Fprintf(b, "  frame to command   p50 %.1f ms, p99 %.1f ms, max %.1f ms over %d\n",
		1e3*a.FrameToCommand.P50, 1e3*a.FrameToCommand.P99, 1e3*a.FrameToCommand.Max, a.FrameToCommand.Count)
}

func rate(s, n int) float64 {
	if n == 0 {
		return 0
	}
	return float64(s) / float64(n)
}

// seeds is the range that was run; a runner counts up from the first.
func seeds(trials []Trial) string {
	if len(trials) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d to %d", trials[0].Seed, trials[len(trials)-1].Seed)
}
