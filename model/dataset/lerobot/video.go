package lerobot

import (
	"bytes"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"

	"gocv.io/x/gocv"
)

// codec is H.264: every player and every reader of LeRobot's decodes it. LeRobot's own default is AV1, half as large and
// an order of magnitude slower to write on a processor.
const codec = "avc1"

// picture is one decoded frame, as OpenCV holds it: blue, green, red.
type picture struct{ mat gocv.Mat }

// decode reads a PNG. Its header is read in Go first, because a small file can claim a huge picture.
func decode(data []byte, width, height int) (*picture, error) {
	head, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if head.Width != width || head.Height != height {
		return nil, fmt.Errorf("a picture of %dx%d px, want %dx%d", head.Width, head.Height, width, height)
	}
	mat, err := gocv.IMDecode(data, gocv.IMReadColor)
	if err == nil && mat.Empty() {
		err = fmt.Errorf("a PNG of %d bytes that cannot be decoded", len(data))
	}
	return &picture{mat}, err
}

func (p *picture) close() { _ = p.mat.Close() }

// png is the picture without any further loss.
func (p *picture) png() ([]byte, error) {
	// The lowest compression that is one: files are a tenth larger, and written thrice as fast.
	b, err := gocv.IMEncodeWithParams(gocv.PNGFileExt, p.mat, []int{gocv.IMWritePngCompression, 1})
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return append([]byte{}, b.GetBytes()...), nil
}

// video is an open mp4.
type video struct {
	path    string
	capture *gocv.VideoCapture
	frame   gocv.Mat
}

func openVideo(path string, width, height int) (*video, error) {
	// An absolute path is a file's, whatever stands in it: FFmpeg takes "http:" at the beginning for a network.
	whole, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(whole); err != nil {
		return nil, err
	}
	c, err := gocv.VideoCaptureFileWithAPI(whole, gocv.VideoCaptureFFmpeg)
	if err != nil {
		return nil, fmt.Errorf("%w: decoding %s: %w", ErrFile, path, err)
	}
	v := &video{path: path, capture: c, frame: gocv.NewMat()}
	if w, h := c.Get(gocv.VideoCaptureFrameWidth), c.Get(gocv.VideoCaptureFrameHeight); w != float64(width) || h != float64(height) {
		v.close()
		return nil, fmt.Errorf("%w: %s is %gx%g px, meta/info.json says %dx%d", ErrFile, path, w, h, width, height)
	}
	return v, nil
}

func (v *video) close() {
	_ = v.frame.Close()
	_ = v.capture.Close()
}

// read decodes n frames from the given one on.
func (v *video) read(first, n int, each func(int, *picture) error) error {
	if err := v.seek(first); err != nil {
		return err
	}
	for i := range n {
		if !v.capture.Read(&v.frame) || v.frame.Empty() || v.frame.Channels() != 3 {
			return fmt.Errorf("%w: %s ends before frame %d, want %d from %d on", ErrFile, v.path, first+i, n, first)
		}
		if err := each(i, &picture{v.frame}); err != nil {
			return fmt.Errorf("frame %d of %s: %w", first+i, v.path, err)
		}
	}
	return nil
}

// seek goes to a frame by its number, and says so when OpenCV came out elsewhere.
func (v *video) seek(frame int) error {
	if frame == 0 {
		return nil
	}
	v.capture.Set(gocv.VideoCapturePosFrames, float64(frame))
	if at := v.capture.Get(gocv.VideoCapturePosFrames); math.Abs(at-float64(frame)) > 0.5 {
		return fmt.Errorf("%w: %s has no frame %d: looking for it ended at %g", ErrFile, v.path, frame, at)
	}
	return nil
}

// film writes an mp4.
type film struct {
	path   string
	writer *gocv.VideoWriter
	frames int
}

func newFilm(path string, fps float64, width, height int) (*film, error) {
	if width%2 != 0 || height%2 != 0 {
		return nil, fmt.Errorf("%w: mp4 halves the colours' resolution, and %dx%d px is not even; export PNG pictures instead", ErrFeature, width, height)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	w, err := gocv.VideoWriterFile(path, codec, fps, width, height, true)
	if err == nil && !w.IsOpened() {
		_ = w.Close()
		err = fmt.Errorf("OpenCV has no encoder %q, or no room for its file; free space, or export PNG pictures instead", codec)
	}
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", path, err)
	}
	return &film{path: path, writer: w}, nil
}

func (f *film) add(p *picture) error {
	f.frames++
	return f.writer.Write(p.mat)
}

// close may be called again, after an error: the encoder behind it must not be freed twice.
func (f *film) close() error {
	w := f.writer
	if f.writer = nil; w == nil {
		return nil
	}
	return w.Close()
}
