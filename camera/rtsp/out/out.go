// Package out serves cameras' pictures by RTSP, as motion JPEG over TCP, so that VLC, ffplay or another robot can watch.
//
// What belongs here: the server, and what is written onto a picture for people. What does not: reading streams
// (camera/rtsp), and what the words say (the daemon).
//
// A reader that is too slow misses pictures; Show waits for none.
package out

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmjpeg"

	"sim2reald/camera"
	"sim2reald/camera/encoded"
)

// maxSide is what RFC 2435 can say of a picture's sides, in pixels, which are multiples of 8.
const maxSide = 2040

// Server serves one stream for each path.
type Server struct {
	server  *gortsplib.Server
	address string
	clock   func() time.Duration
	streams map[string]*stream
	mu      sync.Mutex
	watches map[*gortsplib.ServerSession]*stream // whom each plays
}

type stream struct {
	out     *gortsplib.ServerStream
	media   *description.Media
	packer  *rtpmjpeg.Encoder
	reports reports
	readers int
}

// Start listens at host:port and serves the paths, such as "front", until Close. clock is that of camera.Frame.Taken:
// readers are told when each picture was taken, by this host's wall clock.
func Start(listen string, paths []string, clock func() time.Duration) (*Server, error) {
	s := &Server{clock: clock, streams: map[string]*stream{}, watches: map[*gortsplib.ServerSession]*stream{}}
	s.server = &gortsplib.Server{
		Handler: s, RTSPAddress: listen, ReadTimeout: 10 * time.Second, WriteTimeout: 5 * time.Second,
		DisableRTCPSenderReports: true, // gortsplib writes fractions of a second wrongly, see reports
		Listen: func(network, address string) (net.Listener, error) {
			l, err := net.Listen(network, address)
			if err == nil {
				s.address = l.Addr().String()
			}
			return l, err
		},
	}
	s.mu.Lock() // nobody is answered before the streams are there
	defer s.mu.Unlock()
	if err := s.server.Start(); err != nil {
		return nil, err
	}
	for _, path := range paths {
		st, err := newStream(s.server)
		if err != nil {
			s.server.Close()
			return nil, fmt.Errorf("stream %s: %w", path, err)
		}
		s.streams[path] = st
	}
	return s, nil
}

func newStream(server *gortsplib.Server) (*stream, error) {
	form := &format.MJPEG{}
	media := &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{form}}
	packer, err := form.CreateEncoder()
	if err != nil {
		return nil, err
	}
	out := &gortsplib.ServerStream{Server: server, Desc: &description.Session{Medias: []*description.Media{media}}}
	return &stream{out: out, media: media, packer: packer}, out.Initialize()
}

// URL is where a path is read.
func (s *Server) URL(path string) string { return "rtsp://" + s.address + "/" + path }

// Close ends every stream and stops listening.
func (s *Server) Close() {
	for _, st := range s.streams {
		st.out.Close()
	}
	s.server.Close()
}

// Watched says whether anybody reads a path: else nothing needs to be drawn.
func (s *Server) Watched(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.streams[path]
	return st != nil && st.readers > 0
}

// Show sends a picture to those who read a path. What stands over a multiple of 8 pixels is cut off. It is for one
// goroutine a path.
func (s *Server) Show(path string, f *camera.Frame) error {
	st := s.streams[path]
	if st == nil {
		return fmt.Errorf("serving camera by RTSP: no path %s", path)
	}
	if f.Width > maxSide || f.Height > maxSide {
		return fmt.Errorf("serving %s by RTSP: %dx%d pixels, and motion JPEG ends at %d", path, f.Width, f.Height, maxSide)
	}
	data, err := encoded.JPEG(even(f))
	if err != nil {
		return err
	}
	packets, err := st.packer.Encode(data)
	if err != nil {
		return fmt.Errorf("serving %s by RTSP: %w", path, err)
	}
	for _, p := range packets {
		p.Timestamp = stampOf(f.Taken)
		if err := st.out.WritePacketRTP(st.media, p); err != nil {
			return fmt.Errorf("serving %s by RTSP: %w", path, err)
		}
		st.reports.count(p)
	}
	if r := st.reports.due(s.clock(), time.Now()); r != nil {
		if err := st.out.WritePacketRTCP(st.media, r); err != nil {
			return fmt.Errorf("serving %s by RTSP: %w", path, err)
		}
	}
	return nil
}

// even is f with sides that are multiples of 8.
func even(f *camera.Frame) *camera.Frame {
	if f.Width%8 == 0 && f.Height%8 == 0 {
		return f
	}
	out := *f
	out.Width, out.Height, out.Pix = f.Width&^7, f.Height&^7, nil
	for y := range out.Height {
		out.Pix = append(out.Pix, f.Pix[3*y*f.Width:3*(y*f.Width+out.Width)]...)
	}
	return &out
}

func answer(code base.StatusCode) *base.Response { return &base.Response{StatusCode: code} }

func (s *Server) named(path string) (*base.Response, *gortsplib.ServerStream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.streams[strings.Trim(path, "/")]
	if st == nil {
		return answer(base.StatusNotFound), nil, nil
	}
	return answer(base.StatusOK), st.out, nil
}

// OnDescribe is gortsplib's.
func (s *Server) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return s.named(ctx.Path)
}

// OnSetup is gortsplib's.
func (s *Server) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return s.named(ctx.Path)
}

// OnPlay counts a reader, once however often it asks.
func (s *Server) OnPlay(ctx *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.streams[strings.Trim(ctx.Path, "/")]; st != nil && s.watches[ctx.Session] == nil {
		s.watches[ctx.Session] = st
		st.readers++
	}
	return answer(base.StatusOK), nil
}

// OnSessionClose forgets a reader.
func (s *Server) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.watches[ctx.Session]; st != nil {
		st.readers--
		delete(s.watches, ctx.Session)
	}
}

// OnStreamWriteError is a reader whose queue is full: it misses a packet, and so a picture.
func (s *Server) OnStreamWriteError(*gortsplib.ServerHandlerOnStreamWriteErrorCtx) {}
