package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"sim2reald/calibration"
	"sim2reald/calibration/live"
	"sim2reald/daemon/config"
	"sim2reald/daemon/topic"
	"sim2reald/daemon/web"
)

// liveFlags say what is calibrated at the page.
type liveFlags struct {
	boardFlags
	config, camera, source           string
	serial, name, model, format, out string
	kind, intrinsics                 string // of hand-eye
	frames                           calibration.FrameNames
	drive                            bool
	poses, rehearse                  string
}

func (f *liveFlags) set(fs *flag.FlagSet) {
	f.boardFlags.set(fs)
	fs.StringVar(&f.config, "config", "", "configuration `file`, whose camera, bridge and page are used; none means the defaults")
	fs.StringVar(&f.camera, "camera", "", "`name` of the camera in the configuration; its first one unless given")
	fs.StringVar(&f.source, "source", "", "`where` pictures come from instead: a device, a file, or rtsp://host/path")
	fs.StringVar(&f.serial, "serial", "", "`serial` number of the camera, by which another one is told from it later")
	fs.StringVar(&f.name, "name", "", "`name` of the camera in the file; the camera's own unless given")
	fs.StringVar(&f.model, "model", "plumb_bob", "`distortion` of a lens: plumb_bob, rational_polynomial, or equidistant for a fisheye")
	fs.StringVar(&f.format, "format", "ros", "`format` of a lens's file: ros (camera_info YAML) or opencv (FileStorage YAML)")
	fs.StringVar(&f.out, "out", "", "`file` to write")
	fs.StringVar(&f.kind, "kind", "", "hand-eye instead of a lens: eye_in_hand or eye_to_hand")
	fs.StringVar(&f.intrinsics, "intrinsics", "", "`file` of the lens, for hand-eye")
	f.frames = calibration.FrameNames{Base: "base", Flange: "flange", Camera: "camera_optical_frame", Board: "board"}
	fs.BoolVar(&f.drive, "drive", false, "let the page drive the arm from pose to pose once it is armed, for hand-eye; without it nothing is sent, and a person moves the arm")
	fs.StringVar(&f.poses, "poses", "", "`file` of poses to drive through, one a line, rad; without it they are found around where the arm stands")
	fs.StringVar(&f.rehearse, "rehearse", "", "practise on a simulated rig whose truth is known: `what`, lens, eye_in_hand or eye_to_hand")
}

const liveUsage = `-board 7x5 -square 0.03 -serial SERIAL -out lens.yaml
sim2reald calibrate live -kind eye_in_hand -drive -intrinsics lens.yaml -board 7x5 -square 0.03 -out wrist.calib
shows a camera's pictures at the configuration's page, /calibrate, and keeps views of a board that is held still.`

// cmdCalibrateLive collects before a camera.
func cmdCalibrateLive(ctx context.Context, args []string) error {
	var f liveFlags
	fs := flag.NewFlagSet("calibrate live", flag.ContinueOnError)
	f.set(fs)
	if err := parseBefore(fs, args, liveUsage); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("calibrate live: unexpected argument %q; flags begin with -", fs.Arg(0))
	}
	log := newLog()
	defer endInTime(ctx, log)()
	if err := f.run(ctx, log); err != nil {
		return fmt.Errorf("calibrate live: %w", err)
	}
	return nil
}

// The chessboard that the simulated rig shows: inner corners, and m.
const rehearsedSize, rehearsedSquare = "7x5", 0.03

// check gives the board and the configuration of what is asked for.
func (f *liveFlags) check() (calibration.Board, config.Config, error) {
	if err := f.practise(); err != nil {
		return calibration.Board{}, config.Config{}, err
	}
	b, err := f.board()
	if err != nil {
		return b, config.Config{}, err
	}
	if err := f.lens().checkOut(); err != nil {
		return b, config.Config{}, err
	}
	if err := f.checkHand(); err != nil {
		return b, config.Config{}, err
	}
	cfg, err := loadConfig(f.config)
	if err != nil {
		return b, cfg, err
	}
	f.rehearsal(&cfg)
	return b, cfg, f.choose(&cfg)
}

// practise fills in what the simulated rig is and shows.
func (f *liveFlags) practise() error {
	if f.rehearse == "" {
		return nil
	}
	if !slices.Contains([]string{"lens", "eye_in_hand", "eye_to_hand"}, f.rehearse) {
		return fmt.Errorf("-rehearse %q; want lens, eye_in_hand or eye_to_hand", f.rehearse)
	}
	if f.size == "" {
		f.size, f.square = rehearsedSize, rehearsedSquare
	}
	if f.pattern != string(calibration.Chessboard) || f.size != rehearsedSize || f.square != rehearsedSquare {
		return fmt.Errorf("-rehearse shows a chessboard of %s corners and squares of %g m alone; leave -pattern, -board and -square out", rehearsedSize, rehearsedSquare)
	}
	if f.rehearse != "lens" {
		f.kind, f.drive = f.rehearse, true
	}
	return nil
}

// checkHand is about what hand-eye alone has.
func (f *liveFlags) checkHand() error {
	switch {
	case f.kind == "" && (f.drive || f.poses != "" || f.intrinsics != ""):
		return fmt.Errorf("-drive, -poses and -intrinsics are for hand-eye; say -kind eye_in_hand or eye_to_hand")
	case f.kind == "":
		return nil
	case f.intrinsics == "":
		return fmt.Errorf("-intrinsics is missing; calibrate the lens first, and name its file")
	case f.poses != "" && !f.drive:
		return fmt.Errorf("-poses is for -drive")
	}
	return calibration.Kind(f.kind).Check()
}

// rehearsal is the simulated rig of a task.
func (f *liveFlags) rehearsal(cfg *config.Config) {
	if f.rehearse == "" {
		return
	}
	cfg.Robot.Name = "calibration"
	cfg.Bridge.Domain, cfg.Bridge.Task, cfg.Bridge.Clock = "calibration", f.rehearse, "realtime"
	cfg.Bridge.Command = append(slices.Clone(cfg.Bridge.Command), "--size", "480")
	cfg.Cameras = []config.Camera{{Name: "default", Source: config.SourceBridge}}
}

// choose leaves the one camera in the configuration.
func (f *liveFlags) choose(cfg *config.Config) error {
	if f.camera == "" {
		f.camera = cfg.Cameras[0].Name
	}
	i := slices.IndexFunc(cfg.Cameras, func(c config.Camera) bool { return c.Name == f.camera })
	switch {
	case f.source != "":
		cfg.Cameras = []config.Camera{{Name: f.camera, Source: f.source}}
	case i < 0:
		return fmt.Errorf("-camera %q is not in the configuration; name one that is, or say -source", f.camera)
	default:
		cfg.Cameras = cfg.Cameras[i : i+1]
	}
	if f.name == "" {
		f.name = f.camera
	}
	return cfg.Validate()
}

// lens are the same flags of the command on files.
func (f *liveFlags) lens() intrinsicsFlags {
	return intrinsicsFlags{boardFlags: f.boardFlags, model: f.model, out: f.out, format: f.format, serial: f.serial, name: f.name}
}

// hand are the same flags of the command on files.
func (f *liveFlags) hand() handEyeFlags {
	return handEyeFlags{boardFlags: f.boardFlags, kind: f.kind, intrinsics: f.intrinsics, out: f.out, name: f.name, frames: f.frames}
}

// what is calibrated, for the page.
func (f *liveFlags) what(b calibration.Board) string {
	what := "the lens of"
	if f.kind != "" {
		what = f.kind + " with"
	}
	what += fmt.Sprintf(" camera %s: %s %dx%d, %g mm", f.camera, b.Pattern, b.Cols, b.Rows, 1e3*b.Square)
	if b.Pattern == calibration.Charuco {
		what += fmt.Sprintf(", markers %s of %g mm", b.Dictionary, 1e3*b.Marker)
	}
	return what
}

func (f *liveFlags) run(ctx context.Context, log *slog.Logger) (err error) {
	b, cfg, err := f.check()
	if err != nil {
		return asMisconfigured(err)
	}
	s, err := f.sitter(b)
	if err != nil {
		return asMisconfigured(err)
	}
	var d desk
	w, err := f.openRig(ctx, cfg, log, d.answer)
	if err != nil {
		return err
	}
	defer closing(&err, w.Close)
	s.clock, s.eye = w.clock, w.cameras[0]
	options := web.Options{
		Listen: cfg.Web.Listen, Hosts: cfg.Web.Hosts, Status: func() any { return idleStatus("calibration, at /calibrate", cfg.Robot.Name, f.camera) },
		Picture: s.seen, Ask: func(web.Request) error { return errNoArm }, Calibration: s,
	}
	if f.kind == "" {
		return s.serve(ctx, log, options)
	}
	if err := s.watchArm(w); err != nil {
		return err
	}
	if !f.drive {
		return s.serve(ctx, log, options)
	}
	l, err := s.takeControls(ctx, w)
	if err != nil {
		return err
	}
	shown := s.shownBoard(w, l)
	d.board.Store(shown)
	options.Status, options.Ask = func() any { return shown.status() }, shown.askedByPage
	return commanding(ctx, shown, func(ctx context.Context) error { return s.serve(ctx, log, options) })
}

// sitter is one that has seen nothing yet.
func (f *liveFlags) sitter(b calibration.Board) (s *sitter, err error) {
	s = &sitter{flags: f, board: b, wall: time.Now, say: os.Stderr}
	if f.kind != "" {
		if s.lens, err = readLens(f.intrinsics); err != nil {
			return nil, err
		}
	}
	s.session = live.New(live.Config{
		Board: b, Kind: calibration.Kind(f.kind), Model: calibration.Model(f.model), Lens: s.lens.Lens, Criteria: calibration.DefaultCriteria(),
	})
	return s, nil
}

// serve shows the page until ctx ends.
func (s *sitter) serve(ctx context.Context, log *slog.Logger, options web.Options) (err error) {
	page, err := web.Start(options)
	if err != nil {
		return err
	}
	defer closing(&err, page.Close)
	log.Info("calibration page served", "url", page.URL()+"calibrate")
	return s.look(ctx)
}

var errNoArm = errors.New("no arm is commanded here; with -kind and -drive one is")

// openRig opens the camera, and the bridge if the pictures are its or an arm is wanted.
func (f *liveFlags) openRig(ctx context.Context, cfg config.Config, log *slog.Logger, onRequest func(topic.Request) topic.Reply) (*workcell, error) {
	if cfg.Cameras[0].OfBridge() || f.kind != "" {
		return openWorkcell(ctx, cfg, log, workcellOptions{startBridge: f.rehearse != "", onRequest: onRequest})
	}
	return openEyes(ctx, cfg, log)
}

// idleStatus is that of a daemon that commands nothing.
func idleStatus(task, robot string, cameras ...string) topic.Status {
	return topic.Status{
		Task: task, Robot: robot, Mode: "disarmed", Joints: []topic.JointStatus{}, Ages: []topic.AgeStatus{}, Cameras: append([]string{}, cameras...),
		Dropped: map[string]uint64{}, Latency: []topic.LatencyStatus{}, Overlays: []topic.OverlayStatus{}, Likeness: []topic.LikenessStatus{},
	}
}
