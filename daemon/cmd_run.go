package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"os"
	"sync"

	"sim2reald/daemon/config"
	"sim2reald/daemon/control"
	"sim2reald/daemon/web"
	"sim2reald/model/bundle"
)

var errNotYet = errors.New("the daemon is still starting; ask again in a moment")

// cmdRun is the service.
func cmdRun(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("run", flag.ContinueOnError)
	workcell := fs.Bool("workcell", false, "start the simulated workcell of the configuration as well")
	cfg, err := configured(fs, args)
	if err != nil {
		return err
	}
	if err := control.QuietRuntime(); err != nil {
		return asMisconfigured(err)
	}
	log := newLog()
	defer endInTime(ctx, log)()
	return serve(ctx, cfg, log, *workcell)
}

func newLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
}

// withoutTime leaves the time to the journal, which stamps every line itself.
func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey && len(groups) == 0 {
		return slog.Attr{}
	}
	return a
}

func serve(ctx context.Context, cfg config.Config, log *slog.Logger, startBridge bool) (err error) {
	core, err := keepCore(cfg)
	if err != nil {
		return err
	}
	m, err := openManager(log)
	if err != nil {
		return asMisconfigured(err)
	}
	m.status("loading the base and its bundles")
	b, err := openBrain(cfg)
	if err != nil {
		return err
	}
	defer closing(&err, b.Close)
	m.status("waiting for the bridge of robot " + cfg.Robot.Name)
	var d desk
	w, err := openWorkcell(ctx, cfg, log, workcellOptions{startBridge: startBridge, onRequest: d.answer})
	if err != nil && ctx.Err() != nil {
		log.Info("ended before it was ready", "because", err)
		return nil // it was asked to
	}
	if err != nil {
		return err
	}
	defer closing(&err, w.Close)
	w.core = core
	if w.record, err = w.openRecord(b.base.Identity()); err != nil {
		return err
	}
	if w.record != nil {
		defer closing(&err, w.record.Close)
	}
	s, err := newShelf(b, w)
	if err != nil {
		return err
	}
	defer closing(&err, s.Close)
	shown := b.board(w)
	shown.shelf = s
	shown.runs(s.loop, "")
	d.board.Store(shown)
	return w.attended(ctx, shown, func(string) error {
		return m.during(ctx, s.loop.Alive(), s.loop.inWords, func(ctx context.Context) error { return s.loop.run(ctx, w) })
	})
}

// attended serves the page and the status topic while f runs, which gets the page's URL.
func (w *workcell) attended(ctx context.Context, shown *board, f func(url string) error) (err error) {
	page, err := web.Start(web.Options{
		Listen: w.cfg.Web.Listen, Hosts: w.cfg.Web.Hosts, Status: func() any { return shown.status() }, Picture: w.picture, Overlay: shown.overlay, Ask: shown.askedByPage,
	})
	if err != nil {
		return err
	}
	defer closing(&err, page.Close)
	w.shown.Store(shown)
	w.log.Info("page served", "url", page.URL())
	var publisher sync.WaitGroup
	publishing, stop := context.WithCancel(ctx)
	publisher.Go(func() { shown.publish(publishing) })
	publisher.Go(func() { shown.compare(publishing) })
	defer publisher.Wait()
	defer stop()
	return f(page.URL())
}

// bundleLoop checks the bundle against the rig and makes its policy and loop.
func (b *brain) bundleLoop(w *workcell) (*policy, *loop, error) {
	rig := w.rigOf(b.base.Identity())
	if err := bundle.Check(&b.bundle.Manifest, &rig); err != nil {
		return nil, nil, err
	}
	w.tellSight(&b.bundle.Manifest)
	p, err := b.load(b.bundle)
	if err != nil {
		return nil, nil, err
	}
	l, err := w.newLoop(p.pilot(w, b.base.Identity()))
	if err != nil {
		return nil, nil, errors.Join(err, p.Close())
	}
	return p, l, nil
}

func (b *brain) board(w *workcell) *board {
	m := &b.bundle.Manifest
	c := &comparison{cameras: w.cameras, clock: w.clock, log: w.log}
	c.use(b)
	return &board{
		w: w, comparison: c, decides: b.bundle, task: m.Task, bundle: m.Name + " " + b.bundle.Digest(), base: m.Base.Name + " " + b.base.Identity(),
		engine: b.describe().String(), plans: b.plans(m),
	}
}

// closing joins the error of closing something to the error of using it.
func closing(err *error, close func() error) { *err = errors.Join(*err, close()) }
