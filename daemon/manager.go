package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"sim2reald/daemon/control"
)

// manager is the service manager, systemd or what speaks like it, as far as the daemon tells it anything. Without one,
// nothing is told to nobody.
type manager struct {
	log      *slog.Logger
	watchdog time.Duration // it ends a daemon that says nothing for so long; 0 for never
	told     string        // the status it has
	fed      time.Time     // when it last heard that the loop goes round
	lost     bool          // that it does not listen has been logged
}

// openManager reads what the manager has put into the environment.
func openManager(log *slog.Logger) (*manager, error) {
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return nil, fmt.Errorf("WATCHDOG_USEC: %w; let systemd set it, with WatchdogSec in the unit", err)
	}
	if watchdog > 0 && watchdog < 4*control.AliveEvery {
		return nil, fmt.Errorf("WATCHDOG_USEC: %v is too short for a loop that is heard every %v; set WatchdogSec to %v or more",
			watchdog, control.AliveEvery, 4*control.AliveEvery)
	}
	return &manager{log: log, watchdog: watchdog}, nil
}

// tell sends assignments to the notify socket, if there is one.
func (m *manager) tell(assignments string) {
	if _, err := daemon.SdNotify(false, assignments); err != nil && !m.lost {
		m.log.Warn("the service manager does not listen", "cause", err)
		m.lost = true
	}
}

// status tells what a person reads in `systemctl status`, if it is new.
func (m *manager) status(text string) {
	if text != m.told {
		m.told = text
		m.tell("STATUS=" + text)
	}
}

// during says that the daemon is ready, and that it stops once run has returned. Meanwhile each sign of life of the
// loop, and nothing else, feeds the watchdog; inWords is the mode and what is latched.
func (m *manager) during(ctx context.Context, alive <-chan struct{}, inWords func() string, run func(context.Context) error) error {
	m.status(inWords())
	m.tell(daemon.SdNotifyReady)
	var follower sync.WaitGroup
	following, stop := context.WithCancel(context.WithoutCancel(ctx)) // while it stops, it is watched still
	follower.Go(func() { m.follow(following, alive, inWords) })
	err := run(ctx)
	stop()
	follower.Wait()
	m.tell(daemon.SdNotifyStopping)
	return err
}

func (m *manager) follow(ctx context.Context, alive <-chan struct{}, inWords func() string) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-alive:
			m.feed(time.Now())
			m.status(inWords())
		}
	}
}

// feed tells the watchdog, four times as often as it must hear.
func (m *manager) feed(now time.Time) {
	if m.watchdog > 0 && now.Sub(m.fed) >= m.watchdog/4 {
		m.fed = now
		m.tell(daemon.SdNotifyWatchdog)
	}
}
