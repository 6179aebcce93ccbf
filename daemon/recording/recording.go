// Package recording writes down what happens while it happens.
//
// What belongs here: files that are written beside the control loop, which never waits for a disk. A record that cannot
// go on stops, says so once, and leaves a file that is whole to its last line; control goes on. How much of a disk records
// may have. What does not belong here: what is worth recording, when to begin again, and results, without which there is
// nothing to go on for (daemon/evaluation).
package recording

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
)

// backlog is how many lines may wait for the disk: half a minute of commands at 100 Hz.
const backlog = 3000

var errSlow = errors.New("the disk does not keep up")

// File is what a Log writes to, such as an *os.File.
type File interface {
	Write(line []byte) (int, error)
	Truncate(size int64) error
	Close() error
}

// Log is a file of JSON objects, one a line, in the order of Put.
type Log struct {
	name  string
	file  File
	tell  func(error)
	done  chan struct{} // closed when the writer has ended
	lines chan any

	mu      sync.Mutex
	stopped error // why nothing more is taken
	closed  bool
}

// Create starts an empty log. tell is called once, from a goroutine of the log's or of Put's, when it has to stop.
func Create(name string, tell func(error)) (*Log, error) {
	file, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	return start(name, file, tell), nil
}

func start(name string, file File, tell func(error)) *Log {
	l := &Log{name: name, file: file, tell: tell, done: make(chan struct{}), lines: make(chan any, backlog)}
	go l.write()
	return l
}

// Put takes a line and does not wait: what it points to must not change any more.
func (l *Log) Put(line any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped != nil || l.closed {
		return
	}
	select {
	case l.lines <- line:
	default:
		l.stop(errSlow)
	}
}

// Close waits until all is written, and returns why the record is not whole, if it is not.
func (l *Log) Close() error {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.lines)
	}
	l.mu.Unlock()
	<-l.done
	return errors.Join(l.stopped, l.file.Close())
}

// write runs until Close. After a failure it only empties the backlog.
func (l *Log) write() {
	defer close(l.done)
	size, failed := int64(0), false
	for line := range l.lines {
		if failed {
			continue
		}
		n, err := l.writeLine(line)
		if err != nil {
			failed = true
			// Part of a line may be there. That it cannot be taken back either is no news.
			_ = l.file.Truncate(size)
			l.mu.Lock()
			l.stop(err)
			l.mu.Unlock()
			continue
		}
		size += int64(n)
	}
}

func (l *Log) writeLine(line any) (int, error) {
	text, err := lineOf(line)
	if err != nil {
		return 0, err
	}
	return l.file.Write(text)
}

func lineOf(line any) ([]byte, error) {
	text, err := json.Marshal(line)
	return append(text, '\n'), err
}

// stop is called with the lock held.
func (l *Log) stop(why error) {
	if l.stopped != nil {
		return
	}
	l.stopped = fmt.Errorf("recording %s stopped: %w; make room on a disk that keeps up; what is in it is whole to its last line", l.name, why)
	l.tell(l.stopped)
}
