package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"sim2reald/daemon/config"
	"sim2reald/daemon/control"
)

func TestOwnCore(t *testing.T) {
	first := func(n int) (may unix.CPUSet) {
		for core := range n {
			may.Set(core)
		}
		return may
	}
	holes := first(0)
	for _, core := range []int{2, 3, 8, 130} {
		holes.Set(core)
	}
	const none = -1
	for _, c := range []struct {
		want, core string
		threads    int
		may        unix.CPUSet
		own        int
		refused    string
	}{
		{config.RealtimeAuto, config.CoreAuto, 1, first(2), none, ""},
		{config.RealtimeAuto, config.CoreAuto, 1, first(3), none, ""},
		{config.RealtimeAuto, config.CoreAuto, 1, first(4), 3, ""},
		{config.RealtimeRequired, config.CoreAuto, 15, first(16), 15, ""},
		{config.RealtimeAuto, config.CoreAuto, 16, first(16), none, ""},
		{config.RealtimeAuto, config.CoreAuto, 1, holes, 130, ""},
		{config.RealtimeAuto, config.CoreOff, 1, first(16), none, ""},
		{config.RealtimeOff, "3", 1, first(16), none, ""},
		{config.RealtimeAuto, "0", 1, first(2), 0, ""},
		{config.RealtimeAuto, "2", 3, holes, 2, ""},
		{config.RealtimeAuto, "4", 4, holes, 4, ""}, // isolated from everything else
		{config.RealtimeAuto, "4", 5, holes, none, "realtime.core: 4 leaves 4 cores, and engine.threads 5 want one each"},
		{config.RealtimeAuto, "1", 2, first(2), none, "realtime.core: 1 leaves 1 cores, and engine.threads 2 want one each; set engine.threads to less"},
		{config.RealtimeAuto, "0", 1, first(1), none, "realtime.core: 0 leaves 0 cores, and engine.threads 1 want"},
		{config.RealtimeAuto, "some", 1, first(2), none, "realtime.core: "},
	} {
		core, err := ownCore(config.Realtime{Want: c.want, Core: c.core}, c.threads, &c.may)
		own, says := none, ""
		if core != nil {
			own = *core
		}
		if err != nil {
			says = err.Error()
		}
		if own != c.own || !strings.HasPrefix(says, c.refused) || (says == "") != (c.refused == "") {
			t.Errorf("%s, core %s, %d threads on %d: core %d, %q; want %d, %q", c.want, c.core, c.threads, c.may.Count(), own, says, c.own, c.refused)
		}
	}
}

// aCore is one of several that this process may use, or off where it may use one alone.
func aCore(t *testing.T) string {
	t.Helper()
	var may unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		t.Fatal(err)
	}
	if may.Count() == 1 {
		return config.CoreOff
	}
	return fmt.Sprint(*lastOf(&may))
}

// onlyTick checks that the control loop's thread is on a core, and no other of its process.
func onlyTick(t *testing.T, pid int, core string) {
	t.Helper()
	if core == config.CoreOff {
		t.Log("one core, which cannot be kept for the control loop")
		return
	}
	var on []string
	statuses, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range statuses {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, cores, _ := strings.Cut(string(text), "Cpus_allowed_list:\t")
		cores, _, _ = strings.Cut(cores, "\n")
		_, name, _ := strings.Cut(string(text), "Name:\t")
		name, _, _ = strings.Cut(name, "\n")
		if last := cores[strings.LastIndexAny(cores, ",-")+1:]; last == core {
			on = append(on, name)
		}
	}
	if !slices.Equal(on, []string{control.ThreadName}) {
		t.Errorf("of %d threads %q are on core %s, want %s alone", len(statuses), on, core, control.ThreadName)
	}
}
