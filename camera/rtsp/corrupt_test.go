package rtsp

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/pion/rtp"

	"sim2reald/camera"
	"sim2reald/camera/cameratest"
)

// damages are the ways of the fault catalogue; a single bit is beside them: what it changes is often a picture like
// another, and nothing in the stream says that it is not the one that was sent.
func damages() map[string]func(*rtp.Packet, *rand.Rand) {
	return map[string]func(*rtp.Packet, *rand.Rand){
		"5 % of bytes": func(p *rtp.Packet, r *rand.Rand) {
			for range max(1, len(p.Payload)/20) {
				p.Payload[r.IntN(len(p.Payload))] ^= byte(1 + r.IntN(255))
			}
		},
		"cut":     func(p *rtp.Packet, r *rand.Rand) { p.Payload = p.Payload[:1+r.IntN(len(p.Payload))] },
		"one bit": func(p *rtp.Packet, r *rand.Rand) { p.Payload[r.IntN(len(p.Payload))] ^= 1 << r.IntN(8) },
		"missing": func(p *rtp.Packet, _ *rand.Rand) { p.Payload = nil },
	}
}

// TestCorruptedPackets plays a real stream again and again with every twentieth packet damaged, without a crash, and
// compares each picture that is shown with what the intact stream shows. RTSP_PACKETS is how many packets are damaged in
// all, 800 by itself.
func TestCorruptedPackets(t *testing.T) {
	total := 800
	if n, err := strconv.Atoi(os.Getenv("RTSP_PACKETS")); err == nil {
		total = n
	}
	for _, codec := range []string{cameratest.H264, cameratest.MJPEG} {
		r := cameratest.Record(t, codec, "320x240", 10, 20)
		intact := map[time.Duration][]byte{}
		playAll(t, codec, r, r.Packets, func(f *camera.Frame) { intact[f.Sent] = slices.Clone(f.Pix) })
		if len(intact) != 20 {
			t.Fatalf("%s: the intact stream of 20 pictures shows %d", codec, len(intact))
		}
		for name, damage := range damages() {
			t.Run(codec+" "+name, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(7, uint64(len(name))))
				var damaged, held, wrong int
				for damaged < total/8 {
					packets, n := damagedCopy(r.Packets, damage, rng)
					damaged += n
					shown := 0
					playAll(t, codec, r, packets, func(f *camera.Frame) {
						shown++
						if farthest(intact[f.Sent], f) > 8 {
							wrong++
						}
					})
					held += len(intact) - shown
				}
				recall := float64(held) / float64(held+wrong)
				t.Logf("%s: %d packets damaged: %d pictures held back, %d broken ones shown: %.2f %%", codec+" "+name, damaged, held, wrong, 100*recall)
				if recall < 0.99 && name != "one bit" {
					t.Errorf("%.2f %% of the broken pictures are held back, want 99", 100*recall)
				}
			})
		}
	}
}

func damagedCopy(packets []*rtp.Packet, damage func(*rtp.Packet, *rand.Rand), rng *rand.Rand) (out []*rtp.Packet, n int) {
	for _, p := range packets {
		if rng.IntN(20) == 0 {
			p = p.Clone()
			damage(p, rng)
			n++
		}
		if p.Payload != nil {
			out = append(out, p)
		}
	}
	return out, n
}

// farthest is the largest mean difference of a block of 16x16 pixels from what it should be, 255 for another size.
func farthest(want []byte, f *camera.Frame) (most float64) {
	if len(want) != len(f.Pix) {
		return 255
	}
	for y := 0; y+16 <= f.Height; y += 16 {
		for x := 0; x+16 <= f.Width; x += 16 {
			sum := 0
			for row := range 16 {
				at := 3 * ((y+row)*f.Width + x)
				for k := range 48 {
					d := int(want[at+k]) - int(f.Pix[at+k])
					sum += max(d, -d)
				}
			}
			most = max(most, float64(sum)/(16*48))
		}
	}
	return most
}

// playAll decodes packets; a picture's Sent is its packets' RTP time.
func playAll(t testing.TB, codec string, r *cameratest.Recording, packets []*rtp.Packet, show func(*camera.Frame)) {
	t.Helper()
	in := &inlet{assembler: assembler{kind: kindOf(codec, r)}, parts: make(chan part, 1), counts: &Counts{}, alive: make(chan struct{}, 1)}
	d, err := open(codecNamed(codec))
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	p := player{decoder: d, counts: in.counts}
	var f camera.Frame
	for _, packet := range packets {
		in.packet(packet, moment{sent: time.Duration(packet.Timestamp)})
		select {
		case next := <-in.parts:
			p.play(next.unit, next.lost, &f, show)
		default:
		}
	}
}

func codecNamed(name string) codec { return codec{h264: name == cameratest.H264} }

func kindOf(codec string, r *cameratest.Recording) kind {
	if codec == cameratest.MJPEG {
		return newJPEGs()
	}
	return newAccessUnits(r.SPS, r.PPS)
}

// FuzzPackets lets anything come: two bytes of length before each packet.
func FuzzPackets(f *testing.F) {
	for _, p := range [][]byte{
		{0x67, 0x42, 0xc0, 0x0a, 0x8c, 0x68, 0x42, 0x79},
		{0x65, 0x88, 0x84, 0x0a, 0xff},
		{0x7c, 0x85, 0x88, 0x84}, {0x7c, 0x45, 0x00}, {0x18, 0, 1, 0x67, 0, 1, 0x68},
		{0, 0, 0, 0, 1, 255, 2, 2, 0, 0, 0, 128}, {0, 0, 0, 0, 1, 50, 2, 2, 0xff, 0xd9},
	} {
		raw, err := (&rtp.Packet{Header: rtp.Header{Version: 2, Marker: true, SequenceNumber: 1}, Payload: p}).Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(append([]byte{0, byte(len(raw))}, raw...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		packets := cut(data)
		for _, codec := range []string{cameratest.H264, cameratest.MJPEG} {
			playAll(t, codec, &cameratest.Recording{}, packets, func(f *camera.Frame) {
				if f.Width < 1 || f.Height < 1 || len(f.Pix) != 3*f.Width*f.Height {
					t.Fatalf("a picture of %dx%d with %d bytes", f.Width, f.Height, len(f.Pix))
				}
			})
		}
	})
}

func cut(data []byte) (packets []*rtp.Packet) {
	for len(data) >= 2 {
		n := min(int(data[0])<<8|int(data[1]), len(data)-2)
		p := &rtp.Packet{}
		if p.Unmarshal(data[2:2+n]) == nil && len(p.Payload) > 0 {
			packets = append(packets, p)
		}
		data = data[2+n:]
	}
	return packets
}
