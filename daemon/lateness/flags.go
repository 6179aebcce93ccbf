package main

import (
	"flag"
	"fmt"
	"io"
	"regexp"
	"time"
)

// settings are the command's.
type settings struct {
	base, library, json, scratch string
	rounds, priority, core       int
	quick                        bool
	only                         string
	as, broker                   string // of a child
}

func parse(args []string, errs io.Writer) (settings, error) {
	var s settings
	fs := flag.NewFlagSet("lateness", flag.ContinueOnError)
	fs.SetOutput(errs)
	fs.StringVar(&s.base, "base", "build/base/vit_small_patch14_dinov2.safetensors", "what the inference computes, a `file`")
	fs.StringVar(&s.library, "library", "build/lib/libonnxruntime.so", "ONNX Runtime's library, a `file`")
	fs.StringVar(&s.scratch, "scratch", "build", "`folder` for the compiled C program")
	fs.StringVar(&s.json, "json", "", "`file` for every turn and figure, one JSON object a line")
	fs.IntVar(&s.rounds, "rounds", 12, "turns of each contender in each place")
	fs.IntVar(&s.priority, "priority", 20, "of SCHED_FIFO for both, where permitted; 0 leaves both in the ordinary class")
	fs.IntVar(&s.core, "core", -1, "of the machine, kept for both loops and from everything else; -1 keeps none")
	fs.BoolVar(&s.quick, "quick", false, "one short round: an impression in a minute")
	fs.StringVar(&s.only, "only", "", "places that match this `pattern`, like 'idle, 100 Hz'")
	fs.StringVar(&s.as, "as", "", "be a `child` of another lateness: bridge or flood")
	fs.StringVar(&s.broker, "broker", "", "`address` for a child")
	if err := fs.Parse(args); err != nil {
		return s, err
	}
	switch {
	case fs.NArg() > 0:
		return s, fmt.Errorf("unexpected argument %q; flags begin with -", fs.Arg(0))
	case s.rounds < 1 || s.rounds > 100:
		return s, fmt.Errorf("-rounds %d is outside 1 to 100", s.rounds)
	case s.priority < 0 || s.priority > 49:
		return s, fmt.Errorf("-priority %d is outside 0 to 49", s.priority)
	case s.core < -1 || s.core > 1023:
		return s, fmt.Errorf("-core %d is outside -1 to 1023", s.core)
	}
	if s.quick {
		s.rounds = 1
	}
	if _, err := regexp.Compile(s.only); err != nil {
		return s, fmt.Errorf("-only: %w", err)
	}
	return s, nil
}

// kept is the core of both loops; nil: none.
func (s *settings) kept() *int {
	if s.core < 0 {
		return nil
	}
	return &s.core
}

// load is what goes on beside the loop.
type load struct {
	inference, flood bool
}

func (l load) String() string {
	switch {
	case l.inference && l.flood:
		return "inference and flood"
	case l.inference:
		return "inference"
	case l.flood:
		return "flood"
	}
	return "idle"
}

// place is where both contenders are measured.
type place struct {
	load load
	rate int // Hz
}

// period of a tick.
func (p place) period() time.Duration { return time.Second / time.Duration(p.rate) }

// turn is how long a contender is at it: short, so that both meet the same hiccups of a machine that is shared. A slow
// loop takes longer to say something of its rarest ticks.
func (p place) turn() time.Duration {
	if p.rate == 100 {
		return 2500 * time.Millisecond
	}
	return 700 * time.Millisecond
}

// String names a place in -only, in progress and in errors.
func (p place) String() string { return fmt.Sprintf("%s, %d Hz", p.load, p.rate) }

// places are all that are asked for.
func (s *settings) places() (all []place) {
	only := regexp.MustCompile(s.only) // parse has tried it
	for _, l := range []load{{}, {inference: true}, {flood: true}, {true, true}} {
		for _, rate := range []int{100, 500, 1000} {
			if p := (place{l, rate}); only.MatchString(p.String()) {
				all = append(all, p)
			}
		}
	}
	return all
}
