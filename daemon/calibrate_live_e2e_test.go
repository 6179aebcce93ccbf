package main

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sim2reald/calibration"
	"sim2reald/daemon/config"
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

// keepPictures leaves pictures of the page for a person, wide and narrow.
func (b *browser) keepPictures(name string) {
	b.t.Helper()
	b.keepPicture(name + ".png")
	b.do(10*time.Second, chromedp.EmulateViewport(400, 900))
	b.keepPicture(name + "-narrow.png")
	b.do(10*time.Second, chromedp.EmulateViewport(1200, 900))
}

// keepPicture leaves a picture of the whole page for a person, and checks that nothing is cut off at the side: neither of
// the page, nor of a card.
func (b *browser) keepPicture(name string) {
	b.t.Helper()
	b.shoot(filepath.Join(b.t.ArtifactDir(), name))
	if cut := js[string](b, `[document.documentElement, ...document.querySelectorAll("section, figure")]
		.filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.innerText.slice(0, 40)).join("; ")`); cut != "" {
		b.t.Errorf("%s: cut off at the side: %s", name, cut)
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
	b.keepPictures("solved")
	b.click("save")
	b.await(5*time.Second, `document.getElementById("mode").textContent === "saved"`)
	fx := js[string](b, `document.querySelector("#rows tr td:nth-child(2)").textContent`)
	b.do(10*time.Second, chromedp.Navigate(js[string](b, `location.origin`))) // where nothing is commanded, and the page says so
	b.await(10*time.Second, `document.getElementById("facts").innerText.includes("at /calibrate") && document.getElementById("motion").hidden && document.getElementById("camera-default").naturalWidth === 480`)
	b.keepPicture("idle.png")
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

// TestCalibrateDrive calibrates a camera in the hand at the page: the arm is driven from pose to pose once it is armed,
// and a person's Hold ends that. The truth is asked of the rig. With CALIBRATION_POSES it is the whole tour instead, of
// both kinds, which takes minutes.
func TestCalibrateDrive(t *testing.T) {
	kinds := []calibration.Kind{calibration.EyeInHand}
	whole := os.Getenv("CALIBRATION_POSES") != ""
	if whole {
		kinds = append(kinds, calibration.EyeToHand)
	}
	for _, k := range kinds {
		t.Run(string(k), func(t *testing.T) { drive(t, k, whole) })
	}
}

func drive(t *testing.T, k calibration.Kind, whole bool) {
	dir := t.TempDir()
	lens, out := filepath.Join(dir, "lens.yaml"), filepath.Join(dir, "hand.calib")
	known, _ := calibration.Pinhole(480, 480, 50*math.Pi/180)
	data, err := calibration.CameraInfo(calibration.LensResult{
		Record: calibration.Record{Date: time.Now(), Serial: "A1", Samples: 9, RMS: 0.1},
		Name:   "default", Lens: calibration.Lens{Intrinsics: known, Model: calibration.PlumbBob, D: make([]float64, 5)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lens, data, 0o600); err != nil {
		t.Fatal(err)
	}
	b := rehearse(t, "-rehearse", string(k), "-intrinsics", lens, "-out", out)
	b.await(30*time.Second, `document.getElementById("live")?.naturalWidth === 480`)
	b.click("drive")
	b.await(5*time.Second, `document.getElementById("answer").textContent.includes("arm it first")`)
	if whole {
		b.tour(t, 600*time.Second, `document.getElementById("drive").textContent.startsWith("done")`)
	} else {
		b.tour(t, 120*time.Second, `document.querySelectorAll("#views tr").length >= 9 && document.getElementById("drive").textContent.startsWith("on the way")`)
		b.do(10*time.Second, chromedp.Click(`[data-request="hold"]`))
		b.await(5*time.Second, `document.getElementById("drive").textContent.startsWith("ended")`) // by this, or just before
		b.keepPicture("driving.png")
	}
	t.Log(js[string](b, `document.getElementById("drive").textContent`))
	b.click("solve")
	b.await(20*time.Second, `document.getElementById("mode").textContent === "solved"`)
	b.keepPictures("hand")
	b.click("save")
	b.await(5*time.Second, `document.getElementById("mode").textContent === "saved"`)
	b.do(10*time.Second, chromedp.Click(`[data-request="stop"]`))
	b.await(5*time.Second, `document.getElementById("why").textContent.startsWith("arm disarmed")`)
	b.noComplaintsBut("409") // to drive and to arm was refused before it was time
	saved(t, out, k)
}

// tour arms and drives until a condition holds. On a machine that has no time for real time the bridge complains, which
// faults the daemon and ends the tour; it is begun again then, with the views that there are.
func (b *browser) tour(t *testing.T, patience time.Duration, until string) {
	t.Helper()
	b.armAtPage(t)
	b.click("drive")
	eventually(t, patience, until, func() bool {
		if js[bool](b, until) {
			return true
		}
		if js[bool](b, `document.getElementById("drive").textContent.startsWith("ended")`) {
			t.Logf("again: %s", js[string](b, `document.getElementById("drive").textContent`))
			b.armAtPage(t)
			b.click("drive")
			b.await(5*time.Second, `!document.getElementById("drive").textContent.startsWith("ended")`)
		}
		return false
	})
}

// armAtPage asks until it is granted: the first pictures may still be on their way.
func (b *browser) armAtPage(t *testing.T) {
	t.Helper()
	for range 40 {
		if js[bool](b, `document.getElementById("acknowledge").hidden`) {
			b.do(10*time.Second, chromedp.Click(`[data-request="stop"]`))
		} else {
			b.do(10*time.Second, chromedp.Click(`#acknowledge`))
		}
		b.do(10*time.Second, chromedp.Click(`[data-request="arm"]`))
		b.await(5*time.Second, `!document.getElementById("answer").textContent.endsWith("...")`)
		if js[string](b, `document.getElementById("answer").textContent`) == "arm: done" {
			return
		}
	}
	t.Fatalf("arm: %s", js[string](b, `document.getElementById("answer").textContent`))
}

// saved holds a file of hand-eye to the rig's truth.
func saved(t *testing.T, path string, k calibration.Kind) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := calibration.ParseCalib(data)
	if err != nil {
		t.Fatal(err)
	}
	d := file.TParentCamera.Inverse().Mul(truthOf(t, k))
	off := math.Hypot(d.T[0], math.Hypot(d.T[1], d.T[2]))
	t.Logf("%s, %d poses: off by %.2f mm and %.3f degrees, %.3f px", k, file.Record.Samples, 1e3*off, d.R.Angle()*degreesPerRad, file.Record.RMS)
	if off > 2e-3 || d.R.Angle() > 0.3/degreesPerRad {
		t.Errorf("off by %.2f mm and %.3f degrees", 1e3*off, d.R.Angle()*degreesPerRad)
	}
	if file.Kind != k || file.Record.Serial != "A1" || file.Record.Robot != "panda simulated" || file.Record.Samples < calibration.MinPoses {
		t.Errorf("%s, %+v", file.Kind, file.Record)
	}
}

// truthOf asks the rig where its camera is.
func truthOf(t *testing.T, k calibration.Kind) calibration.Transform {
	t.Helper()
	name := map[calibration.Kind]string{calibration.EyeInHand: "CAMERA_ON_FLANGE", calibration.EyeToHand: "CAMERA_IN_BASE"}[k]
	cfg := config.Default()
	cfg.Bridge.Domain = "calibration"
	ask := exec.Command(pythonOf(cfg.Bridge), "-c",
		"import json; from sim2real_bridge import calibration_scene as s; p, r = s."+name+"; print(json.dumps([list(p), r.flatten().tolist()]))")
	answer, err := ask.Output()
	if err != nil {
		t.Fatal(err)
	}
	var parts [2][]float64
	if err := json.Unmarshal(answer, &parts); err != nil || len(parts[0]) != 3 || len(parts[1]) != 9 {
		t.Fatalf("%v: %s", err, answer)
	}
	return calibration.Transform{R: calibration.Rotation(parts[1]), T: calibration.Vec(parts[0])}
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
