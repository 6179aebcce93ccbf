package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"sim2reald/daemon/topic"
)

// recordDisk is the size of the disk that a record is given, in MiB: room for four of its files of 1, and 2 to be kept.
const recordDisk = 8

// recordFull fills the disk under the service's record while the arm moves, and makes room again.
func recordFull(ctx context.Context, b *bench) outcome {
	disk, err := os.MkdirTemp(b.dir, "rig")
	if err != nil {
		return broken(err)
	}
	if err := syscall.Mount("none", disk, "tmpfs", 0, fmt.Sprintf("size=%dm", recordDisk)); err != nil {
		return needs("the right to mount a small disk: %v", err)
	}
	defer func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) }()
	folder := filepath.Join(disk, "record")
	config := fmt.Sprintf("recording: {folder: %q, file_mb: 1, total_mb: 4, free_mb: 2}\n", folder)
	return b.inMotion(ctx, rigOptions{config: config}, func(r *rig) outcome {
		ballast := filepath.Join(disk, "ballast")
		at := now()
		if err := os.WriteFile(ballast, make([]byte, recordDisk<<20), 0o600); err == nil {
			return broken(fmt.Errorf("a disk of %d MiB is not full of as much", recordDisk))
		}
		told, err := r.recordSays(ctx, at, "none: ")
		if err != nil {
			return broken(err)
		}
		if err := pause(ctx, time.Second); err != nil {
			return broken(err)
		}
		moving := 0
		for _, c := range r.commands(at+told, "") {
			if c.msg.Mode == "velocity" {
				moving++
			}
		}
		refused, err := r.refusedToArm(ctx)
		if err != nil {
			return broken(err)
		}
		if err := os.Remove(ballast); err != nil {
			return broken(err)
		}
		at = now()
		again, err := r.recordSays(ctx, at, "into ")
		if err != nil {
			return broken(err)
		}
		if err := eventually(ctx, 5*time.Second, "arm to be granted", func() bool { return r.ask(ctx, "arm", 0) == nil }); err != nil {
			return broken(err)
		}
		return r.recordWhole(folder, told <= 2*time.Second && moving >= 90 && strings.Contains(refused.Error(), "disk_short"),
			fmt.Sprintf("told after %.0f ms, then %d commands to move in 1 s; %v; recording again after %.1f s", ms(told), moving, refused, again.Seconds()))
	})
}

// recordSays waits for what the status says of the record, and gives the time since a moment.
func (r *rig) recordSays(ctx context.Context, at moment, prefix string) (time.Duration, error) {
	var s topic.Status
	err := eventually(ctx, 30*time.Second, "a record "+prefix, func() bool {
		s, _ = r.status(ctx)
		return strings.HasPrefix(s.Record, prefix)
	})
	if err != nil {
		return 0, fmt.Errorf("%w: it says %q", err, s.Record)
	}
	return now() - at, nil
}

// refusedToArm stops the daemon and gives why it does not arm again.
func (r *rig) refusedToArm(ctx context.Context) (refusal, err error) {
	if err := r.ask(ctx, "stop", 0); err != nil {
		return nil, err
	}
	if err := r.settle(ctx, quietFor); err != nil {
		return nil, err
	}
	if refusal = r.ask(ctx, "arm", 0); refusal == nil {
		return nil, fmt.Errorf("the daemon armed without a record")
	}
	return refusal, nil
}

// recordWhole judges the arm's log and reads every line of the record.
func (r *rig) recordWhole(folder string, ok bool, text string) outcome {
	if err := r.safe(); err != nil {
		return broken(err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
	if err != nil {
		return broken(err)
	}
	whole, torn := 0, 0
	for _, path := range files {
		w, t, err := wholeLines(path)
		if err != nil {
			return broken(err)
		}
		whole, torn = whole+w, torn+t
	}
	return measured(ok && len(files) >= 2 && torn == 0 && whole > 20, "%s; %d lines whole in %d files, %d torn", text, whole, len(files), torn)
}
