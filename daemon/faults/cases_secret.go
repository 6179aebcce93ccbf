package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// secret is a password that nobody may ever show.
const secret = "correct-horse-battery-faults"

// secrets gives the daemon a password and looks for it wherever anybody could.
func secrets(ctx context.Context, b *bench) outcome {
	program, err := exec.LookPath("mosquitto_passwd")
	if err != nil {
		return needs("mosquitto_passwd, which comes with mosquitto")
	}
	dir, err := os.MkdirTemp(b.dir, "rig")
	if err != nil {
		return broken(err)
	}
	hashed, plain := filepath.Join(dir, "passwords"), filepath.Join(dir, "mqtt")
	if text, err := exec.CommandContext(ctx, program, "-c", "-b", hashed, robotName, secret).CombinedOutput(); err != nil {
		return broken(fmt.Errorf("mosquitto_passwd: %w: %s", err, text))
	}
	// Started by root, mosquitto becomes a user of its own, who must read its passwords.
	for _, path := range []string{b.dir, dir} {
		if err := os.Chmod(path, 0o755); err != nil {
			return broken(err)
		}
	}
	if err := os.Chmod(hashed, 0o644); err != nil {
		return broken(err)
	}
	if err := os.WriteFile(plain, []byte(secret+"\n"), 0o600); err != nil {
		return broken(err)
	}
	opts := rigOptions{
		broker: fmt.Sprintf("allow_anonymous true\npassword_file %s\n", hashed),
		mqtt:   fmt.Sprintf(", user: %s, password_file: $CREDENTIALS_DIRECTORY/mqtt", robotName), environment: []string{"CREDENTIALS_DIRECTORY=" + dir},
	}
	return b.inMotion(ctx, opts, func(r *rig) outcome {
		if !strings.Contains(r.broker.said.String(), "u'"+robotName+"'") {
			return broken(fmt.Errorf("the daemon is not at the broker as user %s: %s", robotName, r.broker.lastLines(3)))
		}
		r.broker.end(2 * time.Second) // errors about the broker are where a password would slip out
		if err := pause(ctx, 3*time.Second); err != nil {
			return broken(err)
		}
		return r.shows(ctx)
	})
}

// shows looks into all that a stranger could read, and last into what the daemon leaves when it is made to dump.
func (r *rig) shows(ctx context.Context) outcome {
	seen := map[string]string{}
	for _, path := range []string{"/", "/status", "/metrics", "/page.js"} {
		_, text, err := r.do(ctx, http.MethodGet, "http://"+r.page+path)
		if err != nil {
			return broken(err)
		}
		seen["HTTP "+path] = text
	}
	for _, name := range []string{"cmdline", "environ", "comm"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", r.daemon.pid(), name))
		if err != nil {
			return broken(err)
		}
		seen["/proc/"+name] = string(text)
	}
	var wire strings.Builder
	r.mu.Lock()
	for _, h := range r.log {
		wire.Write(h.payload)
	}
	r.mu.Unlock()
	seen["MQTT"] = wire.String()
	if err := r.daemon.signal(syscall.SIGQUIT); err != nil {
		return broken(err)
	}
	if err := r.daemon.wait(5 * time.Second); err != nil {
		return broken(err)
	}
	seen["log and dump"] = r.daemon.said.String()
	for where, text := range seen {
		if strings.Contains(text, secret) {
			return measured(false, "the password stands in %s", where)
		}
	}
	return measured(true, "0 hits in %d places: pages, command line, environment, MQTT, log and dump of goroutines, with the broker lost; core files are systemd's to forbid", len(seen))
}
