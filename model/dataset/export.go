package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"sim2reald/model/dataset/lerobot"
	"sim2reald/robot"
)

// Features of an exported dataset, beside the cameras, which are named below prefixImages.
const (
	featureState    = "observation.state"    // measured positions, rad, and the gripper
	featureVelocity = "observation.velocity" // measured, rad/s
	featureAction   = "action"               // what the teacher wanted: velocities, rad/s, and the gripper
	featureSent     = "command.sent"         // what the arm was sent, after noise and limiter
	featureStamp    = "stamp_ns"             // bridge clock, see Step.Stamp
	featureDone     = "next.done"
	featureSuccess  = "next.success"
	prefixImages    = "observation.images."
)

// ExportOptions say how a dataset is written for others.
type ExportOptions struct {
	Images   string // lerobot.Video, small and lossy; or lerobot.Image, lossless PNG among the frames
	Failures bool   // failed demonstrations too, marked; they would be imitated by whoever does not look
	Replace  bool   // an export that is there
	Progress func(done, total int)
}

// ErrNothing is wrapped when there is no episode to export.
var ErrNothing = errors.New("no successful demonstration")

// ExportReport says what came of it.
type ExportReport struct {
	Episodes, Frames, LeftOut int
	Losses                    map[string]lerobot.Loss // by camera; none for PNG
}

// Export writes the dataset in LeRobot's layout v3. The folder appears whole or not at all: it is written beside its
// place, read back and compared, number by number and picture by picture, and then renamed.
func (d *Dataset) Export(ctx context.Context, dir string, opt ExportOptions) (*ExportReport, error) {
	r, err := d.export(ctx, dir, opt)
	if err != nil {
		return nil, fmt.Errorf("exporting %s to %s: %w", d.dir, dir, err)
	}
	return r, nil
}

func (d *Dataset) export(ctx context.Context, dir string, opt ExportOptions) (report *ExportReport, err error) {
	if err := mayWrite(dir, opt.Replace); err != nil {
		return nil, err
	}
	dir = filepath.Clean(dir)
	partial := filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)+".partial")
	unlock, err := Lock(partial)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := empty(partial); err != nil {
		return nil, err
	}
	x := &exporter{d: d, opt: opt, dir: partial, report: &ExportReport{Losses: map[string]lerobot.Loss{}}}
	if err := x.run(ctx); err != nil {
		if errors.Is(err, unix.ENOSPC) {
			err = fmt.Errorf("%w; free space and export again", err)
		}
		return nil, errors.Join(fmt.Errorf("%w; nothing of it is left, and the dataset is untouched", err), os.RemoveAll(partial))
	}
	return x.report, appear(partial, dir)
}

// mayWrite refuses to replace anything but an export.
func mayWrite(dir string, replace bool) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0:
		return nil
	case err != nil:
		return err
	case !replace:
		return errors.New("it is there already; choose another folder, or replace it with -replace")
	}
	m, err := ReadMapping(dir)
	if err == nil && m.Exported == nil {
		err = errors.New("it was not exported by sim2reald")
	}
	if err != nil {
		return fmt.Errorf("refusing to replace it: %w; choose another folder", err)
	}
	return nil
}

// empty deletes what a killed export left.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == lockFile {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// appear puts a finished folder in its place, in one step of the file system.
func appear(partial, dir string) error {
	if err := os.Remove(filepath.Join(partial, lockFile)); err != nil {
		return err
	}
	if err := syncAll(partial); err != nil {
		return err
	}
	err := os.Rename(partial, dir) // over nothing, or over an empty folder
	if err == nil {
		return syncPath(filepath.Dir(dir))
	}
	if err := unix.Renameat2(unix.AT_FDCWD, partial, unix.AT_FDCWD, dir, unix.RENAME_EXCHANGE); err != nil {
		return fmt.Errorf("putting it in its place: %w", err)
	}
	return errors.Join(syncPath(filepath.Dir(dir)), os.RemoveAll(partial))
}

// syncAll makes sure that everything is on the disk before the rename is.
func syncAll(dir string) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return syncPath(path)
	})
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// exporter writes one export.
type exporter struct {
	d      *Dataset
	opt    ExportOptions
	dir    string
	report *ExportReport
	seeds  []int64 // exported ones
}

func (x *exporter) run(ctx context.Context) error {
	w, err := lerobot.NewWriter(x.dir, x.d.Meta.Robot.Model, x.d.Meta.ControlRateHz, x.features())
	if err != nil {
		return err
	}
	defer w.Abandon()
	for i, seed := range x.d.seeds {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := x.write(w, seed); err != nil {
			return err
		}
		if x.opt.Progress != nil {
			x.opt.Progress(i+1, len(x.d.seeds))
		}
	}
	if len(x.seeds) == 0 {
		return fmt.Errorf("%w among %d; collect more", ErrNothing, len(x.d.seeds))
	}
	info, err := w.Finish()
	if err != nil {
		return err
	}
	return x.seal(ctx, info)
}

func (x *exporter) features() map[string]lerobot.Feature {
	vector := func(names ...string) lerobot.Feature {
		return lerobot.Feature{DType: lerobot.Float32, Shape: []int{len(names)}, Names: names}
	}
	joints := x.d.Meta.Robot.JointNames
	velocities := dimensions(joints, ".vel")
	out := map[string]lerobot.Feature{
		featureState:    vector(append(dimensions(joints, ".pos"), dimensionGripper)...),
		featureVelocity: vector(velocities...),
		featureAction:   vector(append(velocities, dimensionGripper)...),
		featureSent:     vector(append(velocities, dimensionGripper)...),
		featureStamp:    {DType: lerobot.Int64, Shape: []int{1}},
		featureDone:     {DType: lerobot.Bool, Shape: []int{1}},
		featureSuccess:  {DType: lerobot.Bool, Shape: []int{1}},
	}
	for _, c := range x.d.Meta.Cameras {
		out[prefixImages+c.Name] = lerobot.Feature{DType: x.opt.Images, Shape: []int{c.Height, c.Width, 3}, Names: []string{"height", "width", "channels"}}
	}
	return out
}

const dimensionGripper = "gripper.pos"

func dimensions(joints []string, suffix string) (out []string) {
	for _, j := range joints {
		out = append(out, j+suffix)
	}
	return out
}

func (x *exporter) write(w *lerobot.Writer, seed int64) error {
	e, err := x.d.Episode(seed)
	if err != nil {
		return err
	}
	if !e.Success && !x.opt.Failures {
		x.report.LeftOut++
		return nil
	}
	x.seeds = append(x.seeds, seed)
	x.report.Episodes++
	x.report.Frames += len(e.Steps)
	return w.Write(lerobot.Recording{Task: x.d.Meta.Task, Seed: seed, Values: x.values(e)}, len(e.Steps))
}

func (x *exporter) values(e *Episode) map[string]lerobot.Values {
	n := len(x.d.Meta.Robot.JointNames)
	var state, velocity, action, sent, stamp, done, success lerobot.Values
	pictures := make([]lerobot.Values, len(x.d.Meta.Cameras))
	for i := range e.Steps {
		s, last := &e.Steps[i], i == len(e.Steps)-1
		state.Floats = rounded(state.Floats, s.Q, n, s.Gripper)
		velocity.Floats = rounded(velocity.Floats, s.DQ, n)
		action.Floats = rounded(action.Floats, s.Wanted.DQ, n, s.Wanted.Gripper)
		sent.Floats = rounded(sent.Floats, s.Sent.DQ, n, s.Sent.Gripper)
		stamp.Ints = append(stamp.Ints, int64(s.Stamp))
		done.Bools, success.Bools = append(done.Bools, last), append(success.Bools, last && e.Success)
		for c := range pictures {
			pictures[c].Pictures = append(pictures[c].Pictures, s.Pictures[c])
		}
	}
	out := map[string]lerobot.Values{featureState: state, featureVelocity: velocity, featureAction: action, featureSent: sent,
		featureStamp: stamp, featureDone: done, featureSuccess: success}
	for c, camera := range x.d.Meta.Cameras {
		out[prefixImages+camera.Name] = pictures[c]
	}
	return out
}

// rounded appends n joints and what follows them, as LeRobot's convention has numbers.
func rounded(out []float32, joints robot.Vector, n int, more ...float64) []float32 {
	for _, x := range append(joints[:n:n], more...) {
		out = append(out, float32(x))
	}
	return out
}
