package calibration_test

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"sim2reald/calibration"
)

func when() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC) }

// lenses are results as they are written and read again.
func lenses() map[string]calibration.LensResult {
	k := calibration.Intrinsics{Width: 640, Height: 480, Fx: 600, Fy: 601.25, Cx: 319.5, Cy: 1e-7}
	rec := calibration.Record{Date: when(), Serial: "0123 A", Samples: 17, RMS: 0.125}
	return map[string]calibration.LensResult{
		"plumb_bob": {Record: rec, Name: "wrist", SD: []float64{1, 2, 3, 4, 5, 6, 7, 8, 9},
			Lens: calibration.Lens{Intrinsics: k, Model: calibration.PlumbBob, D: []float64{-0.1, 0.2, 0, 1e-300, 3}}},
		"rational": {Record: rec, Name: "wrist",
			Lens: calibration.Lens{Intrinsics: k, Model: calibration.Rational, D: []float64{-0.1, 0.2, 0, 1, 3, 4, 5, 6}}},
		"fisheye": {Record: rec, Name: "wrist", SD: []float64{1, 2, 3, 4, 5, 6, 7, 8},
			Lens: calibration.Lens{Intrinsics: k, Model: calibration.Equidistant, D: []float64{-0.1, 0.2, 0, 1}}},
	}
}

func TestLensFilesRoundTrip(t *testing.T) {
	for name, want := range lenses() {
		for format, write := range map[string]func(calibration.LensResult) ([]byte, error){
			"ROS": calibration.CameraInfo, "OpenCV": calibration.FileStorage,
		} {
			data, err := write(want)
			if err != nil {
				t.Fatal(err)
			}
			got, err := calibration.ParseLens(data)
			if err != nil {
				t.Fatalf("%s %s: %v\n%s", format, name, err, data)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s %s: got %+v, want %+v", format, name, got, want)
			}
		}
	}
}

// TestForeignFiles reads what OpenCV's program and ROS's camera_calibration wrote.
func TestForeignFiles(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("opencv", "testdata", "left_intrinsics.yml"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := calibration.ParseLens(data)
	if err != nil {
		t.Fatal(err)
	}
	if r.Lens.Fx != 535.91573396163199 || r.Lens.Cy != 235.57082909788173 || r.Lens.D[4] != 0.23839153080878486 || r.Samples != 13 || r.RMS != 0.39259098975581364 {
		t.Errorf("%+v", r)
	}
	r, err = calibration.ParseLens([]byte(rosFile))
	if err != nil {
		t.Fatal(err)
	}
	if r.Name != "narrow_stereo" || r.Lens.Fx != 438.783367 || r.Lens.Cy != 263.319251 || r.Lens.D[3] != 0.000183 || !r.Date.IsZero() {
		t.Errorf("%+v", r)
	}
}

const rosFile = `image_width: 640
image_height: 480
camera_name: narrow_stereo
camera_matrix:
  rows: 3
  cols: 3
  data: [438.783367, 0.000000, 305.593336, 0.000000, 437.302876, 263.319251, 0.000000, 0.000000, 1.000000]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [-0.361976, 0.110510, 0.001014, 0.000183, 0.000000]
rectification_matrix:
  rows: 3
  cols: 3
  data: [0.999, 0.009, 0.004, -0.009, 0.999, 0.010, -0.004, -0.010, 0.999]
projection_matrix:
  rows: 3
  cols: 4
  data: [393.65, 0.0, 322.79, 0.0, 0.0, 393.65, 241.09, 0.0, 0.0, 0.0, 1.0, 0.0]
`

func TestLensFilesRefuse(t *testing.T) {
	ros, err := calibration.CameraInfo(lenses()["plumb_bob"])
	if err != nil {
		t.Fatal(err)
	}
	cv, err := calibration.FileStorage(lenses()["plumb_bob"])
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, old, new, want string }{
		{string(ros), "image_width: 640", "image_width: 0", "image size 0x480 px"},
		{string(ros), "plumb_bob", "fisheye", `distortion model "fisheye" is not known`},
		{string(ros), "rows: 3", "rows: 2", "camera_matrix is 2x3"},
		{string(ros), "[600, 0,", "[.nan, 0,", "parameter fx is NaN"},
		{string(ros), "[600, 0,", "[-600, 0,", "focal lengths -600"},
		{string(ros), "[600, 0,", "[600, 1,", "skewed pixels"},
		{string(ros), "date: ", "date: x", "is not a date"},
		{string(ros), "reprojection_rms_px: 0.125", "reprojection_rms_px: -1", "want numbers that are not negative"},
		{string(cv), "data: [ 600.,", "data: [ .Nan,", "cannot unmarshal"},
		{string(cv), "data: [ 600.,", "data: [ .nan,", "parameter fx is NaN"},
		{string(cv), "fisheye_model: 0", "fisheye_model: 1", "5 distortion coefficients with fisheye_model 1"},
		{string(cv), "cols: 9", "cols: 8", ""},
		{"", "", "", "camera_matrix is 0x0"},
		{"a: [", "", "", "yaml"},
	} {
		_, err := calibration.ParseLens([]byte(strings.Replace(c.from, c.old, c.new, 1)))
		if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s -> %s: %v, want %q", c.old, c.new, err, c.want)
		}
	}
}

func FuzzLens(f *testing.F) {
	f.Add([]byte(rosFile))
	for _, r := range lenses() {
		ros, _ := calibration.CameraInfo(r)
		cv, _ := calibration.FileStorage(r)
		f.Add(ros)
		f.Add(cv)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := calibration.ParseLens(data)
		if err != nil {
			return
		}
		for _, write := range []func(calibration.LensResult) ([]byte, error){calibration.CameraInfo, calibration.FileStorage} {
			out, err := write(r)
			if err != nil {
				t.Fatalf("what was read cannot be written: %v", err)
			}
			again, err := calibration.ParseLens(out)
			if err != nil || !reflect.DeepEqual(again.Lens, r.Lens) {
				t.Fatalf("%v: %+v became %+v\n%s", err, r.Lens, again.Lens, out)
			}
		}
	})
}

const calibFile = `parameters:
  name: panda
  calibration_type: eye_on_base
  tracking_base_frame: camera_color_optical_frame
  tracking_marker_frame: board
  robot_base_frame: panda_link0
  robot_effector_frame: panda_link8
  freehand_robot_movement: true
  move_group_namespace: /
  move_group: manipulator
transform:
  translation:
    x: 1.1
    y: 0.2
    z: 0.6
  rotation:
    x: 0.0
    y: 0.0
    z: 0.6
    w: 0.8
`

func TestCalibFile(t *testing.T) {
	c, err := calibration.ParseCalib([]byte(calibFile))
	if err != nil {
		t.Fatal(err)
	}
	q := c.TParentCamera.R.Quat()
	if c.Kind != calibration.EyeToHand || c.Name != "panda" || c.Frames.Camera != "camera_color_optical_frame" || c.TParentCamera.T != (calibration.Vec{1.1, 0.2, 0.6}) || math.Abs(q.Z-0.6) > 1e-12 {
		t.Errorf("%+v", c)
	}
	c.Record = calibration.Record{Date: when(), Serial: "A1", Samples: 20, RMS: 0.1}
	c.Half95[2] = 1e-3
	data, err := calibration.Calib(c)
	if err != nil {
		t.Fatal(err)
	}
	again, err := calibration.ParseCalib(data)
	if err != nil {
		t.Fatal(err)
	}
	if again.Record != c.Record || again.Half95 != c.Half95 || again.Frames != c.Frames || again.Kind != c.Kind || math.Abs(again.TParentCamera.T[0]-1.1) > 0 {
		t.Errorf("got %+v, want %+v\n%s", again, c, data)
	}
	for _, s := range []struct{ old, new, want string }{
		{"eye_on_base", "eye_to_hand", `calibration_type "eye_to_hand" is not known`},
		{"w: 0.8", "w: 0.1", "has length"},
		{"w: 0.8", "w: .inf", "lacks a number"},
		{"    z: 0.6\n  rot", "  rot", "lacks a number"},
		{"parameters", "\tparameters", "yaml"},
	} {
		_, err := calibration.ParseCalib([]byte(strings.Replace(calibFile, s.old, s.new, 1)))
		if err == nil || !strings.Contains(err.Error(), s.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", s.new, err, s.want)
		}
	}
}

func FuzzCalib(f *testing.F) {
	f.Add([]byte(calibFile))
	f.Add([]byte("# sim2reald {\"samples\": 3}\n" + calibFile))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := calibration.ParseCalib(data)
		if err != nil {
			return
		}
		if !c.TParentCamera.Finite() {
			t.Fatalf("%+v", c)
		}
		if out, err := calibration.Calib(c); err == nil {
			if _, err := calibration.ParseCalib(out); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		}
	})
}

func TestFresh(t *testing.T) {
	good := calibration.Record{Date: when(), Serial: "A1", Samples: 20, RMS: 0.1}
	const month = 30 * 24 * time.Hour
	for _, c := range []struct {
		name   string
		change func(r *calibration.Record)
		now    time.Time
		want   string
	}{
		{"fresh", func(*calibration.Record) {}, when().Add(month), ""},
		{"old", func(*calibration.Record) {}, when().Add(month + time.Hour*3), "is 30.1 days old, want at most 30.0 days"},
		{"to come", func(*calibration.Record) {}, when().Add(-time.Hour), "which is to come"},
		{"foreign", func(r *calibration.Record) { r.Serial = "B2" }, when(), `is of camera "B2", and this is "A1"`},
		{"no serial", func(r *calibration.Record) { r.Serial = "" }, when(), "names no camera"},
		{"no date", func(r *calibration.Record) { r.Date = time.Time{} }, when(), "has no date"},
		{"no samples", func(r *calibration.Record) { r.Samples = 0 }, when(), "says 0 samples"},
		{"no residual", func(r *calibration.Record) { r.RMS = math.NaN() }, when(), "has a residual of NaN px"},
	} {
		r := good
		c.change(&r)
		err := r.Fresh("wrist.yaml", c.now, month, "A1")
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
