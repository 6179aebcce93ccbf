package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// tabulate lays rows out in columns, the first flush left and the others flush right. A row of two cells says
// something in place of figures, and its second cell may run through the columns.
func tabulate(out io.Writer, rows [][]string) error {
	var widths []int
	for _, r := range rows {
		for i, cell := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if i == 0 || len(r) > 2 {
				widths[i] = max(widths[i], utf8.RuneCountInString(cell))
			}
		}
	}
	for _, r := range rows {
		if _, err := fmt.Fprintln(out, strings.TrimRight(layOut(r, widths), " ")); err != nil {
			return err
		}
	}
	return nil
}

func layOut(cells []string, widths []int) string {
	line := fmt.Sprintf("  %-*s", widths[0], cells[0])
	if len(cells) == 2 {
		return line + "  " + cells[1]
	}
	for i, cell := range cells[1:] {
		line += fmt.Sprintf("  %*s", widths[i+1], cell)
	}
	return line
}

// printMachine heads the table.
func printMachine(out io.Writer, m machine) error {
	_, err := fmt.Fprintf(out, "sim2real bench, %s\n%s, %d cores, %.1f GiB, %s, load %.1f when it began\n%s\n",
		m.Date, m.CPU, m.Cores, float64(m.MemoryB)/(1<<30), m.Kernel, m.Load, strings.Join(m.Says, "\n"))
	return err
}

// printRows is the part of the table of one bout.
func printRows(out io.Writer, heading string, rows []row) error {
	if _, err := fmt.Fprintf(out, "\n%s\n", heading); err != nil {
		return err
	}
	lines := [][]string{{"", "min ms", "median ms", "GFLOP/s", "of peak", "by the first's [quartiles]", "output differs"}}
	for _, r := range rows {
		lines = append(lines, r.cells())
	}
	return tabulate(out, lines)
}

func (r row) cells() []string {
	if r.Absent != "" {
		return []string{r.label, "absent: " + r.Absent}
	}
	return []string{r.label, digits(r.MinMS), digits(r.MedianMS), orDash(r.GFLOPS, "%.1f"),
		orDash(100*r.OfPeak, "%.0f %%"), r.OfOurs.String(), r.differs()}
}

func (r row) differs() string {
	switch {
	case r.Differs == nil:
		return "-"
	case r.Wrong:
		return fmt.Sprintf("%.1e from %s: WRONG", float64(*r.Differs), r.Reference)
	}
	return fmt.Sprintf("%.1e from %s", float64(*r.Differs), r.Reference)
}

// String is the median and, in brackets, the quartiles.
func (r ratio) String() string {
	if r.Rounds == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3f [%.3f %.3f]", r.Median, r.Low, r.High)
}

// printFigures is the part of the table with the targets.
func printFigures(out io.Writer, figures []figure) error {
	if _, err := fmt.Fprintf(out, "\nfigures and targets\n"); err != nil {
		return err
	}
	lines := [][]string{{"", "figure", "target", "verdict"}}
	reached, asked := 0, 0
	for _, f := range figures {
		lines = append(lines, f.cells())
		if f.AtMost != nil {
			asked++
		}
		if f.verdict() == "reached" {
			reached++
		}
	}
	if err := tabulate(out, lines); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d of %d targets reached\n", reached, asked)
	return err
}

// printNotes says what ran.
func printNotes(out io.Writer, notes [][]string) error {
	if _, err := fmt.Fprintf(out, "\ncontenders\n"); err != nil {
		return err
	}
	return tabulate(out, notes)
}

func (f figure) cells() []string {
	limit := "-"
	if f.AtMost != nil {
		limit = "at most " + withUnit(float64(*f.AtMost), f.Unit)
	}
	if f.Absent != "" && f.AtMost == nil {
		return []string{f.What, "absent: " + f.Absent}
	}
	if f.Absent != "" {
		return []string{f.What, "absent: " + f.Absent + " (" + limit + ", " + f.verdict() + ")"}
	}
	return []string{f.What, f.value(), limit, f.verdict()}
}

func (f figure) value() string {
	if f.Spread != nil {
		return f.Spread.String() + " x"
	}
	return withUnit(f.Value, f.Unit)
}

func withUnit(v float64, unit string) string { return strings.TrimRight(digits(v)+" "+unit, " ") }

// digits is v to four significant digits, without an exponent for what people write without.
func digits(v float64) string {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return fmt.Sprint(v)
	}
	if places := 3 - int(math.Floor(math.Log10(math.Abs(v)))); places > 0 && places < 8 {
		s := fmt.Sprintf("%.*f", places, v)
		return strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if math.Abs(v) < 1e15 && math.Abs(v) >= 1 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

func orDash(v float64, format string) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf(format, v)
}
