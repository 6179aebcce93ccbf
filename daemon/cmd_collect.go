package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"sim2reald/daemon/config"
	"sim2reald/model/bundle"
	"sim2reald/model/dataset"
	"sim2reald/model/dataset/lerobot"
)

// cmdCollect records demonstrations.
func cmdCollect(ctx context.Context, args []string) error {
	var f collectFlags
	fs := flag.NewFlagSet("collect", flag.ContinueOnError)
	f.set(fs)
	cfg, err := configured(fs, args)
	if err != nil {
		return err
	}
	if err := f.apply(&cfg); err != nil {
		return err
	}
	return collect(ctx, cfg, f)
}

// collect records, then writes the export that belongs to what is there now.
func collect(ctx context.Context, cfg config.Config, f collectFlags) (err error) {
	data, err := record(ctx, cfg, &f)
	if err != nil || data == nil {
		return err
	}
	if err := summary(data, f.out); err != nil || !f.lerobot {
		return err
	}
	return exportBeside(ctx, data, filepath.Join(f.out, "lerobot"))
}

// record is nil without an error when it was interrupted.
func record(ctx context.Context, cfg config.Config, f *collectFlags) (data *dataset.Dataset, err error) {
	t := &teacher{noise: f.noise}
	w, err := openWorkcell(ctx, cfg, newLog(), workcellOptions{startBridge: !f.byPerson(), teacher: !f.byPerson(), onExpert: t.onExpert})
	if err != nil {
		return nil, err
	}
	defer closing(&err, w.Close)
	if err := w.knowsShifts(f.shift); err != nil {
		return nil, fmt.Errorf("collect: %w", err)
	}
	meta := w.datasetMeta(f)
	if f.out == "" {
		f.out = filepath.Join("build", "demonstrations", folderOf(meta))
	}
	unlock, err := dataset.Lock(f.out)
	if err != nil {
		return nil, err
	}
	defer closing(&err, unlock)
	if data, err = dataset.Create(f.out, meta); err != nil {
		return nil, err
	}
	show := byTeacher
	if f.byPerson() {
		show = byPerson
	}
	whole, err := show(ctx, w, data, f, t)
	if err == nil && !whole {
		fmt.Fprintf(os.Stderr, "collect: interrupted; %d episodes are kept in %s, the same command goes on\n", len(data.Seeds()), f.out)
		return nil, nil
	}
	return data, err
}

// folderOf is a name for a dataset's folder.
func folderOf(m dataset.Meta) string {
	name := m.Task
	if m.Domain != "" {
		name = m.Domain + "-" + m.Task
	}
	if m.Shift != "" {
		name += "-" + m.Shift
	}
	return name
}

// placedByHand is the jitter of what a person places.
const placedByHand = "placed-by-hand"

// datasetMeta says whose demonstrations these are.
func (w *workcell) datasetMeta(f *collectFlags) dataset.Meta {
	rig := w.rigOf("")
	m := dataset.Meta{
		Schema: dataset.Schema, Version: dataset.Version, Robot: rig.Robot, ControlRateHz: w.fact.ControlRateHz,
		Source: f.source, Task: cmp.Or(w.cfg.Bridge.Task, w.fact.Task), Jitter: placedByHand, Software: w.fact.Software, Daemon: version,
		Limits: bundle.LimitsOf(w.model.Limits, w.model.N(), f.scale),
	}
	if !f.byPerson() {
		m.Jitter, m.Shift = cmp.Or(w.cfg.Bridge.Jitter, w.fact.DefaultJitter), f.shift
		m.HorizonSteps, m.Noise = w.fact.HorizonSteps, f.noise
	}
	if w.process != nil {
		m.Domain = w.cfg.Bridge.Domain
	}
	if m.Shift == "none" {
		m.Shift = ""
	}
	for _, c := range rig.Cameras {
		m.Cameras = append(m.Cameras, dataset.Camera{Name: c.Name, Width: c.Width, Height: c.Height, Encoding: "png", Colour: c.Colour})
	}
	return m
}

// summary reports what is there, and how many demonstrations failed: those stay, marked, and are not learned from.
func summary(d *dataset.Dataset, out string) error {
	s, err := d.Summary()
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "collect: %s holds %s\n", out, s)
	return nil
}

// exportBeside writes the dataset for others, unless that was done already. Failed demonstrations are left out.
func exportBeside(ctx context.Context, d *dataset.Dataset, dir string) error {
	digest, err := d.Digest()
	if err != nil {
		return err
	}
	if old, err := dataset.ReadMapping(dir); err == nil && old.Exported != nil && old.Exported.Digest == digest {
		fmt.Fprintf(os.Stderr, "collect: %s is up to date\n", dir)
		return nil
	}
	opt := dataset.ExportOptions{Images: lerobot.Video, Replace: true}
	if !d.Meta.Even() {
		opt.Images = lerobot.Image // mp4 needs even sizes
	}
	report, err := d.Export(ctx, dir, opt)
	if errors.Is(err, dataset.ErrNothing) {
		fmt.Fprintf(os.Stderr, "collect: %v\n", err)
		return nil
	}
	if err != nil {
		return err
	}
	tellExport(report, dir, opt.Images)
	return nil
}

// tellExport prints what was written, and what it lost.
func tellExport(r *dataset.ExportReport, dir, images string) {
	fmt.Fprintf(os.Stderr, "wrote %s in LeRobot's layout %s: %d episodes, %d frames; %d failed ones left out\n",
		dir, lerobot.Version, r.Episodes, r.Frames, r.LeftOut)
	for _, camera := range slices.Sorted(maps.Keys(r.Losses)) {
		l := r.Losses[camera]
		fmt.Fprintf(os.Stderr, "  %s: mp4 beside the pictures: PSNR %.1f dB, worst frame %.1f dB; at most %d of 255 in one colour of one pixel\n",
			camera, l.PSNR, l.Worst, l.Largest)
	}
	if images == lerobot.Image {
		fmt.Fprintln(os.Stderr, "  pictures are PNG among the frames: nothing is lost")
	}
}
