package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// Calibration is who calibrates, for the page at /calibrate.
type Calibration interface {
	// Shown is encoded as JSON, ten times a second and page.
	Shown() any
	// Ask is for start, pause, drop a view, clear, solve, save and drive; view is the number that is dropped.
	Ask(kind string, view int) error
}

// calibrate adds the page's routes; without anybody who calibrates, it says how to.
func (s *Server) calibrate(mux *http.ServeMux) {
	if s.opts.Calibration == nil {
		mux.HandleFunc("GET /calibrate", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "nothing is calibrated by this daemon; `sim2reald calibrate live` does", http.StatusNotFound)
		})
		return
	}
	mux.HandleFunc("GET /calibrate", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, page, "page/calibrate.html")
	})
	mux.HandleFunc("GET /calibrate/events", s.calibrateEvents)
	mux.HandleFunc("POST /calibrate/{kind}", s.calibrateRequest)
	mux.HandleFunc("GET /calibrate/{kind}", onlyPost)
}

// calibrateEvents streams as events does.
func (s *Server) calibrateEvents(w http.ResponseWriter, r *http.Request) {
	s.stream(w, r, s.opts.Calibration.Shown)
}

func (s *Server) calibrateRequest(w http.ResponseWriter, r *http.Request) {
	if !ended(w, r) {
		return
	}
	view, err := strconv.Atoi(r.URL.Query().Get("view"))
	if err != nil && r.URL.Query().Has("view") {
		http.Error(w, fmt.Sprintf("view %q is not a number", r.URL.Query().Get("view")), http.StatusBadRequest)
		return
	}
	err = s.opts.Calibration.Ask(r.PathValue("kind"), view)
	more(w) // to solve takes a while
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// stream sends what there is to show as server-sent events until the browser goes.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, shown func() any) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	s.every(r.Context(), statusPeriod, func() error {
		more(w)
		b, err := json.Marshal(shown())
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "data: %s\n\n", b)
		return errors.Join(err, http.NewResponseController(w).Flush())
	})
}
