package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// errPeer is wrapped by whatever a peer says that cannot be used.
var errPeer = errors.New("peer")

// maxReply bounds a peer's line: features are a few thousand numbers.
const maxReply = 1 << 20

// ask is one line to a peer.
type ask struct {
	Do       string `json:"do"`             // "load", "run", "output", "weights" or "export"
	Kind     string `json:"kind,omitempty"` // load: "onnxruntime", "eager", "eager-cuda", "compile"
	Backbone string `json:"backbone,omitempty"`
	Side     int    `json:"side,omitempty"`    // pixels
	Weights  string `json:"weights,omitempty"` // safetensors file
	Input    string `json:"input,omitempty"`   // file of float32, (1, 3, side, side), little-endian
	ONNX     string `json:"onnx,omitempty"`
	Threads  int    `json:"threads,omitempty"`
	Times    int    `json:"times,omitempty"`
	Seed     uint64 `json:"seed,omitempty"`
}

// reply is one line from a peer.
type reply struct {
	Error  string    `json:"error"`
	Says   string    `json:"says"`
	NS     []int64   `json:"ns"`
	Values []float32 `json:"values"`
}

// decodeReply reads one line strictly; a peer's own error is an error.
func decodeReply(line []byte) (reply, error) {
	var r reply
	if len(line) > maxReply {
		return r, fmt.Errorf("%w: line of %d bytes, at most %d", errPeer, len(line), maxReply)
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return reply{}, fmt.Errorf("%w: line %.80q: %w", errPeer, line, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return reply{}, fmt.Errorf("%w: line %.80q goes on after its object", errPeer, line)
	}
	if r.Error != "" {
		return reply{}, fmt.Errorf("%w: %s", errPeer, oneLine(r.Error))
	}
	for _, ns := range r.NS {
		if ns <= 0 {
			return reply{}, fmt.Errorf("%w: a run of %d ns", errPeer, ns)
		}
	}
	return r, nil
}

// peer is a contender in a process of its own: other libraries' threads cannot be told apart from ours in
// one process.
type peer struct {
	to   io.WriteCloser
	from *bufio.Scanner
	wait func() error
	says string
}

// newPeer speaks over two streams.
func newPeer(to io.WriteCloser, from io.Reader, wait func() error) *peer {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxReply+1)
	return &peer{to: to, from: lines, wait: wait}
}

// command is how a peer is started.
type command struct {
	args, env []string
	log       io.Writer // of what it says on its standard error
	greets    bool      // it says a line before it is asked for anything
}

// start starts a process and has it do its first job. The job's threads are also set in the environment, where
// OpenMP looks once.
func (c command) start(first ask) (*peer, error) {
	cmd := exec.Command(c.args[0], c.args[1:]...)
	cmd.Env = append(append(os.Environ(), c.env...), "OMP_NUM_THREADS="+strconv.Itoa(first.Threads))
	cmd.Stderr = c.log
	// Ctrl-C is for this program alone: a peer that died of it would take its rows along.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	to, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	from, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.args[0], err)
	}
	p := newPeer(to, from, cmd.Wait)
	if err := p.begin(c.greets, first); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// begin takes the greeting, if there is one, and has the first job done.
func (p *peer) begin(greets bool, first ask) error {
	if greets {
		if err := p.greeting(); err != nil {
			return err
		}
	}
	r, err := p.ask(first)
	p.says = r.Says
	return err
}

// greeting reads a line that says what was loaded in words of its own, or the error that it was not.
func (p *peer) greeting() error {
	line, err := p.line("starting")
	if err != nil {
		return err
	}
	var r struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return fmt.Errorf("%w: greeting %.80q: %w", errPeer, line, err)
	}
	if r.Error != "" {
		return fmt.Errorf("%w: %s", errPeer, oneLine(r.Error))
	}
	return nil
}

// ask sends one line and reads one.
func (p *peer) ask(a ask) (reply, error) {
	line, err := json.Marshal(a)
	if err != nil {
		return reply{}, err
	}
	if _, err := p.to.Write(append(line, '\n')); err != nil {
		return reply{}, fmt.Errorf("%w: asking for %s: %w", errPeer, a.Do, err)
	}
	if line, err = p.line(a.Do); err != nil {
		return reply{}, err
	}
	return decodeReply(line)
}

// line reads one line, good until the next.
func (p *peer) line(doing string) ([]byte, error) {
	if p.from.Scan() {
		return p.from.Bytes(), nil
	}
	err := p.from.Err()
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return nil, fmt.Errorf("%w: %s: it ended without an answer: %w", errPeer, doing, err)
}

// Run is a contender's.
func (p *peer) Run(n int) ([]time.Duration, error) {
	r, err := p.ask(ask{Do: "run", Times: n})
	if err != nil {
		return nil, err
	}
	if len(r.NS) != n {
		return nil, fmt.Errorf("%w: %d times for %d runs", errPeer, len(r.NS), n)
	}
	times := make([]time.Duration, n)
	for i, ns := range r.NS {
		times[i] = time.Duration(ns)
	}
	return times, nil
}

// Output is a contender's.
func (p *peer) Output() ([]float32, error) {
	r, err := p.ask(ask{Do: "output"})
	return r.Values, err
}

// Close is a contender's: the process ends when its input does.
func (p *peer) Close() error { return errors.Join(p.to.Close(), p.wait()) }
