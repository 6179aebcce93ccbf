package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"sim2reald/calibration"
	"sim2reald/camera"
	"sim2reald/camera/rtsp/out"
	"sim2reald/daemon/config"
	"sim2reald/daemon/topic"
	"sim2reald/daemon/web"
	"sim2reald/robot"
	"sim2reald/robot/bridge"
	"sim2reald/robot/limit/space"
)

// workcell is the robot's side as the daemon holds it: broker, bridge, link and cameras.
type workcell struct {
	cfg     config.Config
	log     *slog.Logger
	clock   func() time.Duration
	broker  *topic.Broker   // nil when it is somebody else's
	process *bridge.Process // nil when the bridge was there already
	link    *topic.Link
	fact    topic.Factsheet
	model   robot.Model
	space   *space.Space // of which each loop has its own
	cameras []*camera.Latest
	screens []*camera.Latest      // the same pictures, for people
	out     *out.Server           // nil: nobody is served by RTSP
	shown   atomic.Pointer[board] // what is written onto them, once there is a loop
	core    *int                  // kept for the control loop; nil: none
	record  *logbook              // nil: what is sent is not written down

	rig      calibration.Rig        // as the file said at start
	rigWrong error                  // why it does not count
	overlays map[string]web.Picture // of cameras, by name; what the simulated one sees

	shifted atomic.Bool // an evaluation changes on purpose what is seen

	mu       sync.Mutex
	pictures map[string]web.Picture // newest of each camera, as received
	shot     struct {               // of the bridge's newest pictures
		seq uint64
		at  time.Duration
	}

	episodes chan topic.EpisodeState
	stop     context.CancelFunc
	workers  sync.WaitGroup
}

// workcellOptions are what commands want differently.
type workcellOptions struct {
	startBridge bool
	teacher     bool
	onExpert    func(*topic.Expert)
	onRequest   func(topic.Request) topic.Reply
}

// openWorkcell brings up everything between the daemon and the arm and waits until the bridge has said what
// it is. What it started is closed again when it fails.
func openWorkcell(ctx context.Context, cfg config.Config, log *slog.Logger, opts workcellOptions) (*workcell, error) {
	w := newWorkcell(cfg, log)
	if err := w.open(ctx, opts); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// openEyes opens the cameras alone, none of which is the bridge's: no broker, no arm.
func openEyes(ctx context.Context, cfg config.Config, log *slog.Logger) (*workcell, error) {
	w := newWorkcell(cfg, log)
	if err := w.openCameras(ctx); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func newWorkcell(cfg config.Config, log *slog.Logger) *workcell {
	began := time.Now()
	w := &workcell{
		cfg: cfg, log: log, clock: func() time.Duration { return time.Since(began) },
		pictures: map[string]web.Picture{}, episodes: make(chan topic.EpisodeState, 16),
	}
	for i, c := range cfg.Cameras {
		w.cameras = append(w.cameras, camera.NewLatest(c.Name))
		w.screens = append(w.screens, camera.NewLatest(c.Name))
		if len(cfg.Cameras) > 1 {
			w.cameras[i].Keep(config.Milliseconds(cfg.Ages.FrameMs))
		}
	}
	return w
}

func (w *workcell) open(ctx context.Context, opts workcellOptions) (err error) {
	if w.overlays, err = readOverlays(w.cfg.Cameras); err != nil {
		return asMisconfigured(err)
	}
	if err := w.openOut(); err != nil {
		return asMisconfigured(err)
	}
	address, err := w.openBroker()
	if err != nil {
		return err
	}
	if err := w.openLink(ctx, address, opts); err != nil {
		return err
	}
	if opts.startBridge && len(w.cfg.Bridge.Command) > 0 {
		if err := w.openBridge(address, opts.teacher); err != nil {
			return err
		}
	}
	if err := w.awaitFactsheet(ctx); err != nil {
		return err
	}
	if err := w.quietRuntime(); err != nil {
		return err
	}
	if err := w.link.AwaitLease(ctx); err != nil {
		return err
	}
	w.openRig()
	if err := w.checkAges(); err != nil {
		return err
	}
	if err := w.openCameras(ctx); err != nil {
		return err
	}
	w.tellCalibrated()
	return nil
}

func (w *workcell) openLink(ctx context.Context, address string, opts workcellOptions) (err error) {
	link := topic.Options{
		Broker: address, Robot: w.cfg.Robot.Name, Version: version, Clock: w.clock, Log: w.log,
		OnFrame: w.onFrame, OnExpert: opts.onExpert, OnEpisode: w.onEpisode, OnRequest: opts.onRequest,
	}
	if err := w.secure(&link); err != nil {
		return err
	}
	w.link, err = topic.Dial(ctx, link)
	return err
}

func (w *workcell) openBroker() (string, error) {
	if w.cfg.MQTT.Broker != "embedded" {
		return w.cfg.MQTT.Broker, nil
	}
	broker, err := w.brokerOptions().Start()
	if err != nil {
		return "", err
	}
	w.broker = broker
	w.log.Info("broker started; whoever is on this host may command", "address", broker.Address())
	if at := broker.AddressTLS(); at != "" {
		w.log.Info("broker started with TLS", "address", at, "users", len(w.cfg.MQTT.Users))
	}
	return broker.Address(), nil
}

func (w *workcell) openBridge(address string, teacher bool) error {
	var cameras []string
	var serve string
	for _, c := range w.cfg.Cameras {
		if c.OfBridge() {
			cameras = append(cameras, c.Name)
		}
		if c.Source == config.SourceBridgeRTSP {
			serve = "127.0.0.1:0"
		}
	}
	b := w.cfg.Bridge
	process, err := bridge.Start(bridge.Options{
		Command: b.Command, Broker: address, Robot: w.cfg.Robot.Name, Domain: b.Domain, Task: b.Task,
		Clock: b.Clock, Cameras: cameras, Horizon: b.Horizon, Teacher: teacher, RTSP: serve, Log: os.Stderr,
	})
	if err != nil {
		return err
	}
	w.process = process
	w.log.Info("bridge started", "domain", b.Domain, "task", b.Task, "clock", b.Clock)
	return nil
}

// bridgeDone is nil, which never receives, when the bridge is somebody else's.
func (w *workcell) bridgeDone() <-chan struct{} {
	if w.process == nil {
		return nil
	}
	return w.process.Done()
}

func (w *workcell) onEpisode(s topic.EpisodeState) {
	select {
	case w.episodes <- s:
	default: // nobody evaluates
	}
}

func (w *workcell) lockstep() bool { return w.fact.Clock == "lockstep" }

// Close stops what openWorkcell started, the bridge before the broker, so that it can still say goodbye.
func (w *workcell) Close() error {
	var errs []error
	if w.stop != nil {
		w.stop()
	}
	w.workers.Wait()
	if w.out != nil {
		w.out.Close()
	}
	if w.process != nil {
		errs = append(errs, w.process.Stop())
	}
	if w.link != nil {
		w.link.Close()
	}
	if w.broker != nil {
		errs = append(errs, w.broker.Close())
	}
	return errors.Join(errs...)
}
