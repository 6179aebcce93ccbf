package results

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
)

func record(seed int64) Record {
	return Record{Row: "light-all", Settings: "abc", TrainingSeed: seed, Epoch: 20, Last: true, Shift: None, FirstSeed: 10000, Outcomes: "0110"}
}

func TestAppend(t *testing.T) {
	dir := t.TempDir()
	if all, err := readRecords(dir, "light-all"); err != nil || all != nil {
		t.Errorf("%v, %v", all, err)
	}
	if err := errors.Join(Append(dir, record(1)), Append(dir, record(2))); err != nil {
		t.Fatal(err)
	}
	if all, err := readRecords(dir, "light-all"); err != nil || !reflect.DeepEqual(all, []Record{record(1), record(2)}) {
		t.Errorf("%+v, %v", all, err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}
	if err := Append(dir, Record{Row: "light-all"}); !errors.Is(err, ErrRecord) {
		t.Errorf("a record of nothing: %v", err)
	}
}

func TestRecordsRefuse(t *testing.T) {
	const good = `{"row":"a","training_seed":1,"epoch":2,"shift":"none","outcomes":"01"}` + "\n"
	for name, c := range map[string]struct{ text, want string }{
		"twice":     {good + good, "line 2: training seed 1, epoch 2, shift none stands twice"},
		"a key":     {`{"rows":"a"}`, "unknown field"},
		"torn":      {good + `{"row":`, "line 2"},
		"outcomes":  {strings.Replace(good, "01", "0x", 1), `outcomes "0x"`},
		"no shift":  {strings.Replace(good, "none", "", 1), `shift ""`},
		"a blank":   {good + "\n" + good, "line 2"},
		"the start": {strings.Replace(good, `"epoch":2`, `"epoch":0`, 1), "epoch 0"},
	} {
		if _, err := decodeRecords([]byte(c.text)); !errors.Is(err, ErrRecord) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if all, err := decodeRecords(nil); err != nil || all != nil {
		t.Errorf("an empty file: %v, %v", all, err)
	}
}

func FuzzDecodeRecords(f *testing.F) {
	f.Add([]byte(`{"row":"a","training_seed":1,"epoch":2,"shift":"none","outcomes":"01"}` + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := decodeRecords(text)
		if err != nil {
			return
		}
		for _, r := range all {
			if len(r.Successes()) != len(r.Outcomes) || r.Epoch < 1 {
				t.Errorf("%+v", r)
			}
		}
	})
}

// TestStanding counts what is there and what is not.
func TestStanding(t *testing.T) {
	p := readPlan(t)
	dir := folder(t, p)
	for row, want := range map[string][3]int{ // done, wanted, stale
		"light-all": {6, 6, 0}, "light-probe": {4, 6, 0}, "light-middle": {0, 6, 6}, "shifts-plain": {9, 9, 0}, "hammer-top": {0, 1, 0},
	} {
		jobs, err := p.Named(row)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Stand(dir, jobs[0])
		if err != nil {
			t.Fatal(err)
		}
		if done, wanted := s.Progress(); [3]int{done, wanted, s.Stale} != want {
			t.Errorf("%s: %d of %d, %d stale; want %v", row, done, wanted, s.Stale, want)
		}
		jobs[0].Experiment.Evaluation.Episodes = 101
		more := &Standing{Job: jobs[0], Records: s.Records}
		if len(more.Seeds(None)) != 0 {
			t.Errorf("%s: records of 100 episodes count for 101", row)
		}
	}
}

func TestWords(t *testing.T) {
	d := func(low, high float64) Difference { return Difference{Figure: Figure{Low: low, High: high}} }
	for _, c := range []struct{ got, want string }{
		{d(0.01, 0.2).againstFull(), "better than full fine-tuning"},
		{d(-0.09, 0.1).againstFull(), "as good as full fine-tuning, within ten points"},
		{d(-0.11, 0.1).againstFull(), "not shown to be within ten points of full fine-tuning"},
		{d(-0.2, -0.05).againstFull(), "below full fine-tuning; whether by ten points is open"},
		{d(-0.3, -0.11).againstFull(), "more than ten points below full fine-tuning"},
		{d(0.01, 0.2).againstTop(), "helps over the head alone"},
		{d(-0.01, 0.2).againstTop(), "is not shown to help over the head alone"},
		{d(-0.2, -0.01).againstTop(), "does harm against the head alone"},
		{points(-0.004), "0"}, {points(0.126), "+13"}, {thousands(22323737), "22\u2009323\u2009737"}, {thousands(999), "999"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
