package web

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

func start(t *testing.T, ask func(Request) error) *Server {
	t.Helper()
	var seq atomic.Uint64
	s, err := Start(Options{
		Listen: "127.0.0.1:0", Hosts: []string{"robot-pc.local"},
		Status: func() any { return map[string]any{"mode": "disarmed"} },
		Picture: func(camera string) (Picture, bool) {
			n := seq.Add(1)
			if n <= 3 { // there is none yet
				return Picture{}, camera == "front"
			}
			return Picture{Seq: n, ContentType: "image/png", Data: []byte{byte(n)}}, camera == "front"
		},
		Ask: ask,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// sitting is a calibration of which nothing is there but what was asked.
type sitting struct{ asked string }

func (s *sitting) Shown() any { return map[string]any{"kind": "lens"} }

func (s *sitting) Ask(kind string, view int) error {
	s.asked = fmt.Sprint(kind, view)
	if kind == "save" {
		return errors.New("save: there is no result; solve first")
	}
	return nil
}

// TestCalibrate: the calibration's page and requests, under the guard of all others, and what is said without one.
func TestCalibrate(t *testing.T) {
	c := &sitting{}
	s, err := Start(Options{Listen: "127.0.0.1:0", Status: func() any { return nil }, Calibration: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for _, r := range []struct {
		name, method, path, origin string
		want                       int
		asked, text                string
	}{
		{"the page", "GET", "calibrate", "", 200, "", "calibrate.js"},
		{"start", "POST", "calibrate/start", "", 204, "start0", ""},
		{"a view", "POST", "calibrate/drop?view=3", "", 204, "drop3", ""},
		{"no view", "POST", "calibrate/drop?view=x", "", 400, "", `view "x" is not a number`},
		{"refused", "POST", "calibrate/save", "", 409, "save0", "solve first"},
		{"a link changes nothing", "GET", "calibrate/start", "", 405, "", ""},
		{"another site", "POST", "calibrate/start", "http://evil.example", 403, "", ""},
		{"another site listens", "GET", "calibrate/events", "http://evil.example", 403, "", ""},
	} {
		c.asked = ""
		status, text := talk(t, r.method, s.URL()+r.path, r.origin)
		if status != r.want || c.asked != r.asked || !strings.Contains(text, r.text) {
			t.Errorf("%s: %d %q, asked %q", r.name, status, text, c.asked)
		}
	}
	without := start(t, func(Request) error { return nil })
	if status, text := talk(t, "GET", without.URL()+"calibrate", ""); status != 404 || !strings.Contains(text, "calibrate live") {
		t.Errorf("without one: %d %s", status, text)
	}
	if status, _ := talk(t, "POST", without.URL()+"calibrate/start", ""); status != 404 && status != 405 {
		t.Errorf("a request without one: %d", status)
	}
}

func talk(t *testing.T, method, url, origin string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func TestRequests(t *testing.T) {
	var asked string
	s := start(t, func(r Request) error {
		asked = r.Kind + r.Bundle
		if r.Kind == "acknowledge" && r.Fault != 3 {
			return errors.New("fault 2 is not the latched one")
		}
		return nil
	})
	cases := []struct {
		name, method, path string
		header             map[string]string
		host               string
		want               int
		asked              string
	}{
		{"granted", "POST", "request/arm", nil, "", 204, "arm"},
		{"refused", "POST", "request/acknowledge?fault=2", nil, "", 409, "acknowledge"},
		{"a bundle", "POST", "request/stage?bundle=a%20b.safetensors", nil, "", 204, "stagea b.safetensors"},
		{"bad number", "POST", "request/acknowledge?fault=x", nil, "", 400, ""},
		{"a GET changes nothing", "GET", "request/arm", nil, "", 405, ""},
		{"a HEAD changes nothing", "HEAD", "request/arm", nil, "", 405, ""},
		{"a PUT changes nothing", "PUT", "request/arm", nil, "", 405, ""},
		{"a POST of a page", "POST", "status", nil, "", 405, ""},
		{"the page's own", "POST", "request/arm", map[string]string{"Origin": "SELF", "Sec-Fetch-Site": "same-origin"}, "", 204, "arm"},
		{"another site by its origin alone", "POST", "request/arm", map[string]string{"Origin": "http://evil.example"}, "", 403, ""},
		{"another site by its fetch alone", "POST", "request/arm", map[string]string{"Sec-Fetch-Site": "cross-site"}, "", 403, ""},
		{"another port of this host", "POST", "request/arm", map[string]string{"Origin": "http://127.0.0.1:1"}, "", 403, ""},
		{"a sandboxed page", "POST", "request/arm", map[string]string{"Origin": "null"}, "", 403, ""},
		{"another site reads", "GET", "status", map[string]string{"Origin": "http://evil.example"}, "", 403, ""},
		{"a WebSocket of another site", "GET", "events", map[string]string{"Origin": "http://evil.example", "Connection": "Upgrade",
			"Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}, "", 403, ""},
		{"localhost", "GET", "status", nil, "localhost:8080", 200, ""},
		{"an address of six", "GET", "status", nil, "[::1]:8080", 200, ""},
		{"a configured name", "POST", "request/arm", nil, "Robot-PC.local:8080", 204, "arm"},
		{"a name like localhost", "POST", "request/arm", nil, "localhost.evil.example", 421, ""},
		{"an address in a name", "POST", "request/arm", nil, "127.0.0.1.evil.example:8080", 421, ""},
		{"another site", "POST", "request/arm", map[string]string{"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}, "", 403, ""},
		{"another name for this host", "GET", "status", nil, "evil.example", 421, ""},
		{"no such camera", "GET", "camera/back", nil, "", 404, ""},
		{"no such page", "GET", "nothing", nil, "", 404, ""},
		{"the page", "GET", "", nil, "", 200, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			asked = ""
			r, err := http.NewRequest(c.method, s.URL()+c.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range c.header {
				r.Header.Set(k, strings.Replace(v, "SELF", strings.TrimSuffix(s.URL(), "/"), 1))
			}
			if c.host != "" {
				r.Host = c.host
			}
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if answer.StatusCode != c.want || asked != c.asked {
				t.Errorf("status %d, asked %q; want %d, %q", answer.StatusCode, asked, c.want, c.asked)
			}
		})
	}
}

func TestEventsStream(t *testing.T) {
	s := start(t, nil)
	answer, err := http.Get(s.URL() + "events")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	for range 2 {
		for lines.Scan() && lines.Text() == "" {
		}
		if lines.Text() != `data: {"mode":"disarmed"}` {
			t.Fatalf("got %q", lines.Text())
		}
	}
}

// TestCameraStream asks for a camera before its first picture.
func TestCameraStream(t *testing.T) {
	s := start(t, nil)
	answer, err := http.Get(s.URL() + "camera/front")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), "multipart/x-mixed-replace") {
		t.Fatal(answer.Header)
	}
	parts := multipart.NewReader(answer.Body, "frame")
	last := byte(0)
	for range 3 {
		p, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) != 1 || data[0] <= last {
			t.Fatalf("picture %v after %d", data, last)
		}
		last = data[0]
	}
}

func TestPortInUse(t *testing.T) {
	s := start(t, nil)
	_, err := Start(Options{Listen: strings.TrimSuffix(strings.TrimPrefix(s.URL(), "http://"), "/")})
	if err == nil || !strings.Contains(err.Error(), "set web.listen to a free port") {
		t.Errorf("got %v", err)
	}
}
