package main

import (
	"io"
	"slices"
	"strings"
	"testing"
)

func TestFlags(t *testing.T) {
	for args, want := range map[string]string{
		"":                    "",
		"-threads 1,2,8":      "",
		"-threads 0":          `"0" is not a number from 1 to 256`,
		"-threads 1,":         `"" is not a number`,
		"-rounds 0":           "-rounds 0 is outside",
		"-resident -1":        "-resident -1 is outside",
		"ViT-B":               `unexpected argument "ViT-B"`,
		"-nonsense":           "not defined",
		"-threads 1 -quick":   "",
		"-resident 64 -quick": "",
		"-part (":             "-part: ",
		"-row [":              "-row: ",
	} {
		_, err := parse(strings.Fields(args), io.Discard)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: error %v, want %q", args, err, want)
		}
	}
	s, err := parse([]string{"-quick", "-threads", "2"}, io.Discard)
	if err != nil || s.rounds != 3 || s.only == "" || !slices.Equal(s.threads, []int{2}) {
		t.Errorf("%+v, error %v", s, err)
	}
}

func TestSelected(t *testing.T) {
	for only, want := range map[string]int{"": 4, "vit": 2, "ViT-S|ResNet": 2, "nfnet": 1} {
		if got, err := selected(subjects(), only); err != nil || len(got) != want {
			t.Errorf("%q selects %d, error %v, want %d", only, len(got), err, want)
		}
	}
	for _, only := range []string{"mobilenet", "("} {
		if got, err := selected(subjects(), only); err == nil {
			t.Errorf("%q selects %d", only, len(got))
		}
	}
}

func TestProcFields(t *testing.T) {
	text := []byte("processor\t: 0\nmodel name\t: AMD EPYC: 7003\nMemTotal:       24682416 kB\nOdd: 5 MB\n")
	if got := procField(text, "model name"); got != "AMD EPYC: 7003" {
		t.Errorf("model name %q", got)
	}
	if got := procBytes(text, "MemTotal"); got != 24682416<<10 {
		t.Errorf("memory %d", got)
	}
	if procBytes(text, "Odd") != 0 || procBytes(text, "absent") != 0 || procField(nil, "x") != "" {
		t.Error("what is not there has a value")
	}
}

func TestFurtherBundle(t *testing.T) {
	s := subjects()[1]
	all := []occupancy{{1, 200e6, 5e6, 80e6}, {8, 240e6, 5e6, 80e6}, {64, 200e6 + 63*6e6, 5e6, 80e6}}
	got := furtherBundle(s, all)
	if f := got[len(got)-1]; f.Value != 1.2 || f.verdict() != "not reached" {
		t.Errorf("%+v, want 1.2 of the parameters", f)
	}
	if f := furtherBundle(s, all[:1])[0]; f.Absent == "" || f.verdict() != "not reached" {
		t.Errorf("%+v from one number of bundles", f)
	}
}
