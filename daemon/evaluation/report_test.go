package evaluation

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
)

func report() Report {
	return Report{
		Task: "slide", Jitter: "j05", Clock: "lockstep", Engine: "onnxruntime on cpu", Software: map[string]string{"mujoco": "3"},
		Arms: []Arm{{Name: "policy", Policy: "b sha256:1", Trials: []Trial{
			{Seed: 1, Outcome: "success", Steps: 40}, {Seed: 2, Outcome: "truncated", Steps: 280}, {Seed: 3, Outcome: "aborted", Reason: "no answer"},
		}}},
	}
}

func TestReportCountsNoVoidTrial(t *testing.T) {
	var text, js bytes.Buffer
	if err := errors.Join(report().WriteText(&text), report().WriteJSON(&js)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 of 2 (50 %)", "interval 0.09 to 0.91", "seeds              1 to 3", "void (not counted) 1", "onnxruntime on cpu"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, text.String())
		}
	}
	var got struct {
		Engine string
		Arms   []struct {
			Episodes, Successes, Void int
			Interval                  [2]float64 `json:"interval_95"`
			Trials                    []Trial
		}
	}
	if err := json.Unmarshal(js.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	a := got.Arms[0]
	if a.Episodes != 2 || a.Successes != 1 || a.Void != 1 || len(a.Trials) != 3 || a.Interval[0] < 0.09 || got.Engine == "" {
		t.Errorf("%s", js.String())
	}
}

// TestReportSaysHowPicturesCame, where that is not the bridge's own way.
func TestReportSaysHowPicturesCame(t *testing.T) {
	for want, sources := range map[string][]string{"\ncameras: front, wrist, by bridge-rtsp, /dev/video0\n": {"bridge-rtsp", "/dev/video0"}, "": nil} {
		var text strings.Builder
		if err := (Report{Cameras: []string{"front", "wrist"}, Sources: sources}).WriteText(&text); err != nil || !strings.Contains(text.String(), want) || strings.Contains(text.String(), "cameras:") != (want != "") {
			t.Errorf("%v: %s", err, &text)
		}
	}
}

func TestReportOfNothing(t *testing.T) {
	var text bytes.Buffer
	if err := (Report{Arms: []Arm{{Name: "policy"}}}).WriteText(&text); err != nil || !strings.Contains(text.String(), "0 of 0") {
		t.Errorf("%v:\n%s", err, text.String())
	}
}

// armOf has a success for each 1 in outcomes, a failure for each 0 and a void trial for each x, from seed 1 up.
func armOf(name, shift, outcomes string) Arm {
	a := Arm{Name: name, Shift: shift}
	for i, c := range outcomes {
		outcome := map[rune]string{'1': "success", '0': "truncated", 'x': "aborted"}[c]
		a.Trials = append(a.Trials, Trial{Seed: int64(i + 1), Outcome: outcome})
	}
	return a
}

// TestCompare pairs by seed: void trials and seeds of one side alone are left out.
func TestCompare(t *testing.T) {
	d := Compare(armOf("a", "", "11110x1111"), armOf("b", "", "01101110"))
	if d.Pairs != 7 || math.Abs(d.Value-2.0/7) > 1e-9 || d.Arm != "a" || d.Against != "b" {
		t.Errorf("%+v", d)
	}
	lo, hi := Newcombe(6, 7, 4, 7)
	if d.Unpaired != [2]float64{lo, hi} || d.Paired[0] > d.Value || d.Paired[1] < d.Value {
		t.Errorf("%+v, want Newcombe %.3f to %.3f", d, lo, hi)
	}
	if d := Compare(armOf("a", "", "1"), armOf("b", "", "x")); d.Pairs != 0 || d.Paired != [2]float64{-1, 1} || d.Unpaired != [2]float64{-1, 1} {
		t.Errorf("nothing in common: %+v", d)
	}
}

// TestPairedIsNarrower where the two succeed and fail on the same seeds.
func TestPairedIsNarrower(t *testing.T) {
	d := Compare(armOf("a", "", strings.Repeat("1100110011", 10)+"1"), armOf("b", "", strings.Repeat("1100110011", 10)+"0"))
	if paired, unpaired := d.Paired[1]-d.Paired[0], d.Unpaired[1]-d.Unpaired[0]; !(paired < unpaired/3) {
		t.Errorf("%+v", d)
	}
}

func TestDifferences(t *testing.T) {
	arms := []Arm{armOf("a", "", "11"), armOf("b", "", "10"), armOf("a", "noise", "01"), armOf("b", "noise", "00")}
	var got []string
	for _, d := range Differences(arms) {
		got = append(got, Arm{Name: d.Arm, Shift: d.Shift}.title()+" - "+Arm{Name: d.Against, Shift: d.From}.title())
	}
	want := "b - a, a under noise - a, b under noise - a under noise, b under noise - b"
	if strings.Join(got, ", ") != want {
		t.Errorf("%v\nwant %s", got, want)
	}
	var text bytes.Buffer
	if err := (Report{Arms: arms}).WriteText(&text); err != nil || !strings.Contains(text.String(), "\nb under noise less a under noise\n  difference         -50 points over 2 pairs") {
		t.Errorf("%v\n%s", err, text.String())
	}
}
