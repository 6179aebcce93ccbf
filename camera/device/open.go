package device

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gocv.io/x/gocv"

	"sim2reald/camera"
	"sim2reald/camera/encoded"
)

const stillRateHz = 30

// open picks the kind of source by its name.
func open(opt Options) (capture, error) {
	path := numberedDevice(opt.Source)
	c, err := openPath(path, opt)
	if err != nil {
		return nil, fmt.Errorf("camera %s: opening %s: %w", opt.Camera, camera.Shown(path), err)
	}
	return c, nil
}

// numberedDevice lets a number stand for a device.
func numberedDevice(source string) string {
	if n, err := strconv.Atoi(source); err == nil {
		return fmt.Sprintf("/dev/video%d", n)
	}
	return source
}

// devices are where local cameras are, by number and by names that stay the same.
const devices = "/dev/"

// local is the /dev/videoN of a local camera, whatever name it is given by; empty for what is none.
func local(source string) (string, error) {
	path := numberedDevice(source)
	if !strings.HasPrefix(path, devices) {
		return "", nil
	}
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil // which opening it tells better
	}
	return real, err
}

func openPath(path string, opt Options) (capture, error) {
	switch {
	case opt.Series != nil:
		return openSeries(opt.Series, opt)
	case strings.Contains(path, "://"):
		return openStream(path, opt)
	case strings.ContainsAny(path, "*?["):
		return openPictures(path, opt)
	}
	if err := readable(path, opt.Key); err != nil {
		return nil, err
	}
	if node, err := local(path); err != nil {
		return nil, err
	} else if node != "" {
		return openDevice(node, opt)
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".png", ".jpg", ".jpeg":
		return openStill(path, opt)
	}
	return openVideo(path, opt)
}

// readable asks the system before OpenCV, which says nothing about the cause.
func readable(path, key string) error {
	file, err := os.Open(path)
	if err == nil {
		return file.Close()
	}
	device := strings.HasPrefix(path, devices)
	switch {
	case errors.Is(err, fs.ErrNotExist) && device:
		return fmt.Errorf("%w; plug it in or set %s", &missing{"device"}, key)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; set %s to an existing video or picture", &missing{"file"}, key)
	case errors.Is(err, fs.ErrPermission) && device:
		return fmt.Errorf("%w; add this user to the group video", fs.ErrPermission)
	}
	return fmt.Errorf("%w; set %s", err, key)
}

// missing reads better than the system's "file does not exist" for a camera, and is fs.ErrNotExist all the same.
type missing struct{ what string }

func (m *missing) Error() string { return "no such " + m.what }
func (m *missing) Unwrap() error { return fs.ErrNotExist }

func openDevice(path string, opt Options) (capture, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(path, devices+"video"))
	if err != nil {
		return nil, fmt.Errorf("not a camera; set %s to one that camera list shows", opt.Key)
	}
	vc, err := gocv.VideoCaptureDeviceWithAPI(n, gocv.VideoCaptureV4L2)
	if err != nil {
		_ = vc.Close()
		return nil, fmt.Errorf("not a camera that can be read, or in use; close its other user or set %s", opt.Key)
	}
	if opt.Width > 0 && opt.Height > 0 {
		vc.Set(gocv.VideoCaptureFrameWidth, float64(opt.Width))
		vc.Set(gocv.VideoCaptureFrameHeight, float64(opt.Height))
	}
	if opt.RateHz > 0 {
		vc.Set(gocv.VideoCaptureFPS, opt.RateHz)
	}
	v := &video{vc: vc, mat: gocv.NewMat()}
	if len(opt.Controls) == 0 {
		return v, nil
	}
	c, err := openLocked(v, path, opt.Controls)
	if err != nil {
		return nil, errors.Join(err, v.Close())
	}
	return c, nil
}

func openVideo(path string, opt Options) (capture, error) {
	vc, err := gocv.VideoCaptureFile(path)
	if err != nil {
		_ = vc.Close()
		return nil, fmt.Errorf("not a video that OpenCV can read; set %s to another", opt.Key)
	}
	v := &video{vc: vc, mat: gocv.NewMat(), path: path, loop: opt.Loop}
	rate := opt.RateHz
	if rate <= 0 {
		rate = vc.Get(gocv.VideoCaptureFPS)
	}
	if !(rate > 0 && rate < 1000) {
		rate = stillRateHz
	}
	v.period = time.Duration(float64(time.Second) / rate)
	return v, nil
}

// openStream asks FFmpeg alone: the readers of other things that OpenCV would try after it print what they cannot read,
// passwords and all.
func openStream(source string, opt Options) (capture, error) {
	if numbered(source) {
		return nil, fmt.Errorf("a %% with digits and a d is a series of pictures to FFmpeg; in %s, write that d as %%64", opt.Key)
	}
	vc, err := gocv.VideoCaptureFileWithAPI(source, gocv.VideoCaptureFFmpeg)
	if err != nil {
		_ = vc.Close()
		return nil, fmt.Errorf("not a stream that FFmpeg can read; look whether it is reachable, or set %s to another", opt.Key)
	}
	return &video{vc: vc, mat: gocv.NewMat(), path: source, loop: opt.Loop}, nil // it paces itself
}

// numbered finds what FFmpeg would count pictures by, and would print with all that stands around it.
func numbered(source string) bool {
	for _, rest := range strings.Split(source, "%")[1:] {
		if strings.HasPrefix(strings.TrimLeft(rest, "0123456789"), "d") {
			return true
		}
	}
	return false
}

func openStill(path string, opt Options) (capture, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s := &still{}
	if err := encoded.Decode(data, &s.frame); err != nil {
		return nil, fmt.Errorf("%w; set %s to another", err, opt.Key)
	}
	rate := opt.RateHz
	if rate <= 0 {
		rate = stillRateHz
	}
	s.period = time.Duration(float64(time.Second) / rate)
	return s, nil
}

// video is a VideoCapture of a device, file or stream.
type video struct {
	vc     *gocv.VideoCapture
	mat    gocv.Mat
	path   string // empty for a device
	period time.Duration
	loop   bool
	seen   bool // a frame since the last rewind: a file without frames must not loop for ever
}

func (v *video) Read(f *camera.Frame) error {
	if !v.vc.Read(&v.mat) || v.mat.Empty() {
		return v.end(f)
	}
	if v.mat.Type() != gocv.MatTypeCV8UC3 {
		return fmt.Errorf("pixels of type %v, want 8 bit BGR", v.mat.Type())
	}
	v.seen = true
	return encoded.FromBGR(v.mat, f)
}

func (v *video) end(f *camera.Frame) error {
	switch {
	case v.path == "":
		return errors.New("the camera stopped sending; plug it in again")
	case !v.loop || !v.seen:
		return errEnd
	}
	v.seen = false
	v.vc.Set(gocv.VideoCapturePosFrames, 0)
	return v.Read(f)
}

func (v *video) Period() time.Duration { return v.period }

func (v *video) Close() error {
	return errors.Join(v.mat.Close(), v.vc.Close())
}

// still is one picture.
type still struct {
	frame  camera.Frame
	period time.Duration
}

func (s *still) Read(f *camera.Frame) error {
	f.Width, f.Height = s.frame.Width, s.frame.Height
	f.Pix = append(f.Pix[:0], s.frame.Pix...)
	return nil
}

func (s *still) Period() time.Duration { return s.period }
func (s *still) Close() error          { return nil }
