// Package cameratest holds what tests of network cameras talk to: an RTSP server that anybody may publish to and read from,
// and other people's programs that do so.
//
// What belongs here: peers, and streams recorded from them. What does not: anything that a robot runs with.
package cameratest

import (
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/auth"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
	"github.com/pion/rtp"
)

// Options say what a Server does. The zero value lets everybody in.
type Options struct {
	Address        string // host:port; empty: any free port of 127.0.0.1
	User, Password string // that a reader must give; empty: none
	// OnPacket gets what is published, on one goroutine, and returns what readers get; nil: all of it.
	OnPacket func(*rtp.Packet) []*rtp.Packet
}

// Server passes on what a publisher sends, on any path.
type Server struct {
	opt    Options
	server *gortsplib.Server

	mu        sync.Mutex
	stream    *gortsplib.ServerStream
	publisher *gortsplib.ServerSession
	announced *description.Session
	published chan struct{}
}

// Serve starts a server and stops it with the test.
func Serve(t testing.TB, opt Options) *Server {
	t.Helper()
	s, err := Start(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Start is Serve for who stops the server himself.
func Start(opt Options) (*Server, error) {
	if opt.Address == "" {
		opt.Address = "127.0.0.1:0"
	}
	s := &Server{opt: opt, published: make(chan struct{}, 16)}
	s.server = &gortsplib.Server{
		Handler: s, RTSPAddress: opt.Address, WriteQueueSize: 1024,
		DisableRTCPSenderReports: true, // whose fractions of a second are wrong: who reads from here is told no clock
		AuthMethods:              []auth.VerifyMethod{auth.VerifyMethodDigestMD5},
	}
	udp, err := udpPair()
	if err != nil {
		return nil, err
	}
	s.server.UDPRTPAddress, s.server.UDPRTCPAddress = fmt.Sprintf("127.0.0.1:%d", udp), fmt.Sprintf("127.0.0.1:%d", udp+1)
	s.server.Listen = func(network, address string) (net.Listener, error) {
		l, err := net.Listen(network, address)
		if err == nil {
			s.opt.Address = l.Addr().String()
		}
		return l, err
	}
	if err := s.server.Start(); err != nil {
		return nil, err
	}
	return s, nil
}

// udpPair finds an even port and the next one free.
func udpPair() (int, error) {
	for range 100 {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		port := c.LocalAddr().(*net.UDPAddr).Port &^ 1
		_ = c.Close() // nothing was sent
		if port > 1024 {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free pair of UDP ports")
}

// Close ends every connection.
func (s *Server) Close() { s.server.Close() }

// Address is host:port of the server.
func (s *Server) Address() string { return s.opt.Address }

// URL is where a publisher sends to and a reader reads from.
func (s *Server) URL() string { return "rtsp://" + s.opt.Address + "/camera" }

// Published receives once for each publisher that began to send.
func (s *Server) Published() <-chan struct{} { return s.published }

func answer(code base.StatusCode) *base.Response { return &base.Response{StatusCode: code} }

// OnAnnounce takes a publisher; the one before goes.
func (s *Server) OnAnnounce(ctx *gortsplib.ServerHandlerOnAnnounceCtx) (*base.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream != nil {
		s.stream.Close()
		s.publisher.Close()
	}
	s.stream = &gortsplib.ServerStream{Server: s.server, Desc: ctx.Description}
	if err := s.stream.Initialize(); err != nil {
		return answer(base.StatusInternalServerError), err
	}
	s.publisher, s.announced = ctx.Session, ctx.Description
	return answer(base.StatusOK), nil
}

// OnRecord begins to pass on.
func (s *Server) OnRecord(ctx *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	s.mu.Lock()
	stream := s.stream
	s.mu.Unlock()
	ctx.Session.OnPacketRTPAny(func(m *description.Media, _ format.Format, p *rtp.Packet) {
		packets := []*rtp.Packet{p}
		if s.opt.OnPacket != nil {
			packets = s.opt.OnPacket(p)
		}
		for _, p := range packets {
			_ = stream.WritePacketRTP(m, p) // a reader that went, or is too slow
		}
	})
	select {
	case s.published <- struct{}{}:
	default:
	}
	return answer(base.StatusOK), nil
}

// OnSessionClose ends the stream with its publisher.
func (s *Server) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream != nil && ctx.Session == s.publisher {
		s.stream.Close()
		s.stream, s.publisher = nil, nil
	}
}

func (s *Server) refused(c *gortsplib.ServerConn, r *base.Request) bool {
	return s.opt.User != "" && !c.VerifyCredentials(r, s.opt.User, s.opt.Password)
}

func (s *Server) current() (*base.Response, *gortsplib.ServerStream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream == nil {
		return answer(base.StatusNotFound), nil, nil
	}
	return answer(base.StatusOK), s.stream, nil
}

// OnDescribe asks for user and password where the options do.
func (s *Server) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if s.refused(ctx.Conn, ctx.Request) {
		return answer(base.StatusUnauthorized), nil, liberrors.ErrServerAuth{}
	}
	return s.current()
}

// OnSetup is the same for publishers and readers.
func (s *Server) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if ctx.Session.State() == gortsplib.ServerSessionStatePreRecord {
		return answer(base.StatusOK), nil, nil
	}
	return s.current()
}

// OnPlay lets everybody who was described to.
func (s *Server) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return answer(base.StatusOK), nil
}
