package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// course is one run through everything.
type course struct {
	*lab
	set       settings
	out, errs io.Writer
	journal   *journal
	figures   []figure
	notes     [][]string // label and what it runs, once each
}

// open makes the files of a run and finds the peers.
func (c *course) open() (err error) {
	if err := os.MkdirAll(c.scratch, 0o755); err != nil {
		return err
	}
	if c.log, err = os.Create(filepath.Join(c.scratch, peersLog)); err != nil {
		return err
	}
	c.python, c.noPeers = interpreter(c.set.environment, c.set.script)
	c.journal, err = openJournal(c.set.json)
	return err
}

// run goes through the subjects and prints what it has, also when it is interrupted.
func (c *course) run(ctx context.Context, chosen []subject) error {
	m := describeMachine(time.Now())
	m.Says = append(m.Says, "ONNX Runtime "+c.runtime.Version(), blasVersion())
	err := errors.Join(printMachine(c.out, m), c.journal.write("machine", m))
	for _, s := range chosen {
		if err == nil && ctx.Err() == nil {
			err = c.subject(ctx, s)
		}
	}
	if err == nil && ctx.Err() == nil && !c.set.gpu && c.set.part.MatchString("memory") {
		err = c.memory(ctx)
	}
	err = errors.Join(err, printFigures(c.out, c.figures), printNotes(c.out, c.notes))
	if ctx.Err() != nil {
		err = errors.Join(err, errors.New("interrupted: the figures are those of the rounds so far"))
	}
	return err
}

// memory measures resident bundles on the second subject, the size of backbone that a robot starts with.
func (c *course) memory(ctx context.Context) error {
	s := subjects()[1]
	c.progress(s.label + ": memory of resident bundles")
	return c.keep(c.memoryFigures(ctx, s))
}

// keep adds figures to the table's last part and to the journal.
func (c *course) keep(figures []figure) (err error) {
	c.figures = append(c.figures, figures...)
	for _, f := range figures {
		err = errors.Join(err, c.journal.write("figure", f))
	}
	return err
}

// progress tells somebody who waits.
func (c *course) progress(text string) {
	fmt.Fprintf(c.errs, "bench: %s %s\n", time.Now().Format(time.TimeOnly), text)
}

// subject measures one backbone.
func (c *course) subject(ctx context.Context, s subject) error {
	c.progress(s.label + ": making weights and exports")
	m, err := c.prepare(s)
	if err != nil {
		return err
	}
	if c.set.gpu {
		return c.gpuBout(ctx, m)
	}
	for _, threads := range c.set.threads {
		if ctx.Err() != nil {
			return nil
		}
		for _, part := range []struct {
			name    string
			measure func(context.Context, *material, int) error
		}{{"inference", c.inferenceBout}, {"swap", c.swapBout}, {"training", c.trainingBout}} {
			if !c.set.part.MatchString(part.name) {
				continue
			}
			if err := part.measure(ctx, m, threads); err != nil {
				return fmt.Errorf("%s: %w", s.label, err)
			}
		}
	}
	return nil
}

// inferenceBout measures one backbone on so many threads.
func (c *course) inferenceBout(ctx context.Context, m *material, threads int) error {
	c.progress(fmt.Sprintf("%s, %s: loading", m.label, threadsText(threads)))
	b := c.inference(m, threads)
	b.run(ctx, c.pace(), c.progress)
	outputs := b.outputs()
	b.checkInt8(outputs)
	rows := b.rows(outputs)
	c.note(rows)
	figures := inferenceFigures(b, rows, m.subject)
	figures = append(figures, garbageFigures(b)...)
	return errors.Join(b.close(), c.report(b, rows, figures))
}

// swapBout measures changes of bundles, after the inferences that they are held to.
func (c *course) swapBout(ctx context.Context, m *material, threads int) error {
	c.progress(fmt.Sprintf("%s, swaps, %s", m.label, threadsText(threads)))
	return c.keep(c.swapFigures(ctx, m, threads))
}

// trainingBout measures a training step. It takes fewer rounds: a step takes as long as 30 inferences.
func (c *course) trainingBout(ctx context.Context, m *material, threads int) error {
	if ctx.Err() != nil {
		return nil
	}
	c.progress(fmt.Sprintf("%s, training, %s: loading", m.label, threadsText(threads)))
	b := c.training(m, threads)
	p := c.pace()
	p.rounds = max(1, p.rounds/2)
	b.run(ctx, p, c.progress)
	rows := b.rows(nil)
	return errors.Join(b.close(), c.report(b, rows, []figure{
		b.compare(rows, b.title+": tape / PyTorch", nameStepTape, nameStepTorch, m.step),
	}))
}

func (c *course) pace() pace {
	return pace{rounds: c.set.rounds, turn: 300 * time.Millisecond, rest: func() { time.Sleep(restTime) }, seed: c.seed}
}

// note keeps what contenders say of themselves.
func (c *course) note(rows []row) {
	for _, r := range rows {
		n := []string{r.label, r.Says}
		if r.Says != "" && !slices.ContainsFunc(c.notes, func(m []string) bool { return slices.Equal(m, n) }) {
			c.notes = append(c.notes, n)
		}
	}
}

// report prints and keeps what a bout has given.
func (c *course) report(b *bout, rows []row, figures []figure) error {
	err := printRows(c.out, b.title+" ("+b.about+")", rows)
	for _, r := range rows {
		err = errors.Join(err, c.journal.write("row", r))
	}
	return errors.Join(err, c.keep(figures))
}
