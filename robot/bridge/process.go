// Package bridge starts a bridge of this repository, the Python package beside this file, as a child process.
//
// What belongs here: the process and its command line. What does not: the messages (daemon/topic), and the
// simulators, which are Python. A bridge of a real robot is started by its own service, not by the daemon.
package bridge

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Options become the bridge's command line.
type Options struct {
	Command []string // interpreter and module; {domain} in it stands for Domain
	Broker  string   // host:port
	Robot   string
	Domain  string
	Task    string   // empty is the domain's own
	Clock   string   // realtime, lockstep
	Cameras []string // published; none is the domain's own
	Horizon int      // control steps of an episode; 0 is the domain's own
	Teacher bool
	RTSP    string    // host:port where the cameras are served instead, real time only; empty: they are topics
	Log     io.Writer // gets the bridge's lines, each with a prefix
}

// Process is a started bridge.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // why, after done
	last string        // its last line, after done
}

const stopPatience = 5 * time.Second

// Start starts it. The bridge ends with this process, however that ends.
func Start(o Options) (*Process, error) {
	words := o.words()
	cmd := exec.Command(words[0], words[1:]...)
	// Its own group: Ctrl-C in a terminal reaches the daemon alone, which then stops the arm before the bridge.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	lines, err := cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("starting the bridge: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the bridge of domain %s: %w; `make setup` makes the environment of every domain that there is; or set bridge.command", o.Domain, err)
	}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	go p.follow(lines, o.Log)
	return p, nil
}

// words are the command line, the program first.
func (o Options) words() []string {
	var words []string
	for _, w := range o.Command {
		words = append(words, strings.ReplaceAll(w, "{domain}", o.Domain))
	}
	words = append(words, "--broker", o.Broker, "--robot", o.Robot, "--domain", o.Domain,
		"--clock", o.Clock, "--horizon", strconv.Itoa(o.Horizon), "--exit-with-parent")
	if o.Task != "" {
		words = append(words, "--task", o.Task)
	}
	for _, c := range o.Cameras {
		words = append(words, "--camera", c)
	}
	if o.RTSP != "" {
		words = append(words, "--rtsp", o.RTSP)
	}
	if o.Teacher {
		words = append(words, "--teacher")
	}
	return words
}

// follow copies the bridge's lines to the log until it ends.
func (p *Process) follow(lines io.Reader, log io.Writer) {
	scanner := bufio.NewScanner(lines)
	for scanner.Scan() {
		p.last = strings.TrimSpace(scanner.Text())
		fmt.Fprintf(log, "bridge: %s\n", p.last)
	}
	p.err = p.cmd.Wait()
	close(p.done)
}

// Done is closed when the bridge has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says why it ended; it is to be asked after Done.
func (p *Process) Err() error {
	if p.err == nil {
		return fmt.Errorf("the bridge ended: %s", p.last)
	}
	return fmt.Errorf("the bridge ended (%w): %s", p.err, p.last)
}

// Stop asks the bridge to bring its arm to rest and end, and kills it when it does not.
func (p *Process) Stop() error {
	// An error means that it has ended already, which is what is wanted.
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return nil
	case <-time.After(stopPatience):
		_ = p.cmd.Process.Kill()
		<-p.done
		return fmt.Errorf("the bridge did not end within %v of being asked and was killed", stopPatience)
	}
}
