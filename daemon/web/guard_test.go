package web

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestSlowClients sends what never ends from many connections: each is cut off soon after its time, and meanwhile the
// page answers everybody else.
func TestSlowClients(t *testing.T) {
	for name, c := range map[string]struct {
		sends   string
		clients int
		limit   time.Duration
	}{
		"headers":      {"POST /request/arm HTTP/1.1\r\nHost: localhost\r\nX-", 500, headerTimeout},
		"nothing":      {"", 50, headerTimeout},
		"half a body":  {"POST /request/arm HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nx", 50, bodyTimeout},
		"chunks":       {"POST /request/arm HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", 50, bodyTimeout},
		"another site": {"POST /request/arm HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nContent-Length: 99\r\n\r\nx", 50, bodyTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, func(Request) error { t.Error("something was asked for"); return nil })
			began := time.Now()
			var clients sync.WaitGroup
			for range c.clients {
				conn, err := net.Dial("tcp", s.addr)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if _, err := io.WriteString(conn, c.sends); err != nil {
					t.Fatal(err)
				}
				clients.Go(func() {
					_, _ = io.Copy(io.Discard, conn) // until the server closes
				})
			}
			answer, err := http.Get(s.URL() + "status")
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if took := time.Since(began); answer.StatusCode != 200 || took > 2*c.limit {
				t.Errorf("status %d after %v beside slow clients", answer.StatusCode, took)
			}
			clients.Wait()
			if took := time.Since(began); took > 3*c.limit {
				t.Errorf("the last was cut off after %v, want %v and the time it took to connect", took, c.limit)
			}
		})
	}
}

// TestLongBodies: a request has none, and one beyond the bound is refused, whether it says its length or not.
func TestLongBodies(t *testing.T) {
	s := start(t, func(Request) error { return nil })
	for name, c := range map[string]struct {
		body io.Reader
		want int
	}{
		"a short one": {strings.NewReader("{}"), 204},
		"64 KiB":      {bytes.NewReader(make([]byte, maxBody)), 204},
		"a byte more": {bytes.NewReader(make([]byte, maxBody+1)), 413},
		"in chunks":   {io.MultiReader(bytes.NewReader(make([]byte, maxBody)), strings.NewReader("x")), 413},
		"64 MiB":      {bytes.NewReader(make([]byte, 64<<20)), 413},
		"none":        {nil, 204},
	} {
		answer, err := http.Post(s.URL()+"request/arm", "application/octet-stream", c.body)
		if err != nil {
			if c.want == 413 { // the server has closed before all of it was sent
				continue
			}
			t.Fatalf("%s: %v", name, err)
		}
		answer.Body.Close()
		if answer.StatusCode != c.want {
			t.Errorf("%s: status %d, want %d", name, answer.StatusCode, c.want)
		}
	}
}

// TestLongHeaders are not kept.
func TestLongHeaders(t *testing.T) {
	s := start(t, func(Request) error { t.Error("something was asked for"); return nil })
	r, err := http.NewRequest("POST", s.URL()+"request/arm", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Long", strings.Repeat("x", 64<<10))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return // closed before all was sent
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", answer.StatusCode)
	}
}

// TestNoGetAsks: nothing that a link can do asks for anything.
func TestNoGetAsks(t *testing.T) {
	s := &Server{opts: Options{
		Status: func() any { return nil }, Picture: func(string) (Picture, bool) { return Picture{}, false },
		Ask: func(r Request) error { return fmt.Errorf("%s was asked for", r.Kind) },
	}}
	handler := s.guard(s.routes())
	for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
		for _, path := range []string{"/", "/request/arm", "/request/arm?_method=POST", "//request/arm", "/request/../request/arm", "/status", "/camera/x", "/REQUEST/arm"} {
			r := httptest.NewRequest(method, "http://localhost"+path, nil)
			r.Header.Set("X-HTTP-Method-Override", "POST")
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if strings.Contains(w.Body.String(), "asked for") {
				t.Errorf("%s %s: %s", method, path, w.Body)
			}
		}
	}
}
