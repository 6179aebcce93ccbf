package calibration_test

import (
	"math"
	"strings"
	"testing"

	"sim2reald/calibration"
)

const sampleFile = `# two poses
{"name":"one","base_flange":{"translation":[0.3,0,0.5],"rotation":[1,0,0,0]},"corners":[[0,12.5,13],[3,100,120]]}

{"base_flange":{"translation":[0.3,0.1,0.5],"rotation":[0.8,0.6,0,0]},"picture":"02.png"}
`

func TestParseSamples(t *testing.T) {
	samples, pictures, err := calibration.ParseSamples([]byte(sampleFile))
	if err != nil {
		t.Fatal(err)
	}
	if len(samples) != 2 || samples[0].View.Name != "one" || samples[1].View.Name != "02.png" || pictures[1] != "02.png" || pictures[0] != "" {
		t.Errorf("%+v, %v", samples, pictures)
	}
	if c := samples[0].View.Corners; len(c) != 2 || c[1] != (calibration.Corner{ID: 3, U: 100, V: 120}) {
		t.Errorf("%v", c)
	}
	if q := samples[1].TBaseFlange.R.Quat(); math.Abs(q.W-0.8) > 1e-12 || math.Abs(q.X-0.6) > 1e-12 {
		t.Errorf("%v", q)
	}
	for _, c := range []struct{ old, new, want string }{
		{`"picture":"02.png"`, `"corners":[[0,1]]`, ""},
		{`"picture":"02.png"`, `"picture":"02.png","corners":[[0,1,2]]`, "line 4: want either picture or corners"},
		{`,"picture":"02.png"`, ``, "line 4: want either picture or corners"},
		{`[0.8,0.6,0,0]`, `[0,0,0,0.6]`, "line 4: base_flange: quaternion"},
		{`[0.8,0.6,0,0]`, `[1,0,0]`, "line 4: base_flange: want translation"},
		{`[0,12.5,13]`, `[0.5,12.5,13]`, "line 2: corner id 0.5 is no whole number"},
		{`"name"`, `"nam"`, "line 2: json: unknown field"},
		{`"02.png"}`, `"02.png"} {}`, "line 4: more than one object"},
	} {
		_, _, err := calibration.ParseSamples([]byte(strings.Replace(sampleFile, c.old, c.new, 1)))
		if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.new, err, c.want)
		}
	}
}

func FuzzSamples(f *testing.F) {
	f.Add([]byte(sampleFile))
	f.Fuzz(func(t *testing.T, data []byte) {
		samples, pictures, err := calibration.ParseSamples(data)
		if err == nil && len(samples) != len(pictures) {
			t.Fatal("samples without pictures")
		}
		// Whatever was read is refused or solved, and never panics.
		for _, s := range samples {
			w := calibration.Board{Pattern: calibration.Chessboard, Cols: 3, Rows: 3, Square: 0.03}
			if s.View.Check(w) == nil {
				l := calibration.Lens{Intrinsics: calibration.Intrinsics{Width: 640, Height: 480, Fx: 600, Fy: 600}, Model: calibration.PlumbBob, D: make([]float64, 5)}
				_, _ = calibration.BoardPose(l, w, s.View)
			}
		}
	})
}
