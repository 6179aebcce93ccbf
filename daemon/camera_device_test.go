package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sim2reald/camera"
	"sim2reald/camera/device"
)

// TestComeback: what a source does, one word a run (p pictures and then unplugged, x not there, h hung, e the end), how often
// it is read, how often its loss is said, and how long that took.
func TestComeback(t *testing.T) {
	gone := errors.New("unplugged")
	for script, c := range map[string]struct {
		local      bool
		runs, lost int
		took       time.Duration
	}{
		"x":                {true, 1, 1, 0},                                          // never there: told at the start
		"p x x p ok":       {true, 5, 2, 100 + 200 + 400 + 100},                      // came back, went, and came back
		"p x x x x x x ok": {true, 8, 1, 100 + 200 + 400 + 800 + 1600 + 2000 + 2000}, // the waits grow, to 2 s
		"p e":              {true, 2, 2, 100},
		"p h h h":          {true, 4, 2, 100 + 200 + 400}, // no more threads than three
		"p x h x h ok":     {true, 6, 1, 100 + 200 + 400 + 800 + 1600},
		"p":                {false, 1, 1, 0}, // a file
	} {
		synctest.Test(t, func(t *testing.T) {
			words := strings.Fields(script)
			runs, lost, began := 0, 0, time.Now()
			b := comeback{local: c.local, wait: firstComeback, lost: func(error, bool) { lost++ }}
			b.run = func(_ context.Context, put func(*camera.Frame)) error {
				runs++
				switch words[runs-1] {
				case "ok":
					return nil
				case "p":
					put(&camera.Frame{})
					return gone
				case "h":
					return &device.SilentError{}
				case "e":
					return fmt.Errorf("reading: %w", io.EOF)
				}
				return gone
			}
			b.read(t.Context(), func(*camera.Frame) {})
			if took := time.Since(began); runs != c.runs || lost != c.lost || took != c.took*time.Millisecond {
				t.Errorf("%s: %d runs, %d told, %v; want %+v ms", script, runs, lost, took, c)
			}
		})
	}
}
