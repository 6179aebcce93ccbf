package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// forged is a request that a page of somebody else's, or a crawler, could make.
type forged struct {
	name, method, path string
	header             map[string]string
	host               string
	want               []int
}

func forgeries() []forged {
	return []forged{
		{"cross-origin POST", http.MethodPost, "/request/stop", map[string]string{"Origin": "http://evil.example"}, "", []int{403}},
		{"cross-site POST", http.MethodPost, "/request/stop", map[string]string{"Sec-Fetch-Site": "cross-site"}, "", []int{403}},
		{"same-site POST", http.MethodPost, "/request/stop", map[string]string{"Sec-Fetch-Site": "same-site"}, "", []int{403}},
		{"rebound host", http.MethodPost, "/request/stop", nil, "evil.example", []int{421}},
		{"rebound host, GET", http.MethodGet, "/status", nil, "evil.example:8080", []int{421}},
		{"GET with a side effect", http.MethodGet, "/request/stop", nil, "", []int{404, 405}},
		{"HEAD with a side effect", http.MethodHead, "/request/stop", nil, "", []int{404, 405}},
		{"WebSocket of another origin", http.MethodGet, "/events/ws", map[string]string{
			"Origin": "http://evil.example", "Connection": "Upgrade", "Upgrade": "websocket",
			"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
		}, "", []int{403, 404}},
	}
}

// forgedRequests tries them all on a daemon in motion, with 500 connections open that never finish a request.
func forgedRequests(ctx context.Context, b *bench) outcome {
	return b.inMotion(ctx, rigOptions{}, func(r *rig) outcome {
		calm, err := r.status(ctx)
		if err != nil {
			return broken(err)
		}
		for _, f := range forgeries() {
			if err := r.refuses(ctx, f); err != nil {
				return broken(err)
			}
		}
		const slow = 500
		closed, err := r.slowloris(ctx, slow)
		if err != nil {
			return broken(err)
		}
		s, err := r.status(ctx)
		if err != nil {
			return broken(err)
		}
		if s.Mode != "running" {
			return broken(fmt.Errorf("the daemon is %s, %s", s.Mode, s.Why))
		}
		if err := r.safe(); err != nil {
			return broken(err)
		}
		ok := closed == slow && s.Overruns-calm.Overruns <= 5
		return measured(ok, "%d of %d forgeries refused; %d of %d slow connections closed, %d ticks missed meanwhile, still running",
			len(forgeries()), len(forgeries()), closed, slow, s.Overruns-calm.Overruns)
	})
}

func (r *rig) refuses(ctx context.Context, f forged) error {
	q, err := http.NewRequestWithContext(ctx, f.method, "http://"+r.page+f.path, nil)
	if err != nil {
		return err
	}
	for name, value := range f.header {
		q.Header.Set(name, value)
	}
	if f.host != "" {
		q.Host = f.host
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	_ = answer.Body.Close()
	for _, code := range f.want {
		if answer.StatusCode == code {
			return nil
		}
	}
	return fmt.Errorf("%s: answered %d, want one of %v", f.name, answer.StatusCode, f.want)
}

// slowloris opens connections that say half a request, and counts those that the server closes within 10 s.
func (r *rig) slowloris(ctx context.Context, n int) (closed int, err error) {
	conns := make([]net.Conn, 0, n)
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	for range n {
		c, err := net.Dial("tcp", r.page)
		if err != nil {
			return 0, err
		}
		conns = append(conns, c)
		if _, err := io.WriteString(c, "POST /request/stop HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "); err != nil {
			return 0, err
		}
	}
	deadline := time.Now().Add(10 * time.Second)
	for _, c := range conns {
		if err := c.SetReadDeadline(deadline); err != nil {
			return closed, err
		}
		text, err := io.ReadAll(c)
		if err == nil || !strings.Contains(err.Error(), "timeout") {
			closed++
		}
		if strings.Contains(string(text), " 2") && strings.HasPrefix(string(text), "HTTP/1.1 2") {
			return closed, fmt.Errorf("half a request was answered: %.60s", text)
		}
	}
	return closed, ctx.Err()
}
