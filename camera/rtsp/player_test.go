package rtsp

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sim2reald/camera"
)

// scripted is a decoder that does as the units' data say: "ok" gives a picture, "bad" an error, "keep" nothing yet, and
// "two" the kept one and its own.
type scripted struct {
	log     []string
	pending []int64
}

func (d *scripted) send(u *unit) error {
	d.log = append(d.log, fmt.Sprint(u.id))
	if string(u.data) == "bad" {
		return errBroken
	}
	d.pending = append(d.pending, u.id)
	if string(u.data) == "keep" {
		d.pending = slices.Insert(d.pending, 0, -1)
	}
	return nil
}

func (d *scripted) receive(f *camera.Frame) (int64, bool, error) {
	if len(d.pending) == 0 {
		return 0, false, nil
	}
	id := d.pending[0]
	d.pending = d.pending[1:]
	return id, id >= 0, nil
}

func (d *scripted) anew() error {
	d.log, d.pending = append(d.log, "anew"), nil
	return nil
}

func (d *scripted) close() {}

// TestPlayer: a stream of units, k for a keyframe, ! for a gap before; what the decoder gets and what is shown.
func TestPlayer(t *testing.T) {
	for _, c := range []struct{ name, units, decoded, shown string }{
		{"nothing before a keyframe", "ok ok k:ok ok", "anew 3 4", "3 4"},
		{"nothing after a gap", "k:ok !ok ok k:ok", "anew 1 anew 4", "1 4"},
		{"a gap before a keyframe costs nothing", "k:ok !k:ok ok", "anew 1 anew 2 3", "1 2 3"},
		{"nothing after a broken one", "k:ok bad ok ok k:ok", "anew 1 2 anew 5", "1 5"},
		{"a broken keyframe", "k:bad ok k:ok", "anew 1 anew 3", "3"},
		{"pictures that come later", "k:ok keep ok", "anew 1 2 3", "1 2 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := &scripted{}
			p := player{decoder: d, counts: &Counts{}}
			var shown []string
			var f camera.Frame
			for i, word := range strings.Fields(c.units) {
				word, lost := strings.CutPrefix(word, "!")
				word, key := strings.CutPrefix(word, "k:")
				id := int64(i + 1)
				u := &unit{id: id, data: []byte(word), key: key, moment: moment{arrival: time.Duration(id)}}
				p.play(u, lost, &f, func(f *camera.Frame) { shown = append(shown, fmt.Sprint(int64(f.Arrival))) })
			}
			if got := strings.Join(d.log, " "); got != c.decoded {
				t.Errorf("decoded %q, want %q", got, c.decoded)
			}
			if got := strings.Join(shown, " "); got != c.shown {
				t.Errorf("shown %q, want %q", got, c.shown)
			}
		})
	}
}

// TestPlayerStamps: a picture bears the times of its own unit, whatever came since, and none goes back.
func TestPlayerStamps(t *testing.T) {
	p := player{decoder: &scripted{}, counts: &Counts{}}
	p.times[1] = times{moment{10, 8, 100}, 1}
	p.times[2] = times{moment{20, 20, 0}, 2}
	var got []camera.Frame
	for _, id := range []int64{1, 2, 1, 3, -5} { // the third is older than the second, the others were never sent
		p.show(id, &camera.Frame{}, func(f *camera.Frame) { got = append(got, *f) })
	}
	if len(got) != 2 || got[0].Arrival != 10 || got[0].Taken != 8 || got[0].Sent != 100 || got[0].Stamp != 100 || got[1].Arrival != 20 || got[1].Stamp != 20 {
		t.Errorf("%+v", got)
	}
	if n := p.counts.Late.Load(); n != 3 {
		t.Errorf("%d late, want 3", n)
	}
}
