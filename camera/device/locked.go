package device

import (
	"errors"

	"sim2reald/camera"
)

// verifyEvery pictures the controls are read back; and after the first one, with which some drivers begin anew.
const verifyEvery = 100

// locked is a capture whose controls stay as they were asked for.
type locked struct {
	capture
	driver driver
	close  func()
	want   map[string]int
	reads  int
}

func openLocked(c capture, path string, want map[string]int) (*locked, error) {
	n, err := openNode(path)
	if err != nil {
		return nil, err
	}
	l := &locked{capture: c, driver: n, close: n.close, want: want}
	if err := lock(n, want); err != nil {
		n.close()
		return nil, err
	}
	return l, nil
}

// Read hands on no picture that was taken while a control was found to be another.
func (l *locked) Read(f *camera.Frame) error {
	if err := l.capture.Read(f); err != nil {
		return err
	}
	due := l.reads%verifyEvery == 0
	l.reads++
	if !due {
		return nil
	}
	return verify(l.driver, l.want)
}

// Close closes both.
func (l *locked) Close() error {
	l.close()
	return errors.Join(l.capture.Close())
}
