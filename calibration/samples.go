package calibration

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// SampleLine is one line of a file of samples for hand-eye, a JSON object: where the arm said that the flange was,
// and either a picture or the corners that were found in one.
type SampleLine struct {
	Name       string `json:"name,omitempty"` // for a person; the picture's or the line's number if empty
	BaseFlange *struct {
		Translation []float64 `json:"translation"` // x, y, z in m
		Rotation    []float64 `json:"rotation"`    // unit quaternion w, x, y, z
	} `json:"base_flange"` // T_base_flange: p_base = T_base_flange · p_flange
	Picture string       `json:"picture,omitempty"` // a file, from the folder of the file of samples
	Corners [][3]float64 `json:"corners,omitempty"` // id, u, v, in px
}

// ParseSamples reads a file of samples, one JSON object a line; lines that are empty or begin with # are passed
// over. The views of samples with a picture have no corners yet; pictures[i] names the i-th sample's, or is "".
func ParseSamples(data []byte) (samples []Sample, pictures []string, err error) {
	n := 0
	for line := range bytes.Lines(data) {
		n++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		s, picture, err := parseSample(line, n)
		if err != nil {
			return nil, nil, fmt.Errorf("line %d: %w", n, err)
		}
		samples, pictures = append(samples, s), append(pictures, picture)
	}
	return samples, pictures, nil
}

func parseSample(line []byte, n int) (Sample, string, error) {
	var in SampleLine
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return Sample{}, "", err
	}
	if dec.More() {
		return Sample{}, "", fmt.Errorf("more than one object; put each on its own line")
	}
	if (in.Picture == "") == (in.Corners == nil) {
		return Sample{}, "", fmt.Errorf("want either picture or corners")
	}
	t, err := in.tBaseFlange()
	if err != nil {
		return Sample{}, "", err
	}
	s := Sample{TBaseFlange: t, View: View{Name: in.name(n)}}
	for _, c := range in.Corners {
		if c[0] != float64(int(c[0])) {
			return Sample{}, "", fmt.Errorf("corner id %g is no whole number; want [id, u, v]", c[0])
		}
		s.View.Corners = append(s.View.Corners, Corner{ID: int(c[0]), U: c[1], V: c[2]})
	}
	return s, in.Picture, nil
}

func (in SampleLine) name(n int) string {
	switch {
	case in.Name != "":
		return in.Name
	case in.Picture != "":
		return in.Picture
	}
	return fmt.Sprintf("line %d", n)
}

func (in SampleLine) tBaseFlange() (Transform, error) {
	if in.BaseFlange == nil || len(in.BaseFlange.Translation) != 3 || len(in.BaseFlange.Rotation) != 4 {
		return Transform{}, fmt.Errorf("base_flange: want translation [x, y, z] in m and rotation [w, x, y, z]")
	}
	r := in.BaseFlange.Rotation
	q, err := Quat{r[0], r[1], r[2], r[3]}.Checked()
	if err != nil {
		return Transform{}, fmt.Errorf("base_flange: %w", err)
	}
	return Transform{R: q.Rotation(), T: Vec(in.BaseFlange.Translation)}, nil
}
