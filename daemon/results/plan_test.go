package results

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestPlanRefuses spoils the plan of the tests in one place each.
func TestPlanRefuses(t *testing.T) {
	text, err := os.ReadFile("testdata/rows.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"    jitter: j05", "    jitters: j05", "field jitters not found"},
		{"name: light-top", "name: light-all", "row light-all of light: the name stands twice"},
		{"name: light-top", "name: Light", `the name "Light": use lower-case letters`},
		{"name: shifts\n", "name: light\n", "the name light stands twice"},
		{"part: b, arm: probe", "part: bb, arm: probe", `part "bb", want one letter`},
		{"arm: probe, every: 5", "arm: probe", "every is 0; say how many epochs"},
		{"bundles_of: light-all", "bundles_of: light-none", `bundles_of "light-none": no row before this one`},
		{"bundles_of: light-all", "bundles_of: light-top", "its domain, task, camera, base or arm is another"},
		{"bundles_of: light-all", "bundles_of: light-all, train: -rate 1", "say nothing of training"},
		{"training_seeds: [1, 2, 3]", "training_seeds: [1, 1]", "training_seeds: 1 is negative or stands twice"},
		{"training_seeds: [1, 2, 3]", "training_seeds: []", "training_seeds: 0 of them"},
		{"size_px: 112", "size_px: 0", "base.size_px is 0, want 16 to 1024"},
		{"episodes: 100, checkpoints: 2", "episodes: 0, checkpoints: 2", "evaluation.episodes is 0"},
		{"checkpoint_episodes: 20", "checkpoint_episodes: 200", "evaluation.checkpoint_episodes is 200, want 1 to 100"},
		{"first_seed: 10000,", "first_seed: 999990,", "its episodes are among the demonstrations"},
		{"noise: 0.2", "noise: .nan", "noise NaN"},
		{"shifts: [none, camera", "shifts: [camera, camera", `shifts: "camera" is empty or stands twice`},
		{"shifts: [none, camera", "shifts: [light, camera", "shifts: light comes first, want none"},
		{"task: light", "task: ''", "task is empty"},
	} {
		t.Run(c.want, func(t *testing.T) {
			spoiled := strings.Replace(string(text), c.old, c.new, 1)
			if spoiled == string(text) {
				t.Fatalf("%q is not in the plan", c.old)
			}
			if _, err := Decode([]byte(spoiled)); !errors.Is(err, ErrPlan) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v", err)
			}
		})
	}
	if _, err := Decode(nil); !errors.Is(err, ErrPlan) {
		t.Errorf("an empty file: %v", err)
	}
}

func TestJobs(t *testing.T) {
	p := readPlan(t)
	var names []string
	for _, j := range p.Jobs() {
		names = append(names, j.Name)
	}
	want := []string{"light-top", "light-all", "light-full", "light-probe", "light-middle", "shifts-plain", "shifts-randomised", "hammer-top"}
	if !slices.Equal(names, want) {
		t.Errorf("%v\nwant %v", names, want)
	}
	jobs, err := p.Named("shifts")
	if err != nil || len(jobs) != 2 || jobs[0].Trained != "light-all" || jobs[1].Experiment.Demonstrations.Shift != "randomised" || jobs[0].EarlierWanted() != 0 {
		t.Errorf("%+v, %v", jobs, err)
	}
	if _, err := p.Named("juggling"); !errors.Is(err, ErrPlan) {
		t.Errorf("%v", err)
	}
}

// TestSettings: what a record depends on changes its digest, what is only said on the page does not.
func TestSettings(t *testing.T) {
	jobs, err := readPlan(t).Named("light-all")
	if err != nil {
		t.Fatal(err)
	}
	was := jobs[0].Settings()
	for name, c := range map[string]struct {
		edit func(*Job)
		same bool
	}{
		"title":          {func(j *Job) { j.Experiment.Title, j.Label, j.Part = "x", "y", "z" }, true},
		"more seeds":     {func(j *Job) { j.Experiment.TrainingSeeds = []int64{1, 2, 3, 4} }, true},
		"more episodes":  {func(j *Job) { j.Experiment.Evaluation.Episodes = 200 }, true},
		"flags":          {func(j *Job) { j.Row.Train = "-rate 1" }, false},
		"demonstrations": {func(j *Job) { j.Experiment.Demonstrations.Episodes = 50 }, false},
		"camera":         {func(j *Job) { j.Experiment.Camera = "left" }, false},
	} {
		j := jobs[0]
		c.edit(&j)
		if got := j.Settings() == was; got != c.same {
			t.Errorf("%s: same is %v", name, got)
		}
	}
}

// FuzzDecode: any text is refused or gives jobs.
func FuzzDecode(f *testing.F) {
	text, err := os.ReadFile("testdata/rows.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("experiments: [{name: a, rows: [{name: b}]}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Decode(text)
		if err != nil {
			return
		}
		for _, j := range p.Jobs() {
			if _, err := p.Named(j.Name); err != nil || j.Settings() == "" {
				t.Errorf("%s: %v", j.Name, err)
			}
		}
	})
}
