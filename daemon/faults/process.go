package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a child of the suite. What it says is kept.
type process struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	said  *transcript
	done  chan struct{} // closed when it has ended
	err   error         // of its end, after done
}

// transcript keeps the output of a process; it may be read while it grows.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

// String is all that was said so far.
func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// start runs a program in a group of its own, so that Ctrl-C reaches the suite alone, which then ends it.
func start(environment []string, program string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(program, args...), said: new(transcript), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), environment...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", program, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// signal sends s; a process that has ended is an error.
func (p *process) signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// kill ends it as a power cut would, and waits.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // an error means that it has ended
	<-p.done
}

// end asks it to end, and kills it when it does not in time.
func (p *process) end(patience time.Duration) {
	_ = p.signal(syscall.SIGCONT)
	_ = p.signal(syscall.SIGTERM)
	if p.wait(patience) != nil {
		p.kill()
	}
}

// wait is nil once it has ended, whatever its exit status.
func (p *process) wait(patience time.Duration) error {
	select {
	case <-p.done:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("process %d did not end within %v", p.pid(), patience)
	}
}

func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// exit is its status: the code, or -1 for a signal.
func (p *process) exit() int { return p.cmd.ProcessState.ExitCode() }

// lastLines is the end of what it said, for a message.
func (p *process) lastLines(n int) string {
	lines := strings.Split(strings.TrimSpace(p.said.String()), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], " | ")
}

// resident is a process's memory in bytes.
func resident(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// waited is how long a process's main thread was ready to run and got no processor, in all.
func waited(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text)) // on a processor, waiting for one, in ns, and how often
	if len(fields) != 3 {
		return 0, fmt.Errorf("/proc/%d/schedstat says %q, want three numbers", pid, text)
	}
	ns, err := strconv.ParseInt(fields[1], 10, 64)
	return time.Duration(ns), err
}

// descriptors counts a process's open files.
func descriptors(pid int) (int, error) {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return len(entries), err
}

// threads counts a process's threads.
func threads(pid int) (int, error) {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	return len(entries), err
}

// freeAddress is a loopback address that nobody listens on, below the ports that the kernel gives to clients: one of
// those could take it before the process that it is for, or while that is being started again.
func freeAddress() (string, error) {
	var err error
	for range 100 {
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 12_000+rand.IntN(18_000))); err == nil {
			_ = l.Close()
			return l.Addr().String(), nil
		}
	}
	return "", err
}

func listens(address string) bool {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}
