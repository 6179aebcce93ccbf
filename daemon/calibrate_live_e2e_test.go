package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sim2reald/calibration"
)

// rehearse opens the page of a calibration of a simulated rig in a browser; done ends it.
func rehearse(t *testing.T, args ...string) *browser {
	t.Helper()
	cfg := rigConfig(t)
	cfg.Bridge.Domain = "calibration"
	need(t, pythonOf(cfg.Bridge), "the rig to practise calibration on")
	b := newBrowser(t)
	page := freePort(t)
	path := configFile(t, "mqtt: {listen: \"127.0.0.1:0\"}\nweb: {listen: \""+page+"\"}\n")
	daemonProcess(t, append([]string{"calibrate", "live", "-config", path}, args...)...)
	awaitListener(t, page)
	b.do(20*time.Second, chromedp.Navigate("http://"+page+"/calibrate"))
	return b
}

func (b *browser) click(what string) {
	b.t.Helper()
	b.do(10*time.Second, chromedp.Click(`[data-ask="`+what+`"]`))
}

// keepPicture leaves a picture of the page for a person, and checks that nothing is cut off at the side.
func (b *browser) keepPicture(name string) {
	b.t.Helper()
	b.shoot(filepath.Join(b.t.ArtifactDir(), name))
	if !js[bool](b, `document.documentElement.scrollWidth <= window.innerWidth`) {
		b.t.Errorf("%s: the page is wider than its window", name)
	}
}

// TestCalibratePage calibrates a lens at the page, before a board that is moved and held still: start, collect,
// drop, solve, save. The truth is known.
func TestCalibratePage(t *testing.T) {
	out := filepath.Join(t.TempDir(), "lens.yaml")
	b := rehearse(t, "-rehearse", "lens", "-serial", "A1", "-out", out)
	b.await(30*time.Second, `document.getElementById("live")?.naturalWidth === 480`)
	b.await(10*time.Second, `document.getElementById("mode").textContent === "paused"`)
	b.click("save")
	b.await(5*time.Second, `document.getElementById("answer").textContent.includes("there is no result; solve first")`)
	b.click("start")
	b.await(30*time.Second, `document.querySelectorAll("#views tr").length >= 4`)
	b.keepPicture("collecting.png")
	b.do(10*time.Second, chromedp.Click(`#views tr:nth-child(2) button`))
	b.await(5*time.Second, `[...document.querySelectorAll("#views tr")].every((r) => r.firstChild.textContent !== "2")`)
	b.await(60*time.Second, `document.querySelectorAll("#views tr").length >= 9`)
	b.click("solve")
	b.await(20*time.Second, `document.getElementById("mode").textContent === "solved"`)
	b.keepPicture("solved.png")
	b.click("save")
	b.await(5*time.Second, `document.getElementById("mode").textContent === "saved"`)
	fx := js[string](b, `document.querySelector("#rows tr td:nth-child(2)").textContent`)
	b.noComplaintsBut("409") // save was refused once, on purpose

	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	r, err := calibration.ParseLens(data)
	if err != nil {
		t.Fatal(err)
	}
	truth, _ := calibration.Pinhole(480, 480, 50*math.Pi/180)
	t.Logf("fx %.3f of %.3f px, %d views, %.3f px; the page says %s", r.Lens.Fx, truth.Fx, r.Samples, r.RMS, fx)
	if math.Abs(r.Lens.Fx/truth.Fx-1) > 0.005 || math.Hypot(r.Lens.Cx-truth.Cx, r.Lens.Cy-truth.Cy) > 4 || r.RMS > 0.3 {
		t.Errorf("fx %.2f, want %.2f; centre %.1f, %.1f, want %.1f; %.3f px", r.Lens.Fx, truth.Fx, r.Lens.Cx, r.Lens.Cy, truth.Cx, r.RMS)
	}
	if !strings.HasPrefix(fx, strings.Split(fx, ".")[0]) || r.Serial != "A1" || r.Samples < 8 || time.Since(r.Date) > time.Hour {
		t.Errorf("the page says %s, the file %+v", fx, r.Record)
	}
}

// noComplaintsBut lets pass what a test has asked for.
func (b *browser) noComplaintsBut(expected string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		if !strings.Contains(c, expected) {
			b.t.Errorf("the console says: %s", c)
		}
	}
}
