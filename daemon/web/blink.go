package web

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Blinker is told what the page blink.html shows, whose pattern tells a camera's latency.
type Blinker struct {
	Clock func() time.Duration // that the page's times are told by
	// Blinked gets each change and says whether it was enough, with a word to whoever looks at the page.
	Blinked func(at time.Duration, light bool) (enough bool, word string)
}

// clock tells the time in s.
func (b *Blinker) clock(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	// A failed write means that the browser has gone.
	_, _ = w.Write([]byte(strconv.FormatFloat(b.Clock().Seconds(), 'f', 6, 64)))
}

func (b *Blinker) blinked(w http.ResponseWriter, r *http.Request) {
	var change struct {
		At    float64 `json:"at_s"`
		Light int     `json:"light"`
	}
	err := json.NewDecoder(r.Body).Decode(&change)
	if now := b.Clock().Seconds(); err != nil || !(math.Abs(change.At-now) < 60) || change.Light != 0 && change.Light != 1 {
		http.Error(w, fmt.Sprintf("no change of the pattern: at %g s, light %d (%v); load the page again", change.At, change.Light, err), http.StatusBadRequest)
		return
	}
	enough, word := b.Blinked(time.Duration(change.At*float64(time.Second)), change.Light == 1)
	if !enough {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	_, _ = fmt.Fprint(w, word) // as above
}
