package web

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Bounds on what a client may cost. A stream has no end, so that none of them is on the whole of an answer.
const (
	headerTimeout = 2 * time.Second  // to send a request's headers
	bodyTimeout   = 2 * time.Second  // and its body
	writeTimeout  = 5 * time.Second  // to take what is written, or a piece of a stream
	idleTimeout   = 30 * time.Second // between two requests of a connection
	maxBody       = 64 << 10         // bytes
)

// guard refuses what a page of another site could send: requests across origins, and hosts that are names of
// somebody else's (DNS rebinding). The page binds to loopback unless configured otherwise.
func (s *Server) guard(next http.Handler) http.Handler {
	checked := http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bounded(w, r)
		if host := hostOf(r.Host); !s.known(host) {
			http.Error(w, fmt.Sprintf("host %q is not this page's; open it by its IP address or as localhost, or add the name to web.hosts", host), http.StatusMisdirectedRequest)
			return
		}
		if origin := r.Header.Get("Origin"); foreign(origin, r.Host) {
			http.Error(w, fmt.Sprintf("origin %q is another site; open the page itself", origin), http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Security-Policy", "default-src 'self'; style-src 'self'; frame-ancestors 'none'")
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		checked.ServeHTTP(w, r)
	})
}

func hostOf(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	return strings.ToLower(host)
}

// known is for localhost, the configured names, and addresses: a browser that was led here by another name says that name.
func (s *Server) known(host string) bool {
	return host == "localhost" || net.ParseIP(host) != nil || slices.ContainsFunc(s.opts.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// foreign is whether a request says that it comes from a page of another host or port. A browser says so with every
// request that could read an answer or change something, the opening of a WebSocket included; others need not.
func foreign(origin, host string) bool {
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || u.Host == "" || !strings.EqualFold(u.Host, host)
}

// bounded gives a client time to send its body, if it has one, and to take the answer. The body's is for refused
// requests too: before a connection is used again, or closed, the server reads what is left of it.
func bounded(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		// Every connection of this server has deadlines; without them a body is waited for until the server closes.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	}
	more(w)
}

// more gives a client time to take what is written next: one that takes nothing must not hold a stream for ever.
func more(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout)) // as in bounded
}
