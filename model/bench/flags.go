package main

import (
	"flag"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// settings are what the flags say.
type settings struct {
	only, environment, library, scratch, json, script, torch string
	threads                                                  []int
	rounds, resident                                         int
	part, row                                                *regexp.Regexp
	quick, gpu                                               bool
}

func parse(args []string, errs io.Writer) (settings, error) {
	var s settings
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(errs)
	fs.StringVar(&s.only, "only", "", "backbones whose label matches this `pattern`, like ViT-S")
	fs.StringVar(&s.environment, "peers", "build/bench-venv", "Python environment of the peers, a `folder`")
	fs.StringVar(&s.script, "script", "model/bench/peers.py", "the peers, a `file`")
	fs.StringVar(&s.torch, "torch", "model/torch", "`folder` of the package sim2real_torch")
	fs.StringVar(&s.library, "library", "build/lib/libonnxruntime.so", "ONNX Runtime's library, a `file`")
	fs.StringVar(&s.scratch, "scratch", "build/bench-data", "`folder` for weights, exports and compiled code")
	fs.StringVar(&s.json, "json", "", "`file` for the rows, one JSON object a line")
	fs.IntVar(&s.rounds, "rounds", 9, "rounds of a bout")
	fs.BoolVar(&s.quick, "quick", false, "ViT-S/14 and ResNet-50 alone, 3 rounds: an impression in a few minutes")
	fs.BoolVar(&s.gpu, "gpu", false, "only what computes on a GPU: needs the GPU build of ONNX Runtime as -library")
	fs.IntVar(&s.resident, "resident", 0, "only say what this process takes with so `many` bundles on one base, as JSON")
	part := fs.String("part", "", "`pattern` of what is measured: inference, swap, training, memory; all unless told")
	row := fs.String("row", "", "`pattern` of the contenders of inference by name, like ^(engine|tape)")
	threads := fs.String("threads", "1,2", "threads of an inference, a `list`")
	if err := fs.Parse(args); err != nil {
		return s, err
	}
	if fs.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q; flags begin with -", fs.Arg(0))
	}
	if s.quick {
		s.rounds = min(s.rounds, 3)
		if s.only == "" {
			s.only = "ViT-S|ResNet"
		}
	}
	var err error
	if s.part, err = regexp.Compile(*part); err != nil {
		return s, fmt.Errorf("-part: %w", err)
	}
	if s.row, err = regexp.Compile(*row); err != nil {
		return s, fmt.Errorf("-row: %w", err)
	}
	return s, s.check(*threads)
}

func (s *settings) check(threads string) error {
	for _, text := range strings.Split(threads, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 256 {
			return fmt.Errorf("-threads %q: %q is not a number from 1 to 256", threads, text)
		}
		s.threads = append(s.threads, n)
	}
	if s.resident < 0 || s.resident > 1024 {
		return fmt.Errorf("-resident %d is outside 0 to 1024", s.resident)
	}
	if s.rounds < 1 || s.rounds > 1000 {
		return fmt.Errorf("-rounds %d is outside 1 to 1000", s.rounds)
	}
	return nil
}
