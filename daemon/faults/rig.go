package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sim2reald/daemon/topic"
)

// rigOptions say what a case wants differently.
type rigOptions struct {
	embedded    bool   // the daemon's own broker instead of a mosquitto
	proxied     bool   // the daemon reaches its broker through a proxy
	config      string // more of the daemon's configuration, YAML
	robot       string // more of its section robot, YAML, which begins with a comma
	bundle      string // instead of the suite's
	noDaemon    bool
	armArgs     []string
	environment []string // of the daemon
	mqtt        string   // more of the daemon's section mqtt, YAML, which begins with a comma
	broker      string   // more of mosquitto's configuration, instead of letting everybody in
}

// rig is a broker, an arm and a daemon as processes, and a recorder.
type rig struct {
	*tap
	b       *bench
	opts    rigOptions
	dir     string
	address string // of the broker
	page    string
	config  string // file
	broker  *process
	proxy   *proxy
	arm     *arm
	daemon  *process
	resets  int
	waited  time.Duration // by the arm's process, when its motion began
}

// newRig starts all of it and waits until the daemon serves, disarmed.
func (b *bench) newRig(ctx context.Context, opts rigOptions) (*rig, error) {
	dir, err := os.MkdirTemp(b.dir, "rig")
	if err != nil {
		return nil, err
	}
	r := &rig{b: b, opts: opts, dir: dir}
	if err := r.open(ctx); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *rig) open(ctx context.Context) (err error) {
	if r.address, err = freeAddress(); err != nil {
		return err
	}
	if r.page, err = freeAddress(); err != nil {
		return err
	}
	if !r.opts.embedded {
		if r.broker, err = startBroker(ctx, r.dir, r.address, r.opts.broker); err != nil {
			return err
		}
	}
	if err := r.writeConfig(); err != nil {
		return err
	}
	if err := r.startDaemon(ctx); err != nil {
		return err
	}
	if r.tap, err = newTap(ctx, r.address); err != nil {
		return err
	}
	if err := r.startArm(ctx); err != nil || r.opts.noDaemon {
		return err
	}
	return r.awaitMode(ctx, "disarmed", 60*time.Second)
}

// writeConfig says which broker the daemon uses: the rig's, by itself or through the proxy.
func (r *rig) writeConfig() (err error) {
	mqtt := fmt.Sprintf("{broker: %q%s}", r.address, r.opts.mqtt)
	switch {
	case r.opts.embedded:
		mqtt = fmt.Sprintf("{broker: embedded, listen: %q}", r.address)
	case r.opts.proxied:
		if r.proxy, err = startProxy(r.address); err != nil {
			return err
		}
		mqtt = fmt.Sprintf("{broker: %q}", r.proxy.address())
	}
	files, err := r.b.policy()
	if err != nil {
		return err
	}
	bundle := files.bundle
	if r.opts.bundle != "" {
		bundle = r.opts.bundle
	}
	text := fmt.Sprintf("robot: {name: %s%s}\nmqtt: %s\nweb: {listen: %q}\npolicy: {base: %q, bundle: %q, folder: %q}\n%s",
		robotName, r.opts.robot, mqtt, r.page, files.base, bundle, filepath.Dir(files.bundle), r.opts.config)
	r.config = filepath.Join(r.dir, "sim2reald.yaml")
	return os.WriteFile(r.config, []byte(text), 0o600)
}

func (r *rig) startDaemon(ctx context.Context) (err error) {
	if r.opts.noDaemon {
		return nil
	}
	if r.daemon, err = start(r.opts.environment, r.b.binary, "run", "-config", r.config); err != nil || !r.opts.embedded {
		return err
	}
	return eventually(ctx, 30*time.Second, "the embedded broker", func() bool { return listens(r.address) || !r.daemon.alive() })
}

// startArm starts the bridge, or another one after the one before was ended, and waits for its factsheet.
func (r *rig) startArm(ctx context.Context) (err error) {
	from := now()
	if r.arm, err = startArm(r.b, r.address, filepath.Join(r.dir, "arm.log"), r.opts.armArgs...); err != nil {
		return err
	}
	err = eventually(ctx, 60*time.Second, "the arm's factsheet", func() bool {
		return len(r.since("factsheet", from)) > 0 || !r.arm.alive()
	})
	if err == nil && !r.arm.alive() {
		err = errors.New("the arm ended")
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, r.arm.lastLines(3))
	}
	return nil
}

// close ends all processes, the ones that listen before the ones that are listened to.
func (r *rig) close() {
	if r.tap != nil && r.tap.client != nil {
		r.tap.close()
	}
	for _, p := range []*process{r.daemon, r.armProcess(), r.broker} {
		if p != nil {
			p.end(3 * time.Second)
		}
	}
	if r.proxy != nil {
		_ = r.proxy.Close()
	}
}

func (r *rig) armProcess() *process {
	if r.arm == nil {
		return nil
	}
	return r.arm.process
}

// ask does a request of the page's; an error is the refusal.
func (r *rig) ask(ctx context.Context, kind string, fault uint64) error {
	url := fmt.Sprintf("http://%s/request/%s?fault=%d", r.page, kind, fault)
	code, text, err := r.do(ctx, http.MethodPost, url)
	if err == nil && code >= 300 {
		err = fmt.Errorf("%s: %d %s", kind, code, strings.TrimSpace(text))
	}
	return err
}

func (r *rig) do(ctx context.Context, method, url string) (int, string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return 0, "", err
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

// status asks the page: it needs no broker.
func (r *rig) status(ctx context.Context) (topic.Status, error) {
	var s topic.Status
	_, text, err := r.do(ctx, http.MethodGet, "http://"+r.page+"/status")
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal([]byte(text), &s)
}

// mode is empty while the daemon does not answer.
func (r *rig) mode(ctx context.Context) string {
	s, err := r.status(ctx)
	if err != nil {
		return ""
	}
	return s.Mode
}

func (r *rig) awaitMode(ctx context.Context, mode string, patience time.Duration) error {
	err := eventually(ctx, patience, "mode "+mode, func() bool { return r.mode(ctx) == mode || !r.daemon.alive() })
	if err == nil && !r.daemon.alive() {
		err = errors.New("the daemon ended")
	}
	if err == nil {
		return nil
	}
	if r.arm != nil && !r.arm.alive() {
		err = fmt.Errorf("%w; the arm has ended: %s", err, r.arm.lastLines(1))
	}
	s, _ := r.status(ctx) // without an answer the mode is empty, which says so
	return fmt.Errorf("%w: mode %q, %s; the daemon says: %s", err, s.Mode, s.Why, r.daemon.lastLines(3))
}
