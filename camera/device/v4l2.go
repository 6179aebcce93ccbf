package device

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// From linux/videodev2.h, which is an interface to user space and does not change.
const (
	queryControl = 0xc0445624 // VIDIOC_QUERYCTRL: _IOWR('V', 36, struct v4l2_queryctrl)
	queryMenu    = 0xc02c5625 // VIDIOC_QUERYMENU: _IOWR('V', 37, struct v4l2_querymenu)
	getControl   = 0xc008561b // VIDIOC_G_CTRL: _IOWR('V', 27, struct v4l2_control)
	setControl   = 0xc008561c // VIDIOC_S_CTRL: _IOWR('V', 28, struct v4l2_control)

	sizeDescription = 68 // of v4l2_queryctrl: id, type, name[32], minimum, maximum, step, default, flags, reserved[2]
	sizeMenu        = 44 // of v4l2_querymenu: id, index, name[32] or a value of 64 bit, reserved
	sizeValue       = 8  // of v4l2_control: id, value

	nextControl = 0x80000000

	kindInt, kindBool, kindMenu, kindBitmask, kindIntMenu = 1, 2, 3, 8, 9

	flagDisabled, flagReadOnly, flagInactive, flagWriteOnly = 0x1, 0x4, 0x10, 0x40
)

// description is a v4l2_queryctrl.
type description struct {
	id, kind, flags         uint32
	name                    string
	low, high, step, preset int32
}

// parseDescription reads the kernel's bytes, in this machine's order.
func parseDescription(b *[sizeDescription]byte) description {
	word := func(at int) uint32 { return binary.NativeEndian.Uint32(b[at:]) }
	return description{
		id: word(0), kind: word(4), name: text(b[8:40]),
		low: int32(word(40)), high: int32(word(44)), step: int32(word(48)), preset: int32(word(52)), flags: word(56),
	}
}

// text ends at the first zero.
func text(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}

// control is a description without its value; ok is false for what has none of 32 bit that can be read.
func (d *description) control() (c Control, ok bool) {
	kind, ok := map[uint32]Kind{kindInt: Whole, kindBool: Switch, kindMenu: Menu, kindIntMenu: Menu, kindBitmask: Bits}[d.kind]
	if !ok || d.flags&(flagDisabled|flagWriteOnly) != 0 || plain(d.name) == "" {
		return Control{}, false
	}
	return Control{
		id: d.id, Name: plain(d.name), Kind: kind, Min: d.low, Max: d.high, Step: d.step, Default: d.preset,
		Inactive: d.flags&flagInactive != 0, ReadOnly: d.flags&flagReadOnly != 0,
	}, true
}

// plain is a driver's name as v4l2-ctl writes it: letters and digits in lower case, and one _ for whatever stands between.
func plain(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words, "_")
}

// node is an open device.
type node struct{ file *os.File }

func openNode(path string) (*node, error) {
	file, err := os.OpenFile(path, os.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	return &node{file}, nil
}

func (n *node) close() { _ = n.file.Close() } // nothing that could be lost

// ask is one ioctl on a struct's bytes.
func (n *node) ask(request uint, b []byte) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, n.file.Fd(), uintptr(request), uintptr(unsafe.Pointer(unsafe.SliceData(b))))
		switch {
		case errno == 0:
			return nil
		case errno == unix.EINVAL:
			return errNoControl
		case errno != unix.EINTR:
			return errno
		}
	}
}

func (n *node) query(after uint32) (description, error) {
	var b [sizeDescription]byte
	binary.NativeEndian.PutUint32(b[:], after|nextControl)
	if err := n.ask(queryControl, b[:]); err != nil {
		if errors.Is(err, unix.ENOTTY) {
			err = errNoControl // a driver without any
		}
		return description{}, err
	}
	return parseDescription(&b), nil
}

func (n *node) menu(id, kind uint32, value int32) (string, error) {
	var b [sizeMenu]byte
	binary.NativeEndian.PutUint32(b[:], id)
	binary.NativeEndian.PutUint32(b[4:], uint32(value))
	if err := n.ask(queryMenu, b[:]); err != nil {
		return "", err
	}
	if kind == kindIntMenu {
		return fmt.Sprint(int64(binary.NativeEndian.Uint64(b[8:]))), nil
	}
	return text(b[8:40]), nil
}

func (n *node) get(id uint32) (int32, error) {
	var b [sizeValue]byte
	binary.NativeEndian.PutUint32(b[:], id)
	if err := n.ask(getControl, b[:]); err != nil {
		return 0, err
	}
	return int32(binary.NativeEndian.Uint32(b[4:])), nil
}

func (n *node) set(id uint32, value int32) error {
	var b [sizeValue]byte
	binary.NativeEndian.PutUint32(b[:], id)
	binary.NativeEndian.PutUint32(b[4:], uint32(value))
	return n.ask(setControl, b[:])
}
