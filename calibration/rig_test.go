package calibration

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func someRig() Rig {
	date := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return Rig{
		Cameras: []CameraLatency{{"wrist", "A1", date, 0.043, 0.004, 0.01, 60}, {"front", "B2", date, 0.1, 0.01, 0, 200}},
		Command: &CommandLatency{"panda 7", "panda_joint7", date, 0.03, 0.002, 8},
	}
}

func TestRigFile(t *testing.T) {
	want := someRig()
	text, err := want.YAML()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseRig(text)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v: got %+v, want %+v", err, got, want)
	}
	again := got.WithCamera(CameraLatency{Name: "wrist", Latency: 0.05})
	if c, ok := again.Camera("wrist"); !ok || c.Latency != 0.05 || len(again.Cameras) != 2 || again.Command == nil {
		t.Errorf("%+v", again)
	}
	if _, ok := got.Camera("other"); ok {
		t.Error("a camera that is not there")
	}
}

func TestRigFileRefuses(t *testing.T) {
	good, err := someRig().YAML()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, want string }{
		{"latency_s: 0.043", "latency_s: .nan", "cameras[0]: NaN s is no latency"},
		{"latency_s: 0.043", "latency_s: -0.01", "-0.01 s is no latency; want 0 to 2, measure it again"},
		{"latency_s: 0.03\n", "latency_s: 43\n", "command: 43 s is no latency"},
		{"latency_s: 0.03\n", "latency: 43\n", "latency not found"},
		{"name: front", "name: wrist", `"wrist" is empty or stands twice`},
		{"cameras:", "cameras: 3\nx:", "a rig's file: "},
	} {
		_, err := ParseRig([]byte(strings.Replace(string(good), c.from, c.to, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %q", c.to, err, c.want)
		}
	}
}

func TestLatencyFresh(t *testing.T) {
	r := someRig()
	now := r.Command.Date.Add(time.Hour)
	for _, c := range []struct {
		err  error
		want string
	}{
		{r.Cameras[0].Fresh("rig.yaml", now, time.Hour, "A1"), ""},
		{r.Cameras[0].Fresh("rig.yaml", now, time.Minute, "A1"), "old, want at most"},
		{r.Cameras[0].Fresh("rig.yaml", now, time.Hour, "B2"), `of camera "A1"`},
		{r.Command.Fresh("rig.yaml", now, time.Hour, "panda 7"), ""},
		{r.Command.Fresh("rig.yaml", now, time.Hour, "panda 8"), `of robot "panda 7"`},
		{r.Command.Fresh("rig.yaml", now, time.Minute, "panda 7"), "old, want at most"},
	} {
		if (c.err == nil) != (c.want == "") || c.err != nil && !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%v, want %q", c.err, c.want)
		}
	}
}

func FuzzParseRig(f *testing.F) {
	text, err := someRig().YAML()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("cameras: [{name: a, latency_s: 1e300}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseRig(data)
		if err != nil {
			return
		}
		text, err := r.YAML()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseRig(text); err != nil {
			t.Errorf("%v: %s", err, text)
		}
	})
}
