package calibration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// FrameNames are the names of ROS's coordinate frames in easy_handeye2's file.
type FrameNames struct {
	Base   string `yaml:"robot_base_frame"`
	Flange string `yaml:"robot_effector_frame"`
	Camera string `yaml:"tracking_base_frame"`
	Board  string `yaml:"tracking_marker_frame"`
}

// CalibFile is what easy_handeye2's .calib file holds, and what hand-eye wants to say beside it.
type CalibFile struct {
	Name          string
	Kind          Kind
	Frames        FrameNames
	TParentCamera Transform // T_flange_camera, or T_base_camera of eye to hand
	Record        Record    // zero in a file of easy_handeye2's own
	Half95        [6]float64
}

type calibParameters struct {
	Name       string `yaml:"name"`
	Type       string `yaml:"calibration_type"`
	FrameNames `yaml:",inline"`
	Freehand   bool `yaml:"freehand_robot_movement"`
}

type calibYAML struct {
	Parameters calibParameters `yaml:"parameters"`
	Transform  struct {
		Translation struct{ X, Y, Z *float64 }    `yaml:"translation"`
		Rotation    struct{ X, Y, Z, W *float64 } `yaml:"rotation"`
	} `yaml:"transform"`
}

// comment marks the line that easy_handeye2, which takes no keys but its own, passes over.
const comment = "# sim2reald "

type calibComment struct {
	Date    time.Time  `json:"date"`
	Serial  string     `json:"camera_serial"`
	Robot   string     `json:"robot,omitempty"`
	Samples int        `json:"samples"`
	RMS     float64    `json:"reprojection_rms_px"`
	Half95  [6]float64 `json:"half_95_m_rad"`
}

// Calib writes easy_handeye2's .calib YAML.
func Calib(c CalibFile) ([]byte, error) {
	kind := "eye_in_hand"
	if c.Kind == EyeToHand {
		kind = "eye_on_base"
	}
	rec, err := json.Marshal(calibComment{c.Record.Date.UTC(), c.Record.Serial, c.Record.Robot, c.Record.Samples, c.Record.RMS, c.Half95})
	if err != nil {
		return nil, err
	}
	t, q := c.TParentCamera.T, c.TParentCamera.R.Quat()
	var out calibYAML
	out.Parameters = calibParameters{Name: c.Name, Type: kind, FrameNames: c.Frames, Freehand: true}
	out.Transform.Translation.X, out.Transform.Translation.Y, out.Transform.Translation.Z = &t[0], &t[1], &t[2]
	out.Transform.Rotation.X, out.Transform.Rotation.Y, out.Transform.Rotation.Z, out.Transform.Rotation.W = &q.X, &q.Y, &q.Z, &q.W
	text, err := yaml.Marshal(out)
	head := fmt.Sprintf("# p_%s = T_%s_camera * p_camera; m, unit quaternion\n%s%s\n", c.Kind.Parent(), c.Kind.Parent(), comment, rec)
	return append([]byte(head), text...), err
}

// ParseCalib reads easy_handeye2's .calib YAML.
func ParseCalib(data []byte) (CalibFile, error) {
	c, err := parseCalib(data)
	if err != nil {
		return CalibFile{}, fmt.Errorf("easy_handeye2's .calib: %w", oneLine(err))
	}
	return c, nil
}

func parseCalib(data []byte) (c CalibFile, err error) {
	var in calibYAML
	if err := yaml.Unmarshal(data, &in); err != nil {
		return c, err
	}
	c.Name, c.Frames = in.Parameters.Name, in.Parameters.FrameNames
	switch in.Parameters.Type {
	case "eye_in_hand":
		c.Kind = EyeInHand
	case "eye_on_base":
		c.Kind = EyeToHand
	default:
		return c, fmt.Errorf("calibration_type %q is not known; want eye_in_hand or eye_on_base", in.Parameters.Type)
	}
	t, r := in.Transform.Translation, in.Transform.Rotation
	for _, p := range []*float64{t.X, t.Y, t.Z, r.X, r.Y, r.Z, r.W} {
		if p == nil || !finite(*p) {
			return c, fmt.Errorf("transform lacks a number: want translation x, y, z and rotation x, y, z, w")
		}
	}
	q, err := Quat{*r.W, *r.X, *r.Y, *r.Z}.Checked()
	if err != nil {
		return c, err
	}
	c.TParentCamera = Transform{R: q.Rotation(), T: Vec{*t.X, *t.Y, *t.Z}}
	return c, c.readComment(data)
}

func (c *CalibFile) readComment(data []byte) error {
	for line := range bytes.Lines(data) {
		text, ok := strings.CutPrefix(string(line), comment)
		if !ok {
			continue
		}
		var rec calibComment
		if err := json.Unmarshal([]byte(text), &rec); err != nil {
			return fmt.Errorf("the line %q is damaged: %w", comment, err)
		}
		c.Record = Record{Date: rec.Date, Serial: rec.Serial, Robot: rec.Robot, Samples: rec.Samples, RMS: rec.RMS}
		c.Half95 = rec.Half95
		return nil
	}
	return nil
}
