package rtsp

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"gocv.io/x/gocv"

	"sim2reald/camera"
	"sim2reald/camera/cameratest"
)

const (
	latencyWidth, latencyHeight = 640, 480
	cell                        = 20 // px a side, one bit of the picture's number
	bits                        = 16
)

// number writes n into the picture's first rows, so that it survives any codec.
func number(pix []byte, n int) {
	for y := range cell {
		for x := range cell * bits {
			value := byte(16)
			if n>>(x/cell)&1 == 1 {
				value = 235
			}
			at := 3 * (y*latencyWidth + x)
			pix[at], pix[at+1], pix[at+2] = value, value, value
		}
	}
}

// numbered reads it back; channels may stand in any order.
func numbered(pix []byte) (n int) {
	for bit := range bits {
		if pix[3*(cell/2*latencyWidth+bit*cell+cell/2)+1] > 128 {
			n |= 1 << bit
		}
	}
	return n
}

// clocked is when each picture was given to the encoder and when its last packet left the server, and how long after these
// each reader had it decoded, in ms.
type clocked struct {
	mu             sync.Mutex
	given, relayed map[int]time.Time
	took           map[string][]float64
	kept           int // pictures given and never relayed
}

func (c *clocked) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.took = map[string][]float64{}
}

func (c *clocked) give(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.given[n] = time.Now()
}

// relay notes the packet that ends a picture. ffmpeg publishes every picture that it is given, but for the first ones.
func (c *clocked) relay(p *rtp.Packet) []*rtp.Packet {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.Marker {
		c.relayed[len(c.relayed)+1] = time.Now()
	}
	return []*rtp.Packet{p}
}

func (c *clocked) decoded(reader string, n int) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	given, ok := c.given[n]
	// ffmpeg may keep the first pictures for itself; no reader has one before its last packet.
	c.kept = max(c.kept, n-len(c.relayed))
	relayed, passed := c.relayed[n-c.kept]
	if ok && passed {
		c.add(reader+"-image", now.Sub(given))
		c.add(reader+"-server", now.Sub(relayed))
		c.add("sender", relayed.Sub(given))
	}
}

func (c *clocked) add(what string, took time.Duration) {
	c.took[what] = append(c.took[what], 1e3*took.Seconds())
}

func (c *clocked) report(b *testing.B) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, share := range map[string]float64{"p50": 0.5, "p99": 0.99} {
		at := map[string]float64{}
		for what, took := range c.took {
			slices.Sort(took)
			at[what] = took[int(share*float64(len(took)))]
			b.ReportMetric(at[what], what+"-"+name+"-ms")
		}
		for _, from := range []string{"image", "server"} {
			b.ReportMetric(at["ours-"+from]/at["opencv-"+from], from+"-"+name+"-ratio")
		}
	}
	b.ReportMetric(0, "ns/op") // is the camera's
}

// BenchmarkLatency is from a picture's first byte into ffmpeg, which encodes and publishes it ("image"), and from its last
// packet's way out of the server ("server"), to its pixels in RGB or BGR: ours and OpenCV's VideoCapture of the same stream
// at the same time. What lies between the two beginnings ("sender") is no reader's. Give it -benchtime=600x, for 20 s of 30 Hz.
func BenchmarkLatency(b *testing.B) {
	for _, codec := range []string{cameratest.H264, cameratest.MJPEG} {
		b.Run(codec, func(b *testing.B) { benchmarkLatency(b, codec) })
	}
}

func benchmarkLatency(b *testing.B, codec string) {
	c := &clocked{given: map[int]time.Time{}, relayed: map[int]time.Time{}}
	c.begin()
	s := cameratest.Serve(b, cameratest.Options{OnPacket: c.relay})
	enough := make(chan struct{})
	var feeding sync.WaitGroup
	feeding.Go(func() { feed(b, c, s.URL(), codec, enough) })
	defer feeding.Wait()
	defer close(enough)
	published(b, s)
	w := watchWith(b, Options{URL: s.URL()}, func(f *camera.Frame) { c.decoded("ours", numbered(f.Pix)) })
	defer w.stop()
	capture, err := gocv.OpenVideoCapture(s.URL())
	if err != nil {
		b.Fatal(err)
	}
	defer capture.Close()
	m := gocv.NewMat()
	defer m.Close()
	for range 60 { // what OpenCV gathered while it opened
		capture.Read(&m)
	}
	c.begin()
	for range b.N {
		if !capture.Read(&m) {
			b.Fatal("OpenCV reads nothing")
		}
		pix, err := m.DataPtrUint8()
		if err != nil {
			b.Fatal(err)
		}
		c.decoded("opencv", numbered(pix))
	}
	c.report(b)
	n := &w.counts
	b.Logf("ours: %d units, %d pictures, %d gaps, %d broken, %d waiting, %d overrun, %d late", n.Units.Load(), n.Pictures.Load(), n.Gaps.Load(),
		n.Broken.Load(), n.Waiting.Load(), n.Overrun.Load(), n.Late.Load())
}

// feed gives ffmpeg a noisy moving picture 30 times a second. The pictures are drawn before, so that nothing here takes
// processors while they are on their way.
func feed(b *testing.B, c *clocked, url, codec string, enough <-chan struct{}) {
	pictures := drawn(16)
	in := cameratest.PushRaw(b, url, codec, fmt.Sprintf("%dx%d", latencyWidth, latencyHeight), 30)
	defer in.Close()
	tick := time.NewTicker(time.Second / 30)
	defer tick.Stop()
	for n := 1; n < 1<<bits; n++ {
		pix := pictures[n%len(pictures)]
		number(pix, n)
		select {
		case <-tick.C:
		case <-enough:
			return
		}
		c.give(n)
		if _, err := in.Write(pix); err != nil {
			return
		}
	}
}

func drawn(n int) (pictures [][]byte) {
	for k := range n {
		pix := make([]byte, 3*latencyWidth*latencyHeight)
		for i := range pix {
			pix[i] = byte((i%(3*latencyWidth) + 5*k) >> 2)
		}
		pictures = append(pictures, pix)
	}
	return pictures
}
