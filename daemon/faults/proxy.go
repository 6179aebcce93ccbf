package main

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// proxy is a TCP connection that can go bad: while it is stalled, bytes are taken from neither side, as through a cable
// that was pulled, and no connection ends.
type proxy struct {
	listener net.Listener
	target   string
	stalled  atomic.Bool
	accepted atomic.Int64

	mu      sync.Mutex
	changed *sync.Cond
	closed  bool
	conns   map[net.Conn]struct{}
	workers sync.WaitGroup
}

// startProxy listens on a free port for connections to target.
func startProxy(target string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, target: target, conns: map[net.Conn]struct{}{}}
	p.changed = sync.NewCond(&p.mu)
	p.workers.Go(p.serve)
	return p, nil
}

func (p *proxy) address() string { return p.listener.Addr().String() }

// stall begins or ends the silence.
func (p *proxy) stall(on bool) {
	p.mu.Lock()
	p.stalled.Store(on)
	p.changed.Broadcast()
	p.mu.Unlock()
}

// cut ends every connection, as a switch does that restarts.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

func (p *proxy) serve() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.accepted.Add(1)
		p.workers.Go(func() { p.join(c) })
	}
}

func (p *proxy) join(from net.Conn) {
	to, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = from.Close()
		return
	}
	if !p.keep(from, to) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.pump(to, from) })
	both.Go(func() { p.pump(from, to) })
	both.Wait()
	p.mu.Lock()
	delete(p.conns, from)
	delete(p.conns, to)
	p.mu.Unlock()
}

// keep remembers two ends; false when the proxy is closed already.
func (p *proxy) keep(ends ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range ends {
		if p.closed {
			_ = c.Close()
			continue
		}
		p.conns[c] = struct{}{}
	}
	return !p.closed
}

func (p *proxy) pump(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		p.awaitFlow()
		if n > 0 {
			if _, werr := to.Write(buffer[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// awaitFlow holds a connection's bytes back while the proxy is stalled.
func (p *proxy) awaitFlow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.stalled.Load() && !p.closed {
		p.changed.Wait()
	}
}

// Close ends all connections and waits for them.
func (p *proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	p.changed.Broadcast()
	p.mu.Unlock()
	err := p.listener.Close()
	p.cut()
	p.workers.Wait()
	return err
}

var _ io.Closer = (*proxy)(nil)
