package bridge

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWords(t *testing.T) {
	o := Options{
		Command: []string{"build/venv-{domain}/bin/python", "-m", "sim2real_bridge"}, Broker: "127.0.0.1:1", Robot: "arm",
		Domain: "metaworld", Task: "hammer", Clock: "lockstep", Cameras: []string{"corner", "topview"}, Horizon: 30, Teacher: true, RTSP: "127.0.0.1:0",
	}
	got := strings.Join(o.words(), " ")
	want := "build/venv-metaworld/bin/python -m sim2real_bridge --broker 127.0.0.1:1 --robot arm --domain metaworld" +
		" --clock lockstep --horizon 30 --exit-with-parent --task hammer --camera corner --camera topview --rtsp 127.0.0.1:0 --teacher"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if o.Command[0] != "build/venv-{domain}/bin/python" {
		t.Error("the options were changed")
	}
	if plain := (Options{Command: []string{"python"}}).words(); slices.Contains(plain, "--teacher") || slices.Contains(plain, "--rtsp") || slices.Contains(plain, "--task") {
		t.Errorf("a teacher or a task that was not asked for: %v", plain)
	}
}

// TestAProgramThatEndsSaysWhy: what it wrote last is the reason.
func TestAProgramThatEndsSaysWhy(t *testing.T) {
	var log strings.Builder
	p, err := Start(Options{Command: []string{"sh", "-c", "echo error: no such task >&2; exit 2"}, Log: &log})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("it did not end")
	}
	if err := p.Err(); err == nil || !strings.Contains(err.Error(), "no such task") {
		t.Errorf("got %v", err)
	}
	if _, err := Start(Options{Command: []string{"/nowhere/python"}, Domain: "kitchen", Log: &log}); err == nil || !strings.Contains(err.Error(), "of domain kitchen: fork/exec /nowhere/python") || !strings.Contains(err.Error(), "bridge.command") {
		t.Errorf("a program that is not there: %v", err)
	}
}
