package dataset

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// ErrBusy is wrapped when another process writes the folder.
var ErrBusy = errors.New("another process is writing it")

const lockFile = ".lock"

// Lock keeps other processes from writing the folder until unlock is called, or this process ends in whatever way. It
// makes the folder.
func Lock(dir string) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w (%w); wait for it, or choose another folder", dir, ErrBusy, err), file.Close())
	}
	return file.Close, nil
}
