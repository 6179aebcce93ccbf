package dataset

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"sim2reald/model/dataset/lerobot"
)

// mapping says of an export what its columns mean.
func (x *exporter) mapping() (*Mapping, error) {
	digest, err := x.d.Digest()
	if err != nil {
		return nil, err
	}
	m := &Mapping{
		Schema: MappingSchema, Version: MappingVersion, Meta: x.d.Meta, Cameras: map[string]string{}, StampNs: featureStamp, Success: featureSuccess,
		Position: x.columns(featureState, KindPosition, "rad", true),
		Action:   x.columns(featureAction, KindVelocity, "rad/s", true),
		Exported: &Exported{Digest: digest, LeftOut: x.report.LeftOut, Losses: x.report.Losses},
	}
	velocity, sent := x.columns(featureVelocity, KindVelocity, "rad/s", false), x.columns(featureSent, KindVelocity, "rad/s", true)
	m.Velocity, m.Sent = &velocity, &sent
	for _, c := range x.d.Meta.Cameras {
		m.Cameras[c.Name] = prefixImages + c.Name
	}
	return m, nil
}

func (x *exporter) columns(feature, kind, unit string, gripper bool) Columns {
	suffix := map[string]string{KindPosition: ".pos", KindVelocity: ".vel"}[kind]
	c := Columns{Feature: feature, Kind: kind, Unit: unit, Joints: map[string]string{}}
	for _, j := range x.d.Meta.Robot.JointNames {
		c.Joints[j] = j + suffix
	}
	if gripper {
		c.Gripper = &GripperColumn{Dimension: dimensionGripper, Open: 0, Closed: 1}
	}
	return c
}

// seal reads everything back, and writes what a reader looks for first last.
func (x *exporter) seal(ctx context.Context, info *lerobot.Info) error {
	if err := lerobot.WriteInfo(x.dir, info); err != nil {
		return err
	}
	m, err := x.mapping()
	if err != nil {
		return err
	}
	d, err := openForeign(x.dir, m)
	if err != nil {
		return fmt.Errorf("reading it back: %w", err)
	}
	for _, seed := range x.seeds {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := x.compare(d.foreign, seed); err != nil {
			return fmt.Errorf("reading episode of seed %d back: %w", seed, err)
		}
	}
	for camera, loss := range x.report.Losses {
		said := info.Features[prefixImages+camera].Info
		said["sim2reald.psnr_db"], said["sim2reald.worst_frame_db"], said["sim2reald.largest_difference"] = loss.PSNR, loss.Worst, loss.Largest
	}
	if err := m.Write(x.dir); err != nil {
		return err
	}
	return lerobot.WriteInfo(x.dir, info)
}

// compare wants the episode that was written: every number equal after the rounding to float32, every PNG the same
// bytes, and of a video it measures what was lost.
func (x *exporter) compare(f *foreign, seed int64) error {
	want, err := x.d.Episode(seed)
	if err != nil {
		return err
	}
	frames, err := f.set.Frames(f.episodes[seed])
	if err != nil {
		return err
	}
	defer func() { _ = frames.Close() }()
	got, err := f.numbers(frames, seed)
	if err != nil {
		return err
	}
	if got.Success != want.Success || len(got.Steps) != len(want.Steps) {
		return fmt.Errorf("%w: success %v in %d frames, want %v in %d", ErrCorrupt, got.Success, len(got.Steps), want.Success, len(want.Steps))
	}
	for i := range want.Steps {
		if !same(&got.Steps[i], &want.Steps[i], len(x.d.Meta.Robot.JointNames)) {
			return fmt.Errorf("%w: frame %d holds %+v, want %+v", ErrCorrupt, i, got.Steps[i], want.Steps[i])
		}
	}
	return x.compareCameras(frames, want)
}

func same(a, b *Step, n int) bool {
	numbers := func(s *Step) []float32 {
		out := rounded(nil, s.Q, n, s.Gripper, s.Wanted.Gripper, s.Sent.Gripper)
		return rounded(rounded(rounded(out, s.DQ, n), s.Wanted.DQ, n), s.Sent.DQ, n)
	}
	return a.Stamp == b.Stamp && slices.Equal(numbers(a), numbers(b))
}

func (x *exporter) compareCameras(frames *lerobot.Frames, want *Episode) error {
	for c, camera := range x.d.Meta.Cameras {
		originals := make([][]byte, len(want.Steps))
		for i := range originals {
			originals[i] = want.Steps[i].Pictures[c]
		}
		feature := prefixImages + camera.Name
		if x.opt.Images == lerobot.Video {
			loss := x.report.Losses[camera.Name]
			if err := frames.Loss(feature, originals, &loss); err != nil {
				return fmt.Errorf("%w; free space if the disk is full: OpenCV does not say", err)
			}
			x.report.Losses[camera.Name] = loss
			continue
		}
		got, err := frames.Pictures(feature)
		if err != nil {
			return err
		}
		if !slices.EqualFunc(got, originals, bytes.Equal) {
			return fmt.Errorf("%w: other pictures of camera %s", ErrCorrupt, camera.Name)
		}
	}
	return nil
}
