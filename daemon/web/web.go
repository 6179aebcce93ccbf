// Package web serves the page that shows the arm at work and takes an operator's requests.
//
// What belongs here: HTTP. What does not: what the numbers mean (daemon/topic.Status) and whether a request
// is granted (daemon/control).
package web

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"time"
)

//go:embed page
var page embed.FS

// Picture is one encoded picture of a camera.
type Picture struct {
	Seq         uint64
	ContentType string
	Data        []byte // must not change after it is handed out
}

// Options say what is shown. The functions run on the server's goroutines.
type Options struct {
	Listen  string                              // host:port
	Hosts   []string                            // names by which it may be opened, beside localhost and IP addresses
	Status  func() any                          // encoded as JSON, ten times a second and page
	Picture func(camera string) (Picture, bool) // the newest one, without data before the first; false for an unknown camera
	Overlay func(camera string) (Picture, bool) // what is laid over it, false for nothing; nil for none at all
	Ask     func(Request) error

	Calibration Calibration // nil: nobody calibrates
	Blinker     *Blinker    // nil but where a latency is measured
}

// Request is what an operator asks for on the page or by hand.
type Request struct {
	Kind   string
	Fault  uint64 // that is acknowledged
	Bundle string // that is staged or committed
}

// Server is a started page.
type Server struct {
	opts   Options
	http   *http.Server
	addr   string
	closed chan struct{}
}

const (
	statusPeriod  = 100 * time.Millisecond
	picturePeriod = 20 * time.Millisecond // how often a new picture is looked for
)

// Start listens and serves until Close.
func Start(opts Options) (*Server, error) {
	listener, err := net.Listen("tcp", opts.Listen)
	if err != nil {
		return nil, fmt.Errorf("web.listen %s: %w; set web.listen to a free port", opts.Listen, err)
	}
	s := &Server{opts: opts, addr: listener.Addr().String(), closed: make(chan struct{})}
	s.http = &http.Server{
		Handler: s.guard(s.routes()), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: 16 << 10,
	}
	go func() {
		// Serve ends with ErrServerClosed at Close; nothing else ends it but a broken listener, which shows
		// as a page that does not load.
		_ = s.http.Serve(listener)
	}()
	return s, nil
}

// URL is the page's address.
func (s *Server) URL() string { return "http://" + s.addr + "/" }

// Close ends every stream and stops listening.
func (s *Server) Close() error {
	close(s.closed)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		return s.http.Close()
	}
	return nil
}

func (s *Server) routes() http.Handler {
	files, err := fs.Sub(page, "page")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /status", s.status)
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /camera/{name}", s.camera)
	mux.HandleFunc("GET /overlay/{name}", s.overlay)
	mux.HandleFunc("POST /request/{kind}", s.request)
	s.calibrate(mux)
	mux.HandleFunc("GET /request/{kind}", onlyPost) // or the files' handler would say that there is no such page
	if b := s.opts.Blinker; b != nil {
		mux.HandleFunc("GET /clock", b.clock)
		mux.HandleFunc("POST /blink", b.blinked)
	}
	return mux
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	// A failed write means that the browser has gone.
	_ = json.NewEncoder(w).Encode(s.opts.Status())
}

// events streams the status.
func (s *Server) events(w http.ResponseWriter, r *http.Request) { s.stream(w, r, s.opts.Status) }

// camera streams a camera's pictures, each replacing the one before, from the first one on.
func (s *Server) camera(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if _, ok := s.opts.Picture(name); !ok {
		http.Error(w, fmt.Sprintf("camera %q is not configured", name), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=frame")
	w.Header().Set("Cache-Control", "no-store")
	if _, err := io.WriteString(w, "--frame\r\n"); err != nil {
		return
	}
	sent := Picture{}
	s.every(r.Context(), picturePeriod, func() error {
		p, ok := s.opts.Picture(name)
		if !ok || p.Data == nil || (sent.Data != nil && p.Seq == sent.Seq) {
			return nil
		}
		sent = p
		more(w)
		return writePart(w, p)
	})
}

// overlay is one picture to lay over a camera's.
func (s *Server) overlay(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if s.opts.Overlay != nil {
		if p, ok := s.opts.Overlay(name); ok {
			w.Header().Set("Content-Type", p.ContentType)
			w.Header().Set("Cache-Control", "no-store")
			_, _ = w.Write(p.Data) // a failed write means that the browser has gone
			return
		}
	}
	http.Error(w, fmt.Sprintf("nothing lies over camera %q; name a picture in its overlay, or run a bundle with a reference picture", name), http.StatusNotFound)
}

// writePart ends each part with the next one's boundary: a browser shows a part when it sees its end, and
// would else be one picture late.
func writePart(w http.ResponseWriter, p Picture) error {
	_, err := fmt.Fprintf(w, "Content-Type: %s\r\nContent-Length: %d\r\n\r\n", p.ContentType, len(p.Data))
	if err != nil {
		return err
	}
	if _, err := w.Write(p.Data); err != nil {
		return err
	}
	if _, err := w.Write([]byte("\r\n--frame\r\n")); err != nil {
		return err
	}
	return http.NewResponseController(w).Flush()
}

// every calls f now and then each period until it fails, the client goes or the server closes.
func (s *Server) every(ctx context.Context, period time.Duration, f func() error) {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for f() == nil {
		select {
		case <-ctx.Done():
			return
		case <-s.closed:
			return
		case <-ticker.C:
		}
	}
}
