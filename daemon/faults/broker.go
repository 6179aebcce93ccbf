package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// mosquitto finds the program of a real broker.
func mosquitto() (string, error) {
	for _, name := range []string{"mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("mosquitto is missing; `make setup-test` installs it")
}

// startBroker runs a real mosquitto on an address until it is ended. more is added to its configuration.
func startBroker(ctx context.Context, dir, address, more string) (*process, error) {
	program, err := mosquitto()
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "mosquitto.conf")
	text := fmt.Sprintf("listener %s %s\nset_tcp_nodelay true\n%s", port, host, more)
	if more == "" {
		text += "allow_anonymous true\n"
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return nil, err
	}
	p, err := start(nil, program, "-c", path)
	if err != nil {
		return nil, err
	}
	if err := eventually(ctx, 10*time.Second, "mosquitto on "+address, func() bool { return listens(address) || !p.alive() }); err != nil {
		p.kill()
		return nil, err
	}
	if !p.alive() {
		return nil, fmt.Errorf("mosquitto ended: %s", p.lastLines(3))
	}
	return p, nil
}
