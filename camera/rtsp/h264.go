package rtsp

// #cgo pkg-config: libavcodec libavutil libswscale
// #include "h264.h"
import "C"

import (
	"errors"
	"slices"
	"unsafe"

	"sim2reald/camera"
	"sim2reald/camera/encoded"
)

// padding lies behind what libavcodec reads, and behind what libswscale writes: both work in whole vectors.
const padding = 64

var (
	errBroken = errors.New("a picture that does not decode as sent")
	errMemory = errors.New("no memory for a picture")
)

// avcodec decodes access units by libavcodec. It belongs to one goroutine.
type avcodec struct{ c *C.h264 }

func openH264() (decoder, error) {
	c := C.h264_open(encoded.MaxSide * encoded.MaxSide)
	if c == nil {
		return nil, errors.New("libavcodec has no H264 decoder; install Debian's libavcodec59")
	}
	return &avcodec{c}, nil
}

// send takes a unit whose data have padding zero bytes behind their length.
func (d *avcodec) send(u *unit) error {
	return errorOf(C.h264_send(d.c, (*C.uint8_t)(unsafe.SliceData(u.data)), C.int(len(u.data)), C.int64_t(u.id)))
}

func (d *avcodec) receive(f *camera.Frame) (id int64, ok bool, err error) {
	var p C.h264_picture
	if code := C.h264_receive(d.c, &p); code != C.H264_PICTURE {
		return 0, false, errorOf(code)
	}
	if p.broken != 0 || p.width < 1 || p.height < 1 || p.width > encoded.MaxSide || p.height > encoded.MaxSide {
		return 0, false, errBroken
	}
	f.Width, f.Height = int(p.width), int(p.height)
	f.Pix = room(f.Pix, 3*f.Width*f.Height)
	if code := C.h264_rgb(d.c, (*C.uint8_t)(unsafe.SliceData(f.Pix))); code != C.H264_PICTURE {
		return 0, false, errorOf(code)
	}
	return int64(p.id), true, nil
}

// room is n bytes with padding behind them, in the memory of pix if that suffices.
func room(pix []byte, n int) []byte { return slices.Grow(pix[:0], n+padding)[:n] }

func (d *avcodec) anew() error { return errorOf(C.h264_anew(d.c)) }

func (d *avcodec) close() {
	C.h264_close(d.c)
	d.c = nil
}

func errorOf(code C.int) error {
	switch code {
	case C.H264_NONE, C.H264_PICTURE:
		return nil
	case C.H264_MEMORY:
		return errMemory
	}
	return errBroken
}
