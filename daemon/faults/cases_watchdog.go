package main

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"sim2reald/daemon/control"
	"sim2reald/daemon/faults/stall"
)

// watchdogOf is WatchdogSec of the unit.
const watchdogOf = time.Second

// notify plays the service manager: its socket, and what the daemon tells it.
type notify struct {
	socket *net.UnixConn
	path   string

	mu   sync.Mutex
	last moment // of WATCHDOG=1
}

func newNotify(dir string) (*notify, error) {
	n := &notify{path: filepath.Join(dir, "notify")}
	var err error
	if n.socket, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: n.path, Net: "unixgram"}); err != nil {
		return nil, err
	}
	go n.listen()
	return n, nil
}

func (n *notify) listen() {
	var buffer [4096]byte
	for {
		k, err := n.socket.Read(buffer[:])
		if err != nil {
			return // closed
		}
		if strings.Contains(string(buffer[:k]), "WATCHDOG=1") {
			n.mu.Lock()
			n.last = now()
			n.mu.Unlock()
		}
	}
}

func (n *notify) fed() moment {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.last
}

func (n *notify) environment() []string {
	return []string{"NOTIFY_SOCKET=" + n.path, fmt.Sprintf("WATCHDOG_USEC=%d", watchdogOf.Microseconds())}
}

// loopHangs stops the tick's thread alone, as a deadlock would, in motion, and does what systemd does about it.
func loopHangs(ctx context.Context, b *bench) outcome {
	n, err := newNotify(b.dir)
	if err != nil {
		return broken(err)
	}
	defer n.socket.Close()
	return b.inMotion(ctx, rigOptions{environment: n.environment()}, func(r *rig) outcome {
		letGo, err := stall.Thread(r.daemon.pid(), control.ThreadName)
		if err != nil {
			return needs("ptrace: %v", err)
		}
		defer letGo()
		at := now()
		if err := eventually(ctx, 5*time.Second, "silence on the notify socket", func() bool { return now()-n.fed() >= watchdogOf }); err != nil {
			return broken(err)
		}
		last := n.fed()
		if err := r.daemon.signal(syscall.SIGABRT); err != nil {
			return broken(err)
		}
		if err := r.daemon.wait(5 * time.Second); err != nil {
			return broken(err)
		}
		ended := now() - last
		dump := strings.Contains(r.daemon.said.String(), "\ngoroutine ")
		stopped, err := r.stopped(ctx, at)
		if err != nil {
			return broken(err)
		}
		if err := r.restartsDisarmed(ctx); err != nil {
			return broken(err)
		}
		ok := dump && ended <= 1500*time.Millisecond && stopped.after <= restWithin
		return measured(ok, "ended with a dump %.2f s after the last sign of life; arm at rest after %.0f ms; disarmed after restart; the start limit is systemd's", ended.Seconds(), ms(stopped.after))
	})
}
