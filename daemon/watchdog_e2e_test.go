package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sim2reald/daemon/control"
	"sim2reald/daemon/faults/stall"
	"sim2reald/daemon/topic"
)

// notified is what stands in for systemd: a real notify socket, and a watchdog that sends SIGABRT.
type notified struct {
	t    *testing.T
	mu   sync.Mutex
	told []told
}

// told is one datagram.
type told struct {
	at   time.Time
	text string
}

const watchdogOfTests = time.Second // WatchdogSec of the unit

func newNotified(t *testing.T) *notified {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", fmt.Sprint(watchdogOfTests.Microseconds()))
	n := &notified{t: t}
	go n.listen(socket)
	return n
}

func (n *notified) listen(socket *net.UnixConn) {
	var buffer [4096]byte
	for {
		k, err := socket.Read(buffer[:])
		if err != nil {
			return // closed by the test's end
		}
		n.mu.Lock()
		n.told = append(n.told, told{time.Now(), string(buffer[:k])})
		n.mu.Unlock()
	}
}

// since are the times at which text was told.
func (n *notified) since(at time.Time, text string) (times []time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.told {
		if s.text == text && s.at.After(at) {
			times = append(times, s.at)
		}
	}
	return times
}

func (n *notified) await(text string, since time.Time, patience time.Duration) {
	n.t.Helper()
	eventually(n.t, patience, text, func() bool { return len(n.since(since, text)) > 0 })
}

// fed checks that no pause between two pings comes near the watchdog's.
func (n *notified) fed(name string) {
	n.t.Helper()
	at := time.Now()
	eventually(n.t, 10*time.Second, "2 s of pings", func() bool {
		pings := n.since(at, "WATCHDOG=1")
		return len(pings) > 0 && pings[len(pings)-1].Sub(at) > 2*time.Second
	})
	longest := time.Duration(0)
	for _, ping := range n.since(at, "WATCHDOG=1") {
		longest, at = max(longest, ping.Sub(at)), ping
	}
	n.t.Logf("%s: at most %v between two pings of a watchdog of %v", name, longest, watchdogOfTests)
	if longest > watchdogOfTests*3/4 {
		n.t.Errorf("%s: %v between two pings", name, longest)
	}
}

// bark does what systemd does: SIGABRT when the last ping is too long ago. It returns when that ping was.
func (n *notified) bark(pid int) time.Time {
	n.t.Helper()
	var last time.Time
	eventually(n.t, 10*time.Second, "silence on the notify socket", func() bool {
		pings := n.since(time.Time{}, "WATCHDOG=1")
		last = pings[len(pings)-1]
		return time.Since(last) >= watchdogOfTests
	})
	if err := syscall.Kill(pid, syscall.SIGABRT); err != nil {
		n.t.Fatal(err)
	}
	return last
}

// watched is a daemon whose stderr is kept.
func watched(t *testing.T, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(os.Args[0], args...)
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(cmd) })
	return cmd, &stderr
}

// rigForWatchdog is a broker and a bridge, and the arguments of a daemon for them.
func rigForWatchdog(t *testing.T, clock string) (page, broker string, args []string) {
	t.Helper()
	cfg := rigConfig(t)
	cfg.Bridge.Clock = clock
	b, err := topic.StartBroker("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	page = freePort(t)
	path := configFile(t, fmt.Sprintf("mqtt: {broker: %q}\nweb: {listen: %q}\n", b.Address(), page))
	bridgeProcess(t, cfg, b.Address())
	return page, b.Address(), []string{"run", "-config", path}
}

// TestWatchdog stops the control loop's thread alone, in a daemon that knows nothing of it: the watchdog must find out,
// and the daemon that comes after is disarmed.
func TestWatchdog(t *testing.T) {
	n := newNotified(t)
	page, broker, args := rigForWatchdog(t, "realtime")
	daemon, stderr := watched(t, args...)
	n.await("READY=1", time.Time{}, 60*time.Second)
	if len(n.since(time.Time{}, "STATUS=waiting for the bridge of robot kitchen")) == 0 {
		t.Error("nothing was said while it started")
	}
	n.await("STATUS=disarmed", time.Time{}, time.Second)
	n.fed("disarmed")
	armed(t, newTap(t, broker), n)

	stuckLoop(t, daemon.Process.Pid)
	stuck := time.Now()
	if r, err := http.Get("http://" + page + "/"); err != nil || r.Body.Close() != nil || r.StatusCode != http.StatusOK {
		t.Errorf("more is stuck than the loop: %v", err)
	}
	last := n.bark(daemon.Process.Pid)
	err := wait(t, daemon, 5*time.Second)
	var exit *exec.ExitError
	if after := time.Since(last); !errors.As(err, &exit) || after > 1500*time.Millisecond {
		t.Errorf("ended %v after the last ping with %v, want a failure within 1.5 s", after, err)
	} else {
		t.Logf("ended %v after the last ping, %v after the loop was stopped, with %v", after, time.Since(stuck), err)
	}
	for _, want := range []string{"SIGABRT: abort", "goroutine ", "tickUntilRest"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("no %q in what it left: %.2000s", want, stderr)
		}
	}
	again := time.Now()
	core := aCore(t)
	path := configFile(t, fmt.Sprintf("mqtt: {broker: %q}\nweb: {listen: %q}\nrealtime: {core: %q}\n", broker, page, core))
	daemon, _ = watched(t, "run", "-config", path)
	n.await("READY=1", again, 60*time.Second)
	n.await("STATUS=disarmed", again, time.Second)
	n.fed("disarmed again")
	onlyTick(t, daemon.Process.Pid, core)
}

// stuckLoop stops the control loop's thread of a process, until the test ends.
func stuckLoop(t *testing.T, pid int) {
	t.Helper()
	letGo, err := stall.Thread(pid, control.ThreadName)
	if errors.Is(err, syscall.EPERM) && os.Getenv("SIM2REALD_ALL") == "" {
		t.Skipf("%v: this machine lets no process trace its children (kernel.yama.ptrace_scope)", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(letGo)
}

// armed sees the watchdog fed and the mode told while the daemon is armed.
func armed(t *testing.T, p *tap, n *notified) {
	t.Helper()
	p.begin("watched", seedOfTests)
	at := time.Now()
	eventually(t, 30*time.Second, "arm to be granted", func() bool { return p.request("arm", 0).Done })
	n.await("STATUS=armed", at, 2*time.Second)
	n.fed("armed")
}

// TestWatchdogInLockstep has a loop that nothing asks anything of.
func TestWatchdogInLockstep(t *testing.T) {
	n := newNotified(t)
	_, _, args := rigForWatchdog(t, "lockstep")
	daemon, _ := watched(t, args...)
	n.await("READY=1", time.Time{}, 60*time.Second)
	n.fed("idle in lock-step")
	if err := daemon.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := wait(t, daemon, 5*time.Second); err != nil {
		t.Errorf("exit: %v", err)
	}
	n.await("STOPPING=1", time.Time{}, time.Second)
}

// TestSignals asks a service in motion to end, each in another way.
func TestSignals(t *testing.T) {
	hangUp := make(chan os.Signal, 1) // whoever runs tests under nohup has it ignored, and so would the daemons have
	signal.Notify(hangUp, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(hangUp) })
	for _, signals := range [][]syscall.Signal{{syscall.SIGTERM, syscall.SIGTERM}, {syscall.SIGINT}, {syscall.SIGHUP}} {
		t.Run(fmt.Sprint(signals), func(t *testing.T) {
			s := newService(t)
			s.awaitMode("disarmed", 60*time.Second)
			s.move("ends")
			at := time.Now()
			for _, signal := range signals {
				if err := s.daemon.Process.Signal(signal); err != nil {
					t.Fatal(err)
				}
			}
			eventually(t, time.Second, "a standing arm", func() bool { return !s.newestState().Moving })
			t.Logf("at rest after %v", time.Since(at))
			if err := wait(t, s.daemon, 5*time.Second-time.Since(at)); err != nil {
				t.Errorf("exit: %v", err)
			}
			t.Logf("ended after %v", time.Since(at))
		})
	}
}

// TestEndsThoughStuck asks a daemon to end whose loop cannot, where no service manager would end it.
func TestEndsThoughStuck(t *testing.T) {
	n := newNotified(t)
	_, _, args := rigForWatchdog(t, "realtime")
	daemon, stderr := watched(t, args...)
	n.await("READY=1", time.Time{}, 60*time.Second)
	n.await("WATCHDOG=1", time.Time{}, time.Second)
	stuckLoop(t, daemon.Process.Pid)
	at := time.Now()
	if err := daemon.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = wait(t, daemon, 5*time.Second)
	t.Logf("ended after %v", time.Since(at))
	if got := daemon.ProcessState.ExitCode(); got != exitFailed {
		t.Errorf("ends with %d, want %d", got, exitFailed)
	}
	for _, want := range []string{"did not end by itself", "tickUntilRest"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("no %q in what it left: %.2000s", want, stderr)
		}
	}
}
