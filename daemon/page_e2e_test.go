package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// screenshot is the picture of the page in the README, made by `go test ./daemon -run TestPage -update`.
const screenshot = "daemon/web/screenshot.png"

// browser is a headless Chromium with one page open.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string // errors, exceptions and failed requests that the page's console shows
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		path = "/usr/bin/chromium"
	}
	need(t, path, "a browser")
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.DisableGPU,
		chromedp.NoSandbox, // the page is this test's own, and the sandbox refuses to run as root
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.WindowSize(1200, 900))
	allocated, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocated)
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx}
	b.do(30*time.Second, chromedp.EmulateViewport(1200, 900))
	console := chromedp.Console(ctx)
	go func() {
		for m, err := range console {
			if err != nil {
				return
			}
			if m.IsException() || m.Type == chromedp.ConsoleError {
				b.mu.Lock()
				b.complaints = append(b.complaints, m.Text+" "+m.URL)
				b.mu.Unlock()
			}
		}
	}()
	return b
}

// do runs actions. The first one starts the browser, whose life is that of the context it was given.
func (b *browser) do(patience time.Duration, actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx); err != nil {
		b.t.Fatalf("starting the browser: %v", err)
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("in the browser: %v", err)
	}
}

// js is the value of an expression in the page.
func js[T any](b *browser, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

func (b *browser) await(patience time.Duration, condition string) {
	b.t.Helper()
	eventually(b.t, patience, condition, func() bool { return js[bool](b, condition) })
}

// picture is what a camera's image shows now, (112, 112, 4) as the canvas has it.
func (b *browser) picture(camera string) []int {
	b.t.Helper()
	return js[[]int](b, `(() => {
		const c = document.createElement("canvas"); c.width = c.height = 112;
		const x = c.getContext("2d"); x.drawImage(document.getElementById("camera-`+camera+`"), 0, 0, 112, 112);
		return Array.from(x.getImageData(0, 0, 112, 112).data); })()`)
}

// shoot takes a picture of the whole page, at its present width.
func (b *browser) shoot(path string) {
	b.t.Helper()
	width := js[int64](b, `window.innerWidth`)
	b.do(10*time.Second, chromedp.EmulateViewport(width, js[int64](b, `document.documentElement.scrollHeight`)))
	defer b.do(10*time.Second, chromedp.EmulateViewport(width, 900))
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, png, 0o644); err != nil {
		b.t.Fatal(err)
	}
	b.t.Logf("%s: %d kB", path, len(png)/1000)
}

func (b *browser) noComplaints() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		b.t.Errorf("the console says: %s", c)
	}
}

// TestPage opens the page of a real evaluation in a real browser, watches the arm at work, and stops it.
func TestPage(t *testing.T) {
	cfg := rigConfig(t)
	b := newBrowser(t)
	cfg.Bridge.Clock, cfg.Web.Listen = "realtime", freePort(t)
	cfg.Cameras[0].Overlay = "camera/testdata/kitchen.png"
	ctx, cancel := context.WithCancel(t.Context())
	var out string
	ended := make(chan error, 1)
	go func() {
		var err error
		out, err = quietly(ctx, t, cfg, evaluateFlags{first: seedOfTests, page: true})
		ended <- err
		close(ended)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	awaitListener(t, cfg.Web.Listen)
	b.do(20*time.Second, chromedp.Navigate("http://"+cfg.Web.Listen+"/"))
	b.showsTheArm(t)
	b.laysOver(t)
	b.looksGood(t)
	b.showsWhatIsWrong(t)
	b.noComplaints()

	b.do(10*time.Second, chromedp.Click(`[data-ask="stop"]`))
	select {
	case err := <-ended:
		if !errors.Is(err, errAskedForRest) {
			t.Errorf("the evaluation ended with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the evaluation goes on after Stop")
	}
	b.await(5*time.Second, `document.getElementById("answer").textContent === "stop: done"`)
	for _, want := range []string{"stopped by an operator", "void (not counted) 1"} {
		if !strings.Contains(out, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
}

func awaitListener(t *testing.T, address string) {
	t.Helper()
	eventually(t, 60*time.Second, "the page", func() bool { return listens(address) })
}

func (b *browser) showsTheArm(t *testing.T) {
	b.await(30*time.Second, `document.getElementById("mode").textContent === "running"`)
	b.await(5*time.Second, `document.querySelectorAll("#joints tr").length === 7`)
	b.await(5*time.Second, `document.querySelectorAll("#ages .age").length === 3`)
	before := js[string](b, `document.getElementById("ages").textContent`)
	eventually(t, 5*time.Second, "other ages", func() bool { return js[string](b, `document.getElementById("ages").textContent`) != before })
	b.await(5*time.Second, `document.getElementById("camera-default").naturalWidth === 224`)
	first := b.picture("default")
	eventually(t, 10*time.Second, "a picture that moves", func() bool { return changed(first, b.picture("default")) > 100 })
	b.await(60*time.Second, `Number(document.getElementById("episodes").textContent) >= 1`)
}

// laysOver slides from the camera's picture to the one that is laid over it, and back. What the browser has at the
// picture's middle says what is seen.
func (b *browser) laysOver(t *testing.T) {
	t.Helper()
	b.await(10*time.Second, `!document.querySelector(".laid").hidden && document.querySelector(".over").naturalWidth > 0`)
	for _, c := range []struct{ slider, want string }{
		{"0", "camera-default"}, {"40", "over 0.4"}, {"100", "over 1"}, {"0", "camera-default"},
	} {
		got := js[string](b, `(() => {
			const slider = document.querySelector(".laid input");
			slider.value = `+c.slider+`;
			slider.dispatchEvent(new Event("input"));
			const r = document.getElementById("camera-default").getBoundingClientRect();
			const e = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2);
			return e.id || e.className + " " + getComputedStyle(e).opacity; })()`)
		if got != c.want {
			t.Errorf("with the slider at %s the picture is %q, want %q", c.slider, got, c.want)
		}
	}
	if got := js[string](b, `document.querySelector(".laid").innerText`); !strings.Contains(got, "camera/testdata/kitchen.png") {
		t.Errorf("it is said to be %q", got)
	}
}

// showsWhatIsWrong gives the page what a daemon in trouble says, wide and narrow; nothing of the kind happens here.
func (b *browser) showsWhatIsWrong(t *testing.T) {
	t.Helper()
	js[bool](b, `events.onmessage = (e) => {
		events.close();
		const s = JSON.parse(e.data);
		show({ ...s, mode: "faulted", fault: 3, why: "frame_stale",
			remedy: "no picture came for 300 ms; look whether the camera still sends, then acknowledge the fault",
			staged: "kitchen-light-all-seed3 sha256:8d5276d4afb4f270ddf22087176cccd9eaed1a1a853c0b39be8c8d5f44229548",
			shadow: { answers: 412, dq_mean_difference: [0.01, 0, 0, 0, 0.031, 0, 0], dq_worst_difference: [0.3, 0, 0, 0, 0.6, 0, 0],
				gripper_differs: 7, failures: 2, error: "predicting: policy: row 0, number 3 of the actions is NaN" },
			ages: s.ages.map((a) => ({ ...a, age_s: a.name === "default" ? 0.412 : a.name === "echo" ? -1 : a.age_s })),
			latency: [{ of: "camera default", latency_s: 0.083, sd_s: 0.011, samples: 60, date: "2026-11-26", used: "pictures age from their exposure" }],
			likeness: [{ camera: "default", rgb: [101.5, 90, 33], demonstrations_rgb: [120, 118, 110],
				colours: { is: 13.7, bound: 4.2, frames: 32, age_s: 0 }, features: { is: 1.14, bound: 2.5, frames: 32, age_s: 7.2 } }] });
	}, true`)
	b.await(5*time.Second, `document.querySelectorAll("#likeness .late").length === 1 && document.querySelectorAll("#ages .late").length === 2 &&
		!document.getElementById("acknowledge").hidden && document.getElementById("likeness").innerText.includes("7\u00a0s\u00a0ago") &&
		/412 answers of both; panda_joint5 differs by 0.031 rad\/s, at worst 0.600; gripper otherwise in 7; the staged bundle failed 2 times: predicting/
			.test(document.getElementById("facts").innerText)`)
	b.keepPictures("faulted")
}

// changed counts the pixels that differ plainly.
func changed(a, b []int) int {
	n := 0
	for i := 0; i < len(a); i += 4 {
		for c := range 3 {
			if d := a[i+c] - b[i+c]; d > 16 || d < -16 {
				n++
				break
			}
		}
	}
	return n
}

// looksGood keeps pictures of the page while the arm moves.
func (b *browser) looksGood(t *testing.T) {
	b.await(60*time.Second, `document.getElementById("mode").textContent === "running" &&
		[...document.querySelectorAll("#joints tr")].some((r) => Math.abs(Number(r.children[4].textContent)) > 0.5)`)
	if flag.Lookup("update").Value.String() == "true" {
		b.shoot(screenshot)
	}
	b.keepPictures("running")
}
