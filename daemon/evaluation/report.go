package evaluation

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"sim2reald/daemon/metrics"
)

// Schema names the report's form. Version 1 had one arm's trials under one name, and no domain, cameras, shift or
// differences; every field that it had is in this one too.
const Schema = "sim2reald.evaluation/2"

// Arm is one policy's trials under one shift.
type Arm struct {
	Name           string          `json:"name"`
	Policy         string          `json:"policy"` // what was in command, with its digest
	Shift          string          `json:"shift,omitempty"`
	Plans          string          `json:"plans,omitempty"` // how its answers were followed
	Trials         []Trial         `json:"trials"`
	Inference      metrics.Summary `json:"inference"` // of the last session, where one was gone on with
	FrameToCommand metrics.Summary `json:"frame_to_command"`
	CamerasApart   metrics.Summary `json:"cameras_apart,omitzero"` // between the pictures of several that were looked at as one; real time
	Overruns       uint64          `json:"overruns"`
}

// Counts are the trials that count, the successes among them, and the void ones.
func (a Arm) Counts() (n, successes, void int) {
	for _, t := range a.Trials {
		switch {
		case t.Void():
			void++
		case t.Success():
			successes++
			n++
		default:
			n++
		}
	}
	return n, successes, void
}

// title is what a person knows the arm by.
func (a Arm) title() string {
	if a.Shift == "" {
		return a.Name
	}
	return a.Name + " under " + a.Shift
}

// Report is what an evaluation leaves behind.
type Report struct {
	Schema   string            `json:"schema"`
	Domain   string            `json:"domain"`
	Task     string            `json:"task"`
	Jitter   string            `json:"jitter"`
	Cameras  []string          `json:"cameras"`
	Sources  []string          `json:"camera_sources,omitempty"` // of each, where they are not the bridge's lossless pictures
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

// WriteJSON writes the report with its rates, intervals and differences.
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
		Arms        []jsonArm    `json:"arms"`
		Differences []Difference `json:"differences"`
	}{plain(r), arms, Differences(r.Arms)})
}

// WriteText writes the table that a person reads.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s, jitter %s, %s, horizon %d steps\n", r.Task, r.Jitter, r.Clock, r.Horizon)
	if len(r.Sources) > 0 {
		fmt.Fprintf(&b, "cameras: %s, by %s\n", strings.Join(r.Cameras, ", "), strings.Join(r.Sources, ", "))
	}
	fmt.Fprintf(&b, "success: %s\nengine:  %s\nbase:    %s\n", r.Rule, r.Engine, r.Base)
	for _, a := range r.Arms {
		a.writeText(&b)
	}
	for _, d := range Differences(r.Arms) {
		d.writeText(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (a Arm) writeText(b *strings.Builder) {
	n, s, void := a.Counts()
	lo, hi := Wilson(s, n)
	fmt.Fprintf(b, "\n%s: %s\n", a.title(), a.Policy)
	if a.Plans != "" {
		fmt.Fprintf(b, "  plans              %s\n", a.Plans)
	}
	fmt.Fprintf(b, "  successes          %d of %d (%.0f %%), 95 %% interval %.2f to %.2f (Wilson)\n", s, n, 100*rate(s, n), lo, hi)
	fmt.Fprintf(b, "  seeds              %s\n", seeds(a.Trials))
	if void > 0 {
		fmt.Fprintf(b, "  void (not counted) %d\n", void)
	}
	fmt.Fprintf(b, "  inference          p50 %.1f ms, p99 %.1f ms, max %.1f ms over %d\n",
		1e3*a.Inference.P50, 1e3*a.Inference.P99, 1e3*a.Inference.Max, a.Inference.Count)
	fmt.Fprintf(b, "  frame to command   p50 %.1f ms, p99 %.1f ms, max %.1f ms over %d\n",
		1e3*a.FrameToCommand.P50, 1e3*a.FrameToCommand.P99, 1e3*a.FrameToCommand.Max, a.FrameToCommand.Count)
	if apart := a.CamerasApart; apart.Count > 0 {
		fmt.Fprintf(b, "  cameras apart      p50 %.1f ms, p99 %.1f ms, max %.1f ms over %d\n", 1e3*apart.P50, 1e3*apart.P99, 1e3*apart.Max, apart.Count)
	}
}

func rate(s, n int) float64 {
	if n == 0 {
		return 0
	}
	return float64(s) / float64(n)
}

// seeds is the range that was run.
func seeds(trials []Trial) string {
	if len(trials) == 0 {
		return "none"
	}
	bySeed := func(a, b Trial) int { return int(a.Seed - b.Seed) }
	return fmt.Sprintf("%d to %d", slices.MinFunc(trials, bySeed).Seed, slices.MaxFunc(trials, bySeed).Seed)
}
