package control

import (
	"context"
	"testing"
	"time"
)

func TestOutboxKeepsTheNewest(t *testing.T) {
	o, err := newOutbox()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := o.put(&Output{Seen: time.Duration(i)}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	delivered, ended := make(chan time.Duration), make(chan struct{})
	go func() {
		o.drain(ctx, func(out Output) { delivered <- out.Seen })
		close(ended)
	}()
	if got := <-delivered; got != 2 {
		t.Errorf("delivered %d, want the newest of three", got)
	}
	if err := o.put(&Output{Seen: 7}); err != nil {
		t.Fatal(err)
	}
	if got := <-delivered; got != 7 {
		t.Errorf("delivered %d after it was empty", got)
	}
	stop() // while there is nothing to deliver
	<-ended
	if err := o.close(); err != nil {
		t.Error(err)
	}
	if err := o.put(&Output{}); err == nil {
		t.Error("a command was left in a slot that is closed")
	}
}
