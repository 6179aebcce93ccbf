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
	AtMost  float64 `json:"at_most"`
	Reached bool    `json:"reached"`
}

func figureOf(what string, value, atMost float64) figure {
	return figure{what, value, atMost, value <= atMost}
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
		both := b.tallies[p]
		if both == nil {
			fmt.Fprintf(table, "  %s\t%d\tabsent\t\t\t\t\t\t\t\t\t\n", p.load, p.rate)
			continue
		}
		rows := [2]row{rowOf(contenderGo, p, &both[contenderGo], -1), rowOf(contenderC, p, &both[contenderC], -1)}
		ratio := rows[contenderGo].P999 / rows[contenderC].P999
		for contender, r := range rows {
			if err := b.journal.write("row", r); err != nil {
				return nil, err
			}
			of := ""
			if contender == contenderGo {
				of = fmt.Sprintf("%.2f", ratio)
			}
			fmt.Fprintf(table, "  %s\t%d\t%s\t%d\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t%s\t%.0f\t\n",
				r.Load, r.RateHz, r.Contender, r.Ticks, r.Skipped, r.P50, r.P99, r.P999, r.Worst, of, r.Flood)
			classes[r.Contender+": "+r.Scheduled] = true
		}
		figures = append(figures, figureOf(fmt.Sprintf("p99.9 by C's, %s, %d Hz", p.load, p.rate), ratio, mostOfC))
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
		if b.tallies[p] == nil || !p.load.inference {
			continue
		}
		inference, beyond := b.journeys[p].inference.Summary(), b.journeys[p].beyond.Summary()
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
	fmt.Fprintln(out, "\nfigures and targets")
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	reached := 0
	for _, f := range all {
		verdict := "not reached"
		if f.Reached {
			verdict = "reached"
			reached++
		}
		fmt.Fprintf(table, "  %s\t%.3f\tat most %g\t%s\n", f.What, f.Value, f.AtMost, verdict)
		if err := b.journal.write("figure", f); err != nil {
			return err
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d of %d targets reached\n", reached, len(all))
	return err
}
