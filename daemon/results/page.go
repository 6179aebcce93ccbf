package results

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Page is the page of results and its pictures, by file name.
type Page struct {
	Text     []byte
	Pictures map[string][]byte
}

// section is an experiment with its rows.
type section struct {
	Experiment
	rows []*Standing
}

// MakePage makes the page of a plan from the records in a folder, which are the only source of its figures.
func MakePage(p *Plan, folder string) (*Page, error) {
	var sections []section
	for _, e := range p.Experiments {
		s := section{Experiment: e}
		for _, r := range e.Rows {
			row, err := Stand(folder, e.job(r))
			if err != nil {
				return nil, err
			}
			s.rows = append(s.rows, row)
		}
		sections = append(sections, s)
	}
	w := &writer{pictures: map[string][]byte{}}
	w.head(sections)
	for _, s := range sections {
		if err := w.section(s); err != nil {
			return nil, fmt.Errorf("page of %s: %w", s.Name, err)
		}
	}
	w.queue(sections)
	return &Page{Text: []byte(w.String()), Pictures: w.pictures}, nil
}

// Write puts the page and its pictures into a folder. Pictures of it that the page no longer shows are left.
func (p *Page) Write(folder string) error {
	for name, picture := range p.Pictures {
		if err := Replace(filepath.Join(folder, name), picture); err != nil {
			return err
		}
	}
	return Replace(filepath.Join(folder, "README.md"), p.Text)
}

// writer collects the page.
type writer struct {
	strings.Builder
	pictures map[string][]byte
}

func (w *writer) printf(format string, args ...any) { fmt.Fprintf(w, format, args...) }

func (w *writer) head(sections []section) {
	w.WriteString(`# Results

<!-- Made by "sim2reald results -page" from rows.yaml and the records beside it; edit those. -->

Success rates in simulation, in lock-step, by each environment's own rule of success. An **arm** is what is trained:
*probe* a linear head on the frozen base, *top* a small MLP head on it, *bottom+top*, *middle+top* and *all* adapters
inside the frozen base as well, *full* the whole base fine-tuned, with a learning rate of its own. All arms of an
experiment learn from the same demonstrations and are measured on the same starts, none of which was used for training.
Where one was used for tuning, the experiment says so.

- **Success** is of the bundle at the end of training, over all training seeds and episodes, with a 95 % interval. It and
  those of differences are bootstraps over training seeds and over episodes, an episode drawn for all training seeds
  alike; differences are paired by training seed and episode. With three training seeds these intervals are a little too
  wide rather than too narrow; with one they say nothing of how another training would end.
- **Last checkpoints** is the mean over the last checkpoints of each training, **best one** the best of them, chosen
  after the fact on the same episodes and so too good; both on fewer episodes.
- **Parameters** are those that are trained; **minutes** those of one training, on the machine named below each table.
- An arm that comes *within ten points of full fine-tuning* has the whole interval of its difference above -10; one that
  *helps* has that of its difference to *top* above 0. What is not shown is said to be not shown.

`)
	done, wanted := 0, 0
	for _, s := range sections {
		for _, r := range s.rows {
			wanted++
			if r.Done() {
				done++
			}
		}
	}
	w.printf("%d of %d rows are done; the [queue](#queue) has the others with their commands.\n", done, wanted)
}

func (w *writer) section(s section) error {
	w.printf("\n## %s\n\n", s.Title)
	if s.About != "" {
		w.printf("%s\n\n", strings.TrimSpace(s.About))
	}
	e := s.Experiment
	w.printf("%s, task %s, camera %s, jitter %s; %s at %d px; %d demonstrations (of which the successful ones teach), seeds from %d up; "+
		"%s × %d episodes, seeds from %d up.\n\n",
		e.Domain, e.Task, e.Camera, e.Jitter, e.Base.Family, e.Base.SizePx, e.Demonstrations.Episodes, e.Demonstrations.FirstSeed,
		count(len(e.TrainingSeeds), "training seed"), e.Evaluation.Episodes, e.Evaluation.FirstSeed)
	w.table(s)
	if !slices.ContainsFunc(s.rows, (*Standing).begun) {
		return nil
	}
	w.machines(s)
	if err := w.differences(s); err != nil {
		return err
	}
	if err := w.shifts(s); err != nil {
		return err
	}
	return w.draw(s)
}

func (s *Standing) begun() bool { return len(s.Records) > 0 }

// shift is the one that arms are compared under.
func (s *Standing) shift() string { return s.Experiment.Evaluation.Shifts[0] }

func (w *writer) table(s section) {
	w.printf("| arm | success | 95 %% | last checkpoints | best one | parameters | minutes | row |\n|---|---|---|---|---|---|---|---|\n")
	for _, r := range s.rows {
		success, interval, mean, best, parameters, minutes := "queued", "", "", "", "", ""
		if f, ok := r.Success(r.shift()); ok {
			success, interval = percent(f.Rate), f.interval()
			if f.Seeds < len(r.Experiment.TrainingSeeds) {
				success += fmt.Sprintf(" (%d of %d training seeds)", f.Seeds, len(r.Experiment.TrainingSeeds))
			}
			n, t := r.cost()
			parameters, minutes = thousands(n), fmt.Sprintf("%.0f", t)
		}
		if m, b, ok := r.Checkpoints(); ok {
			mean, best = percent(m), percent(b)
		}
		w.printf("| %s | %s | %s | %s | %s | %s | %s | %s |\n", r.Label, success, interval, mean, best, parameters, minutes, r.link())
	}
	w.WriteString("\n")
}

// link leads to the records, where there are any.
func (s *Standing) link() string {
	if !s.begun() {
		return "`" + s.Name + "`"
	}
	return fmt.Sprintf("[`%s`](%s.jsonl)", s.Name, s.Name)
}

// thousands sets a number in groups of three.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u2009" + s[i:]
	}
	return s
}

// machines says where the figures of an experiment were made.
func (w *writer) machines(s section) {
	var cpus, engines, drawn, trainers, bases, data []string
	add := func(list *[]string, v string) {
		if !slices.Contains(*list, v) {
			*list = append(*list, v)
		}
	}
	for _, row := range s.rows {
		for _, r := range row.Records {
			add(&cpus, r.CPU)
			add(&engines, r.Engine)
			add(&drawn, r.Drawn)
			add(&trainers, r.Trainer)
			add(&bases, short(r.Base))
			add(&data, short(r.Data))
		}
	}
	w.printf("Machine: %s; trained by: %s; engine: %s; pictures by: %s; base: %s; data: %s.\n\n",
		strings.Join(cpus, " and "), strings.Join(trainers, " and "), strings.Join(engines, " and "), strings.Join(drawn, " and "), strings.Join(bases, " and "), strings.Join(data, " and "))
}

// short is the beginning of a digest, behind its name if it has one.
func short(digest string) string {
	before, hex, ok := strings.Cut(digest, "sha256:")
	if !ok || len(hex) < 12 {
		return digest
	}
	return before + "`" + hex[:12] + "`"
}

// of finds the row that is an arm's first in the experiment.
func (s section) of(arm string) *Standing {
	for _, r := range s.rows {
		if r.Arm == arm {
			return r
		}
	}
	return nil
}

// against compares a row with the first one of an arm; nil where there is nothing to compare.
func (s section) against(r *Standing, arm string) (*Difference, error) {
	other := s.of(arm)
	if other == nil || other == r || r.Arm == arm {
		return nil, nil
	}
	d, ok, err := r.Less(r.shift(), other, other.shift())
	if err != nil || !ok {
		return nil, err
	}
	return &d, nil
}

// differences tells each arm's difference to full fine-tuning and to the head alone, in figures and in words.
func (w *writer) differences(s section) error {
	var lines, words []string
	for _, r := range s.rows {
		full, err := s.against(r, "full")
		if err != nil {
			return err
		}
		top, err := s.against(r, "top")
		if err != nil {
			return err
		}
		for _, d := range []*Difference{full, top} {
			if d != nil {
				lines = append(lines, fmt.Sprintf("| %s − %s | %s | %s | %d × %d |", d.Of, d.Less, points(d.Rate), d.interval(), d.Seeds, d.Episodes))
			}
		}
		if text := sentence(r.Label, full, top); text != "" {
			words = append(words, text)
		}
	}
	if len(lines) > 0 {
		w.printf("| difference | points | 95 %% | pairs |\n|---|---|---|---|\n%s\n\n%s\n\n", strings.Join(lines, "\n"), strings.Join(words, " "))
	}
	return nil
}

// queue lists what is not done, in order of worth.
func (w *writer) queue(sections []section) {
	var rows []*Standing
	for _, s := range sections {
		rows = append(rows, s.rows...)
	}
	slices.SortStableFunc(rows, func(a, b *Standing) int { return strings.Compare(a.Part, b.Part) })
	w.WriteString("\n## Queue\n\n")
	if !slices.ContainsFunc(rows, func(r *Standing) bool { return !r.Done() }) {
		w.WriteString("Nothing is left to run.\n")
		return
	}
	w.WriteString("Each command goes on where it was stopped.\n\n| part | row | evaluations done | command |\n|---|---|---|---|\n")
	for _, r := range rows {
		if done, wanted := r.Progress(); done < wanted {
			w.printf("| %s | %s: %s | %d of %d | `make results ROW=%s` |\n", r.Part, r.Experiment.Name, r.Label, done, wanted, r.Name)
		}
	}
	w.WriteString("\n")
}
