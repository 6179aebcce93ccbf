package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"text/tabwriter"

	"sim2reald/daemon/metrics"
)

// The targets.
const (
	mostOfC         = 1.5  // the Go loop's p99.9 by the C loop's
	mostOfInference = 0.05 // from picture to command beyond the inference, by an inference
)

// journal writes one JSON object a line; a nil one writes nothing.
type journal struct{ out io.WriteCloser }

func openJournal(path string) (*journal, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("writing rows: %w", err)
	}
	return &journal{f}, nil
}

func (j *journal) write(kind string, value any) error {
	if j == nil {
		return nil
	}
	line, err := json.Marshal(map[string]any{kind: value})
	if err == nil {
		_, err = j.out.Write(append(line, '\n'))
	}
	return err
}

func (j *journal) close() error {
	if j == nil {
		return nil
	}
	return j.out.Close()
}

// row is one contender in one place, in µs.
type row struct {
	Load      string  `json:"load"`
	RateHz    int     `json:"rate_hz"`
	Contender string  `json:"contender"`
	Round     int     `json:"round"` // -1: all of them
	Scheduled string  `json:"scheduled"`
	Ticks     uint64  `json:"ticks"`
	Skipped   uint64  `json:"skipped"`
	P50       float64 `json:"p50_us"`
	P99       float64 `json:"p99_us"`
	P999      float64 `json:"p999_us"`
	Worst     float64 `json:"worst_us"`
	Flood     float64 `json:"flood_per_s,omitempty"` // messages, as sent
}

func rowOf(contender int, p place, t *tally, round int) row {
	s := t.lateness.Spread()
	return row{
		Load: p.load.String(), RateHz: p.rate, Contender: contenderNames()[contender], Round: round, Scheduled: t.class,
		Ticks: s.Count, Skipped: t.skipped, P50: 1e6 * s.P50, P99: 1e6 * s.P99, P999: 1e6 * s.P999, Worst: 1e6 * s.Max,
		Flood: t.flood,
	}
}

// figure is one that a target was set for.
type figure struct {
	What    string  `json:"what"`
	Value   float64 `json:"value"`
	Low     float64 `json:"low,omitempty"` // of a 95 % interval, where there is one
	High    float64 `json:"high,omitempty"`
	AtMost  float64 `json:"at_most"`
	Verdict string  `json:"verdict"`
}

// The verdicts.
const (
	reached    = "reached"
	notReached = "not reached"
	open       = "open" // the interval reaches across the target
)

func figureOf(what string, value, atMost float64) figure {
	f := figureWithin(what, ratio{value, value, value}, atMost)
	f.Low, f.High = 0, 0
	return f
}

// figureWithin is judged by its interval.
func figureWithin(what string, r ratio, atMost float64) figure {
	f := figure{What: what, Value: r.value, Low: r.low, High: r.high, AtMost: atMost, Verdict: open}
	switch {
	case r.high <= atMost:
		f.Verdict = reached
	case !(r.low <= atMost):
		f.Verdict = notReached
	}
	return f
}

// report prints everything.
func (b *bench) report(out io.Writer) error {
	if err := b.head(out); err != nil {
		return err
	}
	figures, err := b.rows(out)
	if err != nil {
		return err
	}
	journeys, err := b.journeyRows(out)
	if err != nil {
		return err
	}
	return b.figures(out, append(figures, journeys...))
}

// rows is the table of the loops.
func (b *bench) rows(out io.Writer) (figures []figure, err error) {
	if _, err := fmt.Fprintln(out, "\nlateness in µs"); err != nil {
		return nil, err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "  load\tHz\tloop\tticks\tskipped\tp50\tp99\tp99.9\tworst\tp99.9 of C's\tflood/s\t")
	classes := map[string]bool{}
	for _, p := range b.set.places() {
		c := b.cells[p]
		if c == nil {
			fmt.Fprintf(table, "  %s\t%d\tabsent\t\t\t\t\t\t\t\t\t\n", p.load, p.rate)
			continue
		}
		rows := [2]row{rowOf(contenderGo, p, c.total(contenderGo), -1), rowOf(contenderC, p, c.total(contenderC), -1)}
		ratio := c.ratio()
		for contender, r := range rows {
			if err := b.journal.write("row", r); err != nil {
				return nil, err
			}
			of := ""
			if contender == contenderGo {
				of = fmt.Sprintf("%.2f (%.2f to %.2f)", ratio.value, ratio.low, ratio.high)
			}
			fmt.Fprintf(table, "  %s\t%d\t%s\t%d\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t%s\t%.0f\t\n",
				r.Load, r.RateHz, r.Contender, r.Ticks, r.Skipped, r.P50, r.P99, r.P999, r.Worst, of, r.Flood)
			classes[r.Contender+": "+r.Scheduled] = true
		}
		figures = append(figures, figureWithin(fmt.Sprintf("p99.9 by C's, %s, %d Hz", p.load, p.rate), ratio, mostOfC))
	}
	if err := table.Flush(); err != nil {
		return nil, err
	}
	for says := range classes {
		fmt.Fprintln(out, "  "+says)
	}
	pauses := metrics.CollectorPauses()
	_, err = fmt.Fprintf(out, "  Go stopped %d times for its garbage, at most %.0f µs each; GOMAXPROCS %d\n", pauses.Count, 1e6*pauses.Max, runtime.GOMAXPROCS(0))
	return figures, err
}

// journeyRows is the table from picture to command.
func (b *bench) journeyRows(out io.Writer) (figures []figure, err error) {
	fmt.Fprintln(out, "\nfrom a picture's arrival to its first command's leaving, in ms")
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "  load\tHz\tpictures\tinference p50\tbeyond it p50\tp99\tworst\tp50 of an inference\t")
	for _, p := range b.set.places() {
		if b.cells[p] == nil || !p.load.inference {
			continue
		}
		inference, beyond := b.cells[p].journey.inference.Summary(), b.cells[p].journey.beyond.Summary()
		share := beyond.P50 / inference.P50
		fmt.Fprintf(table, "  %s\t%d\t%d\t%.1f\t%.2f\t%.2f\t%.2f\t%.1f %%\t\n",
			p.load, p.rate, beyond.Count, 1e3*inference.P50, 1e3*beyond.P50, 1e3*beyond.P99, 1e3*beyond.Max, 100*share)
		if err := b.journal.write("journey", map[string]any{"load": p.load.String(), "rate_hz": p.rate, "inference": inference, "beyond": beyond}); err != nil {
			return nil, err
		}
		figures = append(figures, figureOf(fmt.Sprintf("picture to command beyond inference, p50 by an inference, %s, %d Hz", p.load, p.rate), share, mostOfInference))
	}
	return figures, table.Flush()
}

func (b *bench) figures(out io.Writer, all []figure) error {
	fmt.Fprintln(out, "\nfigures and targets, with 95 % intervals over rounds")
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	counts := map[string]int{}
	for _, f := range all {
		counts[f.Verdict]++
		within := ""
		if f.High > 0 {
			within = fmt.Sprintf("%.2f to %.2f", f.Low, f.High)
		}
		fmt.Fprintf(table, "  %s\t%.3f\t%s\tat most %g\t%s\n", f.What, f.Value, within, f.AtMost, f.Verdict)
		if err := b.journal.write("figure", f); err != nil {
			return err
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "of %d targets %d reached, %d open, %d not reached\n", len(all), counts[reached], counts[open], counts[notReached])
	return err
}
