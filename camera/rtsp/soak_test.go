package rtsp

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"sim2reald/camera"
	"sim2reald/camera/cameratest"
)

// TestPeerKilledAgainAndAgain: it comes back each time, and leaves no goroutine, thread, file or memory behind. RTSP_KILLS
// is how often, 4 by itself, and RTSP_KILL_EVERY how long each peer lives.
func TestPeerKilledAgainAndAgain(t *testing.T) {
	kills := 4
	if n, err := strconv.Atoi(os.Getenv("RTSP_KILLS")); err == nil {
		kills = n
	}
	life, _ := time.ParseDuration(os.Getenv("RTSP_KILL_EVERY")) // none by itself
	s := cameratest.Serve(t, cameratest.Options{})
	picture := make(chan struct{}, 1) // none is kept: what they weigh would hide a leak
	w := watchWith(t, Options{URL: s.URL()}, func(*camera.Frame) {
		select {
		case picture <- struct{}{}:
		default:
		}
	})
	began := time.Now()
	var before, now held
	for i := range kills {
		peer := cameratest.Push(t, s.URL(), []string{cameratest.H264, cameratest.MJPEG}[i%2], "160x120", 20)
		soon(t, "picture", picture)
		<-time.After(life)
		now = holds()
		if i == min(9, kills/2-1) { // both codecs have been there, and what is allocated once is
			before = now
		}
		if before.files > 0 && now.beyond(before) {
			t.Fatalf("peer %d: %v, before: %v", i+1, now, before)
		}
		if (i+1)%10 == 0 || i == kills-1 {
			t.Logf("%4.1f min, peer %3d, %d pictures: %v", time.Since(began).Minutes(), i+1, w.counts.Pictures.Load(), now)
		}
		drain(w.ended) // the attempts before this peer was there
		peer.Kill()
		soon(t, "end of the connection", w.ended)
		drain(picture)
	}
	t.Logf("%d kills: %v; before: %v", kills, now, before)
}

// soon is what comes next, of pictures or of ends.
func soon[T any](t *testing.T, what string, from <-chan T) {
	t.Helper()
	select {
	case <-from:
	case <-time.After(cameratest.Patience):
		t.Fatal("no " + what)
	}
}

func drain[T any](from <-chan T) {
	for {
		select {
		case <-from:
		default:
			return
		}
	}
}

// held is what a process may leak.
type held struct{ goroutines, threads, files, residentKiB, heapKiB int }

// holds is what it holds once nothing waits to be collected.
func holds() held {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	h := held{goroutines: runtime.NumGoroutine(), heapKiB: int(m.HeapAlloc >> 10)}
	if d, err := os.ReadDir("/proc/self/task"); err == nil {
		h.threads = len(d)
	}
	if d, err := os.ReadDir("/proc/self/fd"); err == nil {
		h.files = len(d)
	}
	status, _ := os.ReadFile("/proc/self/status")
	if _, rest, ok := strings.Cut(string(status), "VmRSS:"); ok {
		_, _ = fmt.Sscan(rest, &h.residentKiB)
	}
	return h
}

func (h held) beyond(b held) bool {
	return h.goroutines > b.goroutines+3 || h.threads > b.threads+6 || h.files > b.files+3 || h.residentKiB > b.residentKiB+8<<10 ||
		h.heapKiB > b.heapKiB+1<<10
}

func (h held) String() string {
	return fmt.Sprintf("%d goroutines, %d threads, %d files, %d KiB resident, %d KiB of heap", h.goroutines, h.threads, h.files, h.residentKiB, h.heapKiB)
}
