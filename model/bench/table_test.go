package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func sampleRows() []row {
	return []row{
		{Contender: "engine", label: "engine: ONNX Runtime from Go", MinMS: 419.04, MedianMS: 421.5, GFLOPS: 83.83, OfPeak: 0.953,
			OfOurs: ratio{1, 1, 1, 9}, Differs: asNumber(6.2e-7), Reference: "PyTorch eager"},
		{Contender: "tape", label: "tape: Gorgonia", MinMS: 9.5, MedianMS: 10, OfOurs: ratio{0.0227, 0.0226, 0.0231, 9},
			Differs: asNumber(0.3), Reference: "PyTorch eager", Wrong: true},
		{Contender: "odd", label: "not finite", MinMS: 1234567, MedianMS: 2e6, OfOurs: ratio{2946, 2900, 3000, 9},
			Differs: asNumber(math.Inf(1)), Reference: "PyTorch eager", Wrong: true},
		{Contender: "compile", label: "PyTorch, torch.compile", Absent: "no build/bench-venv/bin/python; `make bench-setup` installs it"},
	}
}

func sampleFigures() []figure {
	return []figure{
		{What: "engine / PyTorch eager", Value: 0.8, Unit: "x", Spread: &ratio{0.8, 0.79, 0.81, 9}, AtMost: asNumber(0.85)},
		{What: "tape / engine", Value: 1.11, Unit: "x", Spread: &ratio{1.11, 1.05, 1.2, 9}, AtMost: asNumber(1.1)},
		{What: "allocations", Value: 0, AtMost: asNumber(0)},
		{What: "memory", Value: 227.93, Unit: "MB"},
		{What: "swap", Unit: "x", AtMost: asNumber(1), Absent: "interrupted"},
		{What: "int8 / float32", Unit: "x", Absent: "not quantised"},
	}
}

func update() bool {
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}

// TestMain adds -update, which writes the golden file.
func TestMain(m *testing.M) {
	flag.Bool("update", false, "write testdata/table.txt")
	os.Exit(m.Run())
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	m := machine{Date: "2026-11-24T02:00:51Z", CPU: "AMD EPYC", Cores: 2, MemoryB: 24 << 30, Kernel: "Linux 6.1", Load: 0.25, Says: []string{"go1.26.8"}}
	for _, err := range []error{
		printMachine(&out, m), printRows(&out, "ViT-B/16, batch 1, 1 thread", sampleRows()), printFigures(&out, sampleFigures()),
		printNotes(&out, [][]string{{"engine", "onnxruntime 1.32.0"}, {"PyTorch eager", "torch 2"}}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	golden := filepath.Join("testdata", "table.txt")
	if update() {
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("the table is\n%s\nwant\n%s", out.String(), want)
	}
}

func TestDigits(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 1.02: "1.02", 419.04: "419", 0.014159: "0.01416", 36808: "36808", -2.5: "-2.5", 1e-9: "1e-09", math.Inf(1): "+Inf",
	} {
		if got := digits(v); got != want {
			t.Errorf("%g is %q, want %q", v, got, want)
		}
	}
}

func TestVerdict(t *testing.T) {
	for want, f := range map[string]figure{
		"":            {Value: 5},
		"reached":     {Value: 1, AtMost: asNumber(1)},
		"not reached": {Value: math.NaN(), AtMost: asNumber(1)}, // no comparison with it is true
	} {
		if got := f.verdict(); got != want {
			t.Errorf("%+v is %q, want %q", f, got, want)
		}
	}
}

// TestJournal: a row is on the disk before the next is measured, and every number has a spelling.
func TestJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.json")
	j, err := openJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	rows := sampleRows()
	rows[0].RunsNS = rounds{{5 * time.Nanosecond, 7}, {6}}
	for i, r := range rows {
		if err := j.write("row", r); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		if len(lines) != i+1 {
			t.Fatalf("%d lines after %d rows", len(lines), i+1)
		}
		var back struct{ Row map[string]any }
		if err := json.Unmarshal([]byte(lines[i]), &back); err != nil || back.Row["contender"] != r.Contender {
			t.Errorf("line %q: %v", lines[i], err)
		}
		if i == 0 && !strings.Contains(lines[0], `"runs_ns":[[5,7],[6]]`) {
			t.Errorf("%s lacks the runs", lines[0])
		}
		if i == 2 && back.Row["differs"] != nil {
			t.Errorf("an infinite difference is %v, want null", back.Row["differs"])
		}
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	none, err := openJournal("")
	if err != nil || none.write("row", rows[0]) != nil || none.Close() != nil {
		t.Error("no file is an error")
	}
}
