package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// request asks what the path and the query say. Its body says nothing, but must end in time.
func (s *Server) request(w http.ResponseWriter, r *http.Request) {
	if !ended(w, r) {
		return
	}
	fault, err := strconv.ParseUint(r.URL.Query().Get("fault"), 10, 64)
	if err != nil && r.URL.Query().Has("fault") {
		http.Error(w, fmt.Sprintf("fault %q is not a number", r.URL.Query().Get("fault")), http.StatusBadRequest)
		return
	}
	err = s.opts.Ask(Request{Kind: r.PathValue("kind"), Fault: fault, Bundle: r.URL.Query().Get("bundle")})
	more(w) // to stage a bundle takes a while
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// ended reads a request's body to its end, and answers itself when that does not come.
func ended(w http.ResponseWriter, r *http.Request) bool {
	_, err := io.Copy(io.Discard, r.Body)
	if err == nil {
		// As in bounded, every connection has deadlines. This one must not end a request that takes long.
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
		return true
	}
	w.Header().Set("Connection", "close")
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		http.Error(w, fmt.Sprintf("a body of more than %d bytes; a request has none", maxBody), http.StatusRequestEntityTooLarge)
		return false
	}
	http.Error(w, "the body does not end", http.StatusRequestTimeout)
	return false
}

// onlyPost answers who would ask for something by a link: what can be followed without a thought must change nothing.
func onlyPost(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Allow", http.MethodPost)
	http.Error(w, "requests are made by POST", http.StatusMethodNotAllowed)
}
