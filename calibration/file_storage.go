package calibration

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// fileStorage holds the keys of OpenCV's own calibration programs; the last three are of this project.
type fileStorage struct {
	Time     string     `yaml:"calibration_time"`
	Frames   int        `yaml:"nframes"`
	Width    int        `yaml:"image_width"`
	Height   int        `yaml:"image_height"`
	Fisheye  int        `yaml:"fisheye_model"`
	Matrix   yamlMatrix `yaml:"camera_matrix"`
	D        yamlMatrix `yaml:"distortion_coefficients"`
	RMS      float64    `yaml:"avg_reprojection_error"`
	Name     string     `yaml:"camera_name"`
	Serial   string     `yaml:"camera_serial"`
	Standard yamlMatrix `yaml:"standard_deviations"`
}

// FileStorage writes a lens as OpenCV's FileStorage YAML, with the keys of OpenCV's own calibration programs.
func FileStorage(r LensResult) ([]byte, error) {
	if err := r.Lens.Check(); err != nil {
		return nil, err
	}
	l := r.Lens
	var b bytes.Buffer
	fmt.Fprintf(&b, "%%YAML:1.0\n---\n")
	fmt.Fprintf(&b, "calibration_time: %s\nnframes: %d\n", quoted(r.Date.UTC().Format(time.RFC3339)), r.Samples)
	fmt.Fprintf(&b, "image_width: %d\nimage_height: %d\n", l.Width, l.Height)
	fmt.Fprintf(&b, "camera_name: %s\ncamera_serial: %s\n", quoted(r.Name), quoted(r.Serial))
	fisheye := 0
	if l.Model == Equidistant {
		fisheye = 1
	}
	fmt.Fprintf(&b, "fisheye_model: %d\n", fisheye)
	writeMatrix(&b, "camera_matrix", 3, []float64{l.Fx, 0, l.Cx, 0, l.Fy, l.Cy, 0, 0, 1})
	writeMatrix(&b, "distortion_coefficients", 1, l.D)
	if len(r.SD) > 0 {
		writeMatrix(&b, "standard_deviations", 1, r.SD)
	}
	fmt.Fprintf(&b, "avg_reprojection_error: %s\n", real(r.RMS))
	return b.Bytes(), nil
}

func writeMatrix(b *bytes.Buffer, key string, rows int, data []float64) {
	texts := make([]string, len(data))
	for i, v := range data {
		texts[i] = real(v)
	}
	fmt.Fprintf(b, "%s: !!opencv-matrix\n   rows: %d\n   cols: %d\n   dt: d\n   data: [ %s ]\n", key, rows, len(data)/rows, strings.Join(texts, ", "))
}

// real writes a number that OpenCV takes for a real one: with a point or an exponent.
func real(v float64) string {
	s := strconv.FormatFloat(v, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += "."
	}
	return s
}

// quoted writes a text that neither YAML nor OpenCV can take for something else.
func quoted(s string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == '"' || r == '\\' || r > '~' {
			return '_'
		}
		return r
	}, s)
	return `"` + clean + `"`
}

// ParseFileStorage reads what FileStorage writes and what OpenCV's own programs write. An OpenCV date, which has
// no fixed form, is left zero unless it is RFC 3339.
func ParseFileStorage(data []byte) (LensResult, error) {
	r, err := parseFileStorage(data)
	if err != nil {
		return LensResult{}, fmt.Errorf("OpenCV's FileStorage: %w", oneLine(err))
	}
	return r, nil
}

func parseFileStorage(data []byte) (r LensResult, err error) {
	// OpenCV's first line, %YAML:1.0, is no directive that YAML knows.
	if line, rest, ok := bytes.Cut(data, []byte("\n")); ok && bytes.HasPrefix(line, []byte("%YAML")) {
		data = rest
	}
	var f fileStorage
	if err := yaml.Unmarshal(data, &f); err != nil {
		return r, err
	}
	m, err := f.model()
	if err != nil {
		return r, err
	}
	if r.Lens, err = lensOf(f.Width, f.Height, m, f.Matrix, f.D); err != nil {
		return r, err
	}
	r.Name, r.Serial, r.Samples, r.RMS, r.SD = f.Name, f.Serial, f.Frames, f.RMS, f.Standard.Data
	if n := len(r.SD); n > 0 && n != len(r.Lens.Names()) {
		return r, fmt.Errorf("standard_deviations has %d numbers; want %d", n, len(r.Lens.Names()))
	}
	if date, err := time.Parse(time.RFC3339, f.Time); err == nil {
		r.Date = date
	}
	return r, r.checkNumbers()
}

// model goes by the number of coefficients: OpenCV writes 4, 5 or 8, and says fisheye.
func (f fileStorage) model() (Model, error) {
	n := len(f.D.Data)
	switch {
	case f.Fisheye != 0 && n == 4:
		return Equidistant, nil
	case f.Fisheye == 0 && (n == 4 || n == 5):
		return PlumbBob, nil
	case f.Fisheye == 0 && n == 8:
		return Rational, nil
	}
	return "", fmt.Errorf("%d distortion coefficients with fisheye_model %d; want 4, 5 or 8, or 4 of a fisheye", n, f.Fisheye)
}

// finite reports whether all are numbers.
func finite(v ...float64) bool {
	for _, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}
