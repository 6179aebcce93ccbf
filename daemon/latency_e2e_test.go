package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sim2reald/camera"
	"sim2reald/camera/cameratest"
	"sim2reald/camera/rtsp"
	"sim2reald/daemon/config"
)

// TestCommandLatency measures an arm that follows 40 ms late, and the same arm following 160 ms late, through broker, loop
// and bridge: the difference is found within 10 ms.
func TestCommandLatency(t *testing.T) {
	if os.Getenv("COMMAND_LATENCY") == "" {
		t.Skip("an arm that must keep real time for half a minute: make calibration-drive runs it, on a machine with nothing else to do")
	}
	cfg := rigConfig(t)
	cfg.Bridge = config.Bridge{Command: []string{pythonOf(cfg.Bridge), "daemon/faults/arm.py"}, Domain: "faults", Task: "move", Clock: "realtime", Jitter: "none"}
	f := latencyFlags{out: filepath.Join(t.TempDir(), "rig.yaml"), joint: "panda_joint7", pictures: 60, steps: 4, step: 0.02, workcell: true, wait: time.Minute}
	const late = 0.120
	var found [2]float64
	for i, ticks := range []int{4, 16} {
		t.Setenv("FAULTS_DELAY_TICKS", strconv.Itoa(ticks))
		var said bytes.Buffer
		var err error
		for range 4 { // other programs may keep a step from being in time, which is refused
			if err = f.run(t.Context(), cfg, &said); err == nil {
				break
			}
			t.Log(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		rig, err := readRig(f.out)
		if err != nil {
			t.Fatal(err)
		}
		if c := rig.Command; c.Robot != "panda simulated" || c.Joint != f.joint || c.Samples != 4 || time.Since(c.Date) > time.Minute {
			t.Errorf("%+v", c)
		}
		found[i] = rig.Command.Latency
		t.Logf("%d ticks late: %s", ticks, &said)
	}
	if off := found[1] - found[0] - late; math.Abs(off) > 0.010 || found[0] < 0.02 || found[0] > 0.08 {
		t.Errorf("%.1f ms and %.1f ms: off by %.1f ms", 1e3*found[0], 1e3*found[1], 1e3*off)
	}
}

// filmed is a camera of ffmpeg's before a screen that blinks: pictures of a known time, of which each is given to ffmpeg
// a known delay after.
type filmed struct {
	delay time.Duration

	mu    sync.Mutex
	light bool
	given map[int]time.Time // when each picture was exposed
	took  []float64         // s from there until it arrived at another reader
}

const filmedSize, filmedBits = 64, 12

// run exposes 30 pictures a second and gives each away after the delay.
func (c *filmed) run(ctx context.Context, in io.WriteCloser) {
	defer in.Close()
	tick := time.NewTicker(time.Second / 30)
	defer tick.Stop()
	held := make(chan []byte, 64)
	go c.give(in, held)
	defer close(held)
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		c.mu.Lock()
		c.given[n] = time.Now()
		level := byte(60)
		if c.light {
			level = 200
		}
		c.mu.Unlock()
		pix := bytes.Repeat([]byte{level}, 3*filmedSize*filmedSize)
		for i := range filmedBits { // its number, in cells of 5x8 px
			for y := range 8 {
				for x := range 5 {
					for k := range 3 {
						pix[3*(y*filmedSize+5*i+x)+k] = 255 * byte(n>>i&1)
					}
				}
			}
		}
		held <- pix
	}
}

func (c *filmed) give(in io.Writer, held <-chan []byte) {
	for pix := range held {
		n := numberOf(pix)
		c.mu.Lock()
		due := c.given[n].Add(c.delay)
		c.mu.Unlock()
		time.Sleep(time.Until(due)) // the delay itself
		if _, err := in.Write(pix); err != nil {
			return
		}
	}
}

func numberOf(pix []byte) (n int) {
	for i := range filmedBits {
		if pix[3*(4*filmedSize+5*i+2)] > 127 {
			n |= 1 << i
		}
	}
	return n
}

// arrived is told by another reader of the same stream: the truth.
func (c *filmed) arrived(f *camera.Frame, clock func() time.Duration) {
	at := time.Now().Add(f.Arrival - clock())
	c.mu.Lock()
	defer c.mu.Unlock()
	if given, ok := c.given[numberOf(f.Pix)]; ok {
		c.took = append(c.took, at.Sub(given).Seconds())
	}
}

// TestCameraLatency measures a stream of ffmpeg's by a pattern that blinks, against the truth that each picture carries.
func TestCameraLatency(t *testing.T) {
	s := cameratest.Serve(t, cameratest.Options{})
	c := &filmed{delay: 150 * time.Millisecond, given: map[int]time.Time{}}
	ctx, cancel := context.WithCancel(t.Context())
	var others sync.WaitGroup
	defer others.Wait()
	defer cancel()
	in := cameratest.PushRaw(t, s.URL(), cameratest.H264, fmt.Sprintf("%dx%d", filmedSize, filmedSize), 30)
	others.Go(func() { c.run(ctx, in) })
	began := time.Now()
	clock := func() time.Duration { return time.Since(began) }
	others.Go(func() {
		rtsp.Run(ctx, rtsp.Options{Camera: "truth", URL: s.URL(), Key: "truth", Counts: &rtsp.Counts{}, Ended: func(error) {}}, clock, func(f *camera.Frame) { c.arrived(f, clock) })
	})
	cfg := config.Default()
	cfg.Web.Listen = freePort(t)
	cfg.Cameras = []config.Camera{{Name: "wrist", Source: s.URL(), Serial: "A1"}}
	f := latencyFlags{out: filepath.Join(t.TempDir(), "rig.yaml"), camera: "wrist", pictures: 40, steps: 2, step: 0.02, wait: time.Minute}
	others.Go(func() { c.blink(ctx, "http://"+cfg.Web.Listen) })
	var said bytes.Buffer
	if err := f.run(ctx, cfg, &said); err != nil {
		t.Fatalf("%v; said: %s", err, &said)
	}
	rig, err := readRig(f.out)
	if err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	truth := 0.0
	for _, v := range c.took {
		truth += v / float64(len(c.took))
	}
	got, _ := rig.Camera("wrist")
	t.Logf("%s truth: %.1f ms over %d pictures", &said, 1e3*truth, len(c.took))
	// A third of a picture's period is three deviations of the mean of 30 changes.
	if off := got.Latency - truth; math.Abs(off) > 0.011 || got.Samples < 30 || got.Serial != "A1" || len(c.took) < 100 {
		t.Errorf("%+v: off by %.1f ms", got, 1e3*off)
	}
}

// blink is what the page does, with a screen that shows a change at once.
func (c *filmed) blink(ctx context.Context, page string) {
	var ahead time.Duration // of the daemon's clock
	for i := 0; ctx.Err() == nil; i++ {
		select {
		case <-ctx.Done():
			return
		case <-time.After(150*time.Millisecond + time.Duration(i*7919%300)*time.Millisecond):
		}
		if ahead == 0 {
			r, err := http.Get(page + "/clock")
			if err != nil {
				continue // not yet served
			}
			text, _ := io.ReadAll(r.Body)
			r.Body.Close()
			v, _ := strconv.ParseFloat(string(text), 64)
			ahead = time.Duration(v*1e9) - time.Duration(time.Now().UnixNano())
		}
		c.mu.Lock()
		c.light = !c.light
		at, light := time.Duration(time.Now().UnixNano())+ahead, 0
		if c.light {
			light = 1
		}
		c.mu.Unlock()
		if r, err := http.Post(page+"/blink", "application/json", strings.NewReader(fmt.Sprintf(`{"at_s": %.6f, "light": %d}`, at.Seconds(), light))); err == nil {
			r.Body.Close()
		}
	}
}

// TestBlinkPage has a real browser blink: the daemon is told when the page turns light and dark, and so it looks.
func TestBlinkPage(t *testing.T) {
	b := newBrowser(t)
	began := time.Now()
	o := &watcher{clock: func() time.Duration { return time.Since(began) }}
	page, err := o.page(config.Web{Listen: "127.0.0.1:0"}, 12)
	if err != nil {
		t.Fatal(err)
	}
	defer page.Close()
	b.do(20*time.Second, chromedp.Navigate(page.URL()+"blink.html"))
	b.await(20*time.Second, `document.getElementById("say").textContent === "That was enough."`)
	last := o.blinks[len(o.blinks)-1]
	want := map[float64]string{0: "rgb(0, 0, 0)", 1: "rgb(255, 255, 255)"}[last.Value]
	if got := js[string](b, `getComputedStyle(document.body).backgroundColor`); got != want || len(o.blinks) != 12 {
		t.Errorf("it is %s after %d changes, the last to %g", got, len(o.blinks), last.Value)
	}
	for i, change := range o.blinks[1:] {
		if gap := change.At - o.blinks[i].At; change.Value == o.blinks[i].Value || gap < 100*time.Millisecond || change.At > o.clock() {
			t.Errorf("change %d: to %g, %v after the one before", i+1, change.Value, gap)
		}
	}
	b.noComplaints()
}
