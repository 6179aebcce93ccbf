package control

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// outbox is the preallocated slot between the tick and the wire: the newest command wins.
//
// It is an eventfd that wakes the publisher, and not a channel: what a goroutine makes ready by a channel is queued at
// its own processor, and Go's runtime then takes that processor from the tick while it sleeps. When the tick wakes up it
// must find another one, behind locks that a thread of a lower class may hold.
type outbox struct {
	event int
	one   [8]byte // what the tick writes

	mu     sync.Mutex
	newest Output
}

func newOutbox() (*outbox, error) {
	event, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("opening the slot for commands: %w", err)
	}
	o := &outbox{event: event}
	binary.NativeEndian.PutUint64(o.one[:], 1)
	return o, nil
}

// put leaves a command. It neither waits nor allocates.
func (o *outbox) put(out *Output) error {
	o.mu.Lock()
	o.newest = *out
	o.mu.Unlock()
	return o.wake(&o.one)
}

func (o *outbox) wake(one *[8]byte) error {
	if _, err := unix.Write(o.event, one[:]); err != nil {
		return fmt.Errorf("leaving a command in its slot: %w", err)
	}
	return nil
}

// drain delivers what is left until ctx ends. It returns early when the slot is broken, which put finds as well.
func (o *outbox) drain(ctx context.Context, deliver func(Output)) {
	one, woken := o.one, make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = o.wake(&one) // where this fails, reading has failed as well
		close(woken)
	})
	defer func() {
		if !stop() {
			<-woken // or it would write to what is closed
		}
	}()
	var count [8]byte
	for {
		if _, err := unix.Read(o.event, count[:]); err == unix.EINTR {
			continue
		} else if err != nil || ctx.Err() != nil {
			return
		}
		o.mu.Lock()
		out := o.newest
		o.mu.Unlock()
		deliver(out)
	}
}

// close comes after drain has returned, and after the last put.
func (o *outbox) close() error { return unix.Close(o.event) }
