package main

import (
	"strings"
	"testing"
	"time"
)

func TestClockDoubt(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		age  time.Duration
		want string
	}{
		"as it should be":       {80 * ms, ""},
		"a little ahead":        {-100 * ms, ""},
		"ahead":                 {-101 * ms, "camera wrist: its clock is 101ms ahead of this host's, so that its pictures age from their arrival; let NTP set the camera's clock and this host's, or set cameras[1].clock to arrival"},
		"as old as may be":      {300 * ms, ""},
		"behind, or really old": {time.Hour, "camera wrist: by its own clock its pictures are 1h0m0s old when they come, more than ages.frame_ms, and the arm holds; let NTP set the camera's clock and this host's, or set cameras[1].clock to arrival"},
	} {
		d := clockDoubt{camera: "wrist", key: "cameras[1]", bound: 300 * ms}
		for range doubtful - 1 {
			if early := d.of(c.age); early != "" {
				t.Errorf("%s: at once: %s", name, early)
			}
		}
		if got := d.of(c.age); got != c.want {
			t.Errorf("%s: got  %s\nwant %s", name, got, c.want)
		}
		d.of(0)
		if again := d.of(c.age); again != "" || strings.Contains(c.want, "%") {
			t.Errorf("%s: said twice: %s", name, again)
		}
	}
}
