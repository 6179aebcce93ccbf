package rtsp

// #cgo pkg-config: libturbojpeg
// #include <turbojpeg.h>
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	"sim2reald/camera"
	"sim2reald/camera/encoded"
)

// mjpeg decodes each picture by itself, and takes every warning of libjpeg for what it is: bytes that are missing, left
// over, or not a code. It belongs to one goroutine.
type mjpeg struct {
	c    C.tjhandle
	unit *unit // sent and not yet received
}

func openMJPEG() (decoder, error) {
	c := C.tjInitDecompress()
	if c == nil {
		return nil, errors.New("libturbojpeg does not start; install Debian's libturbojpeg0")
	}
	return &mjpeg{c: c}, nil
}

func (d *mjpeg) send(u *unit) error {
	d.unit = u
	return nil
}

func (d *mjpeg) receive(f *camera.Frame) (id int64, ok bool, err error) {
	u := d.unit
	if u == nil {
		return 0, false, nil
	}
	d.unit = nil
	data, size := (*C.uchar)(unsafe.SliceData(u.data)), C.ulong(len(u.data))
	var width, height, subsampling, space C.int
	if C.tjDecompressHeader3(d.c, data, size, &width, &height, &subsampling, &space) != 0 {
		return 0, false, d.why()
	}
	if width < 1 || height < 1 || width > encoded.MaxSide || height > encoded.MaxSide {
		return 0, false, fmt.Errorf("%w: %dx%d pixels", errBroken, width, height)
	}
	f.Width, f.Height = int(width), int(height)
	f.Pix = room(f.Pix, 3*f.Width*f.Height)
	if C.tjDecompress2(d.c, data, size, (*C.uchar)(unsafe.SliceData(f.Pix)), width, 3*width, height, C.TJPF_RGB,
		C.TJFLAG_STOPONWARNING|C.TJFLAG_LIMITSCANS) != 0 {
		return 0, false, d.why()
	}
	return u.id, true, nil
}

func (d *mjpeg) why() error {
	return fmt.Errorf("%w: %s", errBroken, C.GoString(C.tjGetErrorStr2(d.c)))
}

func (d *mjpeg) anew() error {
	d.unit = nil
	return nil
}

func (d *mjpeg) close() {
	C.tjDestroy(d.c)
	d.c = nil
}
