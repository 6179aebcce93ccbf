package calibration

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// yamlMatrix is a matrix in ROS's and OpenCV's files.
type yamlMatrix struct {
	Rows int       `yaml:"rows"`
	Cols int       `yaml:"cols"`
	Data []float64 `yaml:"data,flow"`
}

func (m yamlMatrix) check(key string, rows, cols int) error {
	if m.Rows != rows || m.Cols != cols || len(m.Data) != rows*cols {
		return fmt.Errorf("%s is %dx%d with %d numbers; want %dx%d", key, m.Rows, m.Cols, len(m.Data), rows, cols)
	}
	return nil
}

// yamlRecord is what ROS's format has no words for; readers of ROS pass over keys that they do not know.
type yamlRecord struct {
	Date    string             `yaml:"date"`
	Serial  string             `yaml:"camera_serial"`
	Samples int                `yaml:"samples"`
	RMS     float64            `yaml:"reprojection_rms_px"`
	SD      map[string]float64 `yaml:"standard_deviation,omitempty"`
}

type cameraInfo struct {
	Width         int         `yaml:"image_width"`
	Height        int         `yaml:"image_height"`
	Name          string      `yaml:"camera_name"`
	CameraMatrix  yamlMatrix  `yaml:"camera_matrix"`
	Model         Model       `yaml:"distortion_model"`
	D             yamlMatrix  `yaml:"distortion_coefficients"`
	Rectification *yamlMatrix `yaml:"rectification_matrix"`
	Projection    *yamlMatrix `yaml:"projection_matrix"`
	Record        *yamlRecord `yaml:"sim2reald,omitempty"`
}

// CameraInfo writes a lens as ROS's camera_info YAML: fx, fy, cx, cy in px in camera_matrix, by rows. Date, serial,
// samples and uncertainty are under a key of their own.
func CameraInfo(r LensResult) ([]byte, error) {
	if err := r.Lens.Check(); err != nil {
		return nil, err
	}
	l := r.Lens
	info := cameraInfo{
		Width: l.Width, Height: l.Height, Name: r.Name, Model: l.Model,
		CameraMatrix:  yamlMatrix{3, 3, []float64{l.Fx, 0, l.Cx, 0, l.Fy, l.Cy, 0, 0, 1}},
		D:             yamlMatrix{1, len(l.D), l.D},
		Rectification: &yamlMatrix{3, 3, []float64{1, 0, 0, 0, 1, 0, 0, 0, 1}},
		Projection:    &yamlMatrix{3, 4, []float64{l.Fx, 0, l.Cx, 0, 0, l.Fy, l.Cy, 0, 0, 0, 1, 0}},
		Record: &yamlRecord{
			Date: r.Date.UTC().Format(time.RFC3339), Serial: r.Serial, Samples: r.Samples, RMS: r.RMS, SD: named(l, r.SD),
		},
	}
	return yaml.Marshal(info)
}

func named(l Lens, sd []float64) map[string]float64 {
	out := map[string]float64{}
	for i, v := range sd {
		out[l.Names()[i]] = v
	}
	return out
}

// ParseCameraInfo reads what CameraInfo writes, and what ROS writes.
func ParseCameraInfo(data []byte) (LensResult, error) {
	r, err := parseCameraInfo(data)
	if err != nil {
		return LensResult{}, fmt.Errorf("camera_info: %w", oneLine(err))
	}
	return r, nil
}

func parseCameraInfo(data []byte) (r LensResult, err error) {
	var info cameraInfo
	if err := yaml.Unmarshal(data, &info); err != nil {
		return r, err
	}
	r.Name = info.Name
	if r.Lens, err = lensOf(info.Width, info.Height, info.Model, info.CameraMatrix, info.D); err != nil || info.Record == nil {
		return r, err
	}
	rec := info.Record
	if r.Date, err = time.Parse(time.RFC3339, rec.Date); err != nil {
		return r, fmt.Errorf("sim2reald.date %q is not a date; want one like 2026-01-31T12:00:00Z", rec.Date)
	}
	r.Serial, r.Samples, r.RMS = rec.Serial, rec.Samples, rec.RMS
	if len(rec.SD) > 0 {
		for _, name := range r.Lens.Names() {
			r.SD = append(r.SD, rec.SD[name])
		}
	}
	return r, r.checkNumbers()
}

func (r LensResult) checkNumbers() error {
	for _, v := range append([]float64{r.RMS, float64(r.Samples)}, r.SD...) {
		if !(v >= 0) || math.IsInf(v, 1) {
			return fmt.Errorf("residual, samples or standard deviation is %g; want numbers that are not negative", v)
		}
	}
	return nil
}

// lensOf makes a lens of what both formats hold. A row or a column of coefficients will do, and plumb_bob may lack
// k3, as OpenCV's may.
func lensOf(width, height int, m Model, k, d yamlMatrix) (Lens, error) {
	if err := k.check("camera_matrix", 3, 3); err != nil {
		return Lens{}, err
	}
	if (d.Rows != 1 && d.Cols != 1) || d.Rows*d.Cols != len(d.Data) {
		return Lens{}, fmt.Errorf("distortion_coefficients is %dx%d with %d numbers; want one row or one column", d.Rows, d.Cols, len(d.Data))
	}
	if k.Data[1] != 0 || k.Data[3] != 0 || k.Data[6] != 0 || k.Data[7] != 0 || k.Data[8] != 1 {
		return Lens{}, errors.New("camera_matrix is not [fx 0 cx 0 fy cy 0 0 1]; skewed pixels are not supported")
	}
	coefficients := d.Data
	if m == PlumbBob && len(coefficients) == 4 {
		coefficients = append(append([]float64(nil), coefficients...), 0)
	}
	l := Lens{
		Intrinsics: Intrinsics{Width: width, Height: height, Fx: k.Data[0], Fy: k.Data[4], Cx: k.Data[2], Cy: k.Data[5]},
		Model:      m, D: coefficients,
	}
	return l, l.Check()
}

// oneLine puts the several lines of YAML's errors into one.
func oneLine(err error) error {
	return errors.New(strings.Join(strings.Fields(err.Error()), " "))
}

// ParseLens reads either format: OpenCV's FileStorage begins with its %YAML line or has its matrices' tag.
func ParseLens(data []byte) (LensResult, error) {
	if bytes.HasPrefix(data, []byte("%YAML")) || bytes.Contains(data, []byte("!!opencv-matrix")) {
		return ParseFileStorage(data)
	}
	return ParseCameraInfo(data)
}
