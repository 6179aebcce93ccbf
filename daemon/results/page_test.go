package results

import (
	"bytes"
	"errors"
	"flag"
	"image"
	_ "image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the golden page, and its pictures to the folder of temporary files")
	flag.Parse()
	os.Exit(m.Run())
}

func updating() bool { return flag.Lookup("update").Value.String() == "true" }

func readPlan(t *testing.T) *Plan {
	t.Helper()
	p, err := Read("testdata/rows.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// drawn are records of a row as if each bundle succeeded with its probability; starts are as hard for one as for
// another.
func drawn(t *testing.T, j Job, rates map[string]float64, seeds []int64) []Record {
	t.Helper()
	var out []Record
	add := func(seed int64, epoch int, last bool, shift string, episodes int, p float64) {
		of := rand.New(rand.NewPCG(uint64(seed), uint64(epoch)))
		hard := rand.New(rand.NewPCG(9, 9))
		var s strings.Builder
		for range episodes {
			s.WriteByte("01"[min(1, int(p+0.6*hard.Float64()+0.4*of.Float64()))])
		}
		out = append(out, Record{
			Row: j.Name, Settings: j.Settings(), TrainingSeed: seed, Epoch: epoch, Last: last, Shift: shift,
			FirstSeed: j.Experiment.Evaluation.FirstSeed, Outcomes: s.String(), Data: "sha256:" + strings.Repeat("d", 64),
			Bundle: "sha256:" + strings.Repeat("b", 64), Base: "a base sha256:" + strings.Repeat("a", 64), Engine: "a drawn engine", Drawn: "a drawn pencil", Trainer: "a drawn trainer", TrainMinutes: 12.4,
			Trainable: map[string]int{"probe": 6921, "top": 267017, "middle+top": 434009, "all": 660185, "full": 22323737}[j.Arm],
			FirstLoss: 1, LastLoss: 0.1, HeldOutLoss: 0.2, Daemon: "0.0.0", Commit: "abc", Date: "2030-01-01", CPU: "a drawn machine",
		})
	}
	for _, seed := range seeds {
		for _, shift := range j.Experiment.Evaluation.Shifts {
			add(seed, 20, true, shift, j.Experiment.Evaluation.Episodes, rates[shift])
		}
		if j.EarlierWanted() > 0 {
			add(seed, 15, false, None, j.Experiment.Evaluation.CheckpointEpisodes, rates[None])
		}
	}
	return out
}

// folder holds drawn records: some rows are done, one is half done, one has records of other settings, one none.
func folder(t *testing.T, p *Plan) string {
	t.Helper()
	dir := t.TempDir()
	three := []int64{1, 2, 3}
	for _, c := range []struct {
		row   string
		rates map[string]float64
		seeds []int64
	}{
		{"light-top", map[string]float64{None: 0.45}, three}, {"light-all", map[string]float64{None: 0.86}, three},
		{"light-full", map[string]float64{None: 0.88}, three}, {"light-probe", map[string]float64{None: 0.3}, three[:2]},
		{"shifts-plain", map[string]float64{None: 0.86, "camera": 0.4, "textures": 0.7}, three},
		{"shifts-randomised", map[string]float64{None: 0.8, "camera": 0.7, "textures": 0.78}, three},
	} {
		jobs, err := p.Named(c.row)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range drawn(t, jobs[0], c.rates, c.seeds) {
			if err := Append(dir, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	jobs, err := p.Named("light-middle")
	if err != nil {
		t.Fatal(err)
	}
	jobs[0].Row.Train = "-rate 0.5"
	for _, r := range drawn(t, jobs[0], map[string]float64{None: 1}, three) {
		if err := Append(dir, r); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestPage holds the page of drawn records to a golden one, and looks at its pictures.
func TestPage(t *testing.T) {
	p := readPlan(t)
	page, err := MakePage(p, folder(t, p))
	if err != nil {
		t.Fatal(err)
	}
	if updating() {
		if err := errors.Join(page.Write(os.TempDir()), os.WriteFile("testdata/README.md", page.Text, 0o600)); err != nil {
			t.Fatal(err)
		}
		t.Logf("look at the pictures in %s", os.TempDir())
	}
	want, err := os.ReadFile("testdata/README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(page.Text, want) {
		t.Errorf("the page is not testdata/README.md; run with -update and review the difference:\n%s", page.Text)
	}
	for _, name := range []string{"light-success.png", "light-parameters.png", "shifts-shifts.png"} {
		looksLikeAPlot(t, name, page.Pictures[name])
	}
	if len(page.Pictures) != 3 {
		t.Errorf("%d pictures", len(page.Pictures))
	}
}

// looksLikeAPlot wants a picture of the right size that is mostly white but has the colour of points.
func looksLikeAPlot(t *testing.T, name string, data []byte) {
	t.Helper()
	picture, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	b := picture.Bounds()
	white, blue := 0, 0
	for y := range b.Dy() {
		for x := range b.Dx() {
			r, g, b, _ := picture.At(x, y).RGBA()
			if r == 0xffff && g == 0xffff && b == 0xffff {
				white++
			}
			if r>>8 == 0 && g>>8 == 114 && b>>8 == 178 {
				blue++
			}
		}
	}
	if all := b.Dx() * b.Dy(); b.Dx() < 800 || b.Dy() < 450 || white < all/2 || white == all || blue < 100 {
		t.Errorf("%s: %v with %d white and %d blue", name, b, white, blue)
	}
}

// TestPageOfNothing is the page before anything was run: everything is queued.
func TestPageOfNothing(t *testing.T) {
	page, err := MakePage(readPlan(t), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"0 of 8 rows are done", "| top | queued |", "`make results ROW=light-all`"} {
		if !strings.Contains(string(page.Text), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if len(page.Pictures) != 0 {
		t.Errorf("pictures of nothing: %d", len(page.Pictures))
	}
}

// TestPageRefuses records that it cannot read.
func TestPageRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "light-all.jsonl"), []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := MakePage(readPlan(t), dir); err == nil || !strings.Contains(err.Error(), "light-all.jsonl: records of results: line 1") {
		t.Errorf("%v", err)
	}
}
