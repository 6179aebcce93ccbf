package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// terminated ends the daemon in motion by each signal that a terminal or a service manager sends, and twice.
func terminated(ctx context.Context, b *bench) outcome {
	var text []string
	for _, c := range []struct {
		name    string
		signals []syscall.Signal
	}{
		{"SIGTERM", []syscall.Signal{syscall.SIGTERM}}, {"SIGTERM twice", []syscall.Signal{syscall.SIGTERM, syscall.SIGTERM}},
		{"SIGINT", []syscall.Signal{syscall.SIGINT}}, {"SIGHUP", []syscall.Signal{syscall.SIGHUP}},
	} {
		o := b.inMotion(ctx, rigOptions{}, func(r *rig) outcome { return r.terminatedBy(ctx, c.signals) })
		text = append(text, c.name+" "+o.Measured)
		if o.Verdict != passed {
			return measured(false, "%s", strings.Join(text, "; "))
		}
	}
	return measured(true, "%s", strings.Join(text, "; "))
}

func (r *rig) terminatedBy(ctx context.Context, signals []syscall.Signal) outcome {
	at := now()
	for _, s := range signals {
		if err := r.daemon.signal(s); err != nil {
			return broken(err)
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return broken(err)
		}
	}
	if err := r.daemon.wait(10 * time.Second); err != nil {
		return broken(err)
	}
	ended := now() - at
	stopped, err := r.stopped(ctx, at)
	if err != nil {
		return broken(err)
	}
	ok := stopped.after <= time.Second && ended <= 5*time.Second && r.daemon.exit() == 0
	return measured(ok, "stop %.0f ms, exit %d after %.2f s", ms(stopped.after), r.daemon.exit(), ended.Seconds())
}

// refusesToStart runs the daemon on a configuration that cannot work: it must say why in one line, in time.
func (b *bench) refusesToStart(ctx context.Context, config string, within time.Duration, says ...string) outcome {
	r, err := b.newRig(ctx, rigOptions{noDaemon: true})
	if err != nil {
		return broken(err)
	}
	defer r.close()
	text, err := os.ReadFile(r.config)
	if err != nil {
		return broken(err)
	}
	path := filepath.Join(r.dir, "bad.yaml")
	if err := os.WriteFile(path, append(text, config...), 0o600); err != nil {
		return broken(err)
	}
	at := now()
	if r.daemon, err = start(nil, b.binary, "run", "-config", path); err != nil {
		return broken(err)
	}
	if err := r.daemon.wait(30 * time.Second); err != nil {
		return broken(err)
	}
	took := now() - at
	line := refusal(r.daemon.said.String())
	for _, want := range says {
		if !strings.Contains(line, want) {
			return measured(false, "exit %d after %.2f s, and %q does not name %s", r.daemon.exit(), took.Seconds(), line, want)
		}
	}
	return measured(r.daemon.exit() > 0 && took <= within, "exit %d after %.2f s: %.120s", r.daemon.exit(), took.Seconds(), line)
}

// refusal is the line that a command ends with.
func refusal(said string) string {
	for _, line := range strings.Split(said, "\n") {
		if text, ok := strings.CutPrefix(line, "sim2reald: "); ok {
			return text
		}
	}
	return ""
}

// cameraAbsent names a video device that is not there.
func cameraAbsent(ctx context.Context, b *bench) outcome {
	return b.refusesToStart(ctx, "cameras: [{name: default, source: /dev/video97}]\n", 2*time.Second, "/dev/video97", "cameras[0].source")
}

// gpuAbsent asks for a GPU where there is none, or no library for it.
func gpuAbsent(ctx context.Context, b *bench) outcome {
	if _, err := os.Stat("/dev/nvidia0"); err == nil {
		return needs("a machine without a GPU")
	}
	return b.refusesToStart(ctx, "engine: {device: cuda}\n", 5*time.Second, "cuda")
}

// hog is the environment variable under which this program burns a core until its parent ends it.
const hog = "FAULTS_HOG"

// burn uses a core and nothing else.
func burn() {
	for x := uint64(1); ; x = x*6364136223846793005 + 1442695040888963407 {
		if x == 0 {
			return // it never is: the generator has no such cycle from 1 that ends in time
		}
	}
}

// coresTaken runs two busy processes for each core.
func coresTaken(ctx context.Context, b *bench) outcome {
	return b.inMotion(ctx, rigOptions{}, func(r *rig) outcome {
		program, err := os.Executable()
		if err != nil {
			return broken(err)
		}
		var hogs []*process
		defer func() {
			for _, h := range hogs {
				h.kill()
			}
		}()
		for range 2 * runtime.NumCPU() {
			h, err := start([]string{hog + "=1"}, program)
			if err != nil {
				return broken(err)
			}
			hogs = append(hogs, h)
		}
		if err := pause(ctx, time.Duration(b.count(8, 60))*time.Second); err != nil {
			return broken(err)
		}
		s, err := r.status(ctx)
		if err != nil {
			return broken(err)
		}
		if err := r.safe(); err != nil {
			return broken(err)
		}
		return measured(true, "0 limits passed; %d overruns counted, daemon %s %s", s.Overruns, s.Mode, s.Why)
	})
}
