package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
	"time"
)

// Exit statuses. 78 is sysexits.h's EX_CONFIG: what was configured is not so, and starting again changes nothing.
const (
	exitFailed = 1
	exitUsage  = 2
	exitConfig = 78
)

// misconfigured is an error that only another configuration, or another device where it points, can mend.
type misconfigured struct{ error }

// Unwrap is the error itself.
func (m misconfigured) Unwrap() error { return m.error }

// asMisconfigured marks an error; nil stays nil.
func asMisconfigured(err error) error {
	if err == nil {
		return nil
	}
	return misconfigured{err}
}

// exitStatus is what the process ends with.
func exitStatus(err error) int {
	var m misconfigured
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return exitUsage
	case errors.As(err, &m):
		return exitConfig
	}
	return exitFailed
}

// stopSignals ask for an orderly end: the arm is brought to rest first. A terminal that closes is one of them, unless
// nohup said that it shall not matter. Asked twice, the daemon goes on ending as it was.
func stopSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// endBy is how long the service takes to end at most. What hangs in a library cannot be asked to stop; by then the arm
// is at rest, or its bridge has stopped it.
const endBy = 4 * time.Second

// endInTime ends the process when it has not ended by itself endBy after ctx, and says what it waited for. The returned
// function takes that back.
func endInTime(ctx context.Context, log *slog.Logger) (done func()) {
	ended := make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
		case <-ended:
			return
		}
		select {
		case <-time.After(endBy):
			log.Error("the daemon did not end by itself; what it waits for follows", "after", endBy)
			// What cannot be written to stderr cannot be reported either.
			_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 2)
			os.Exit(exitFailed)
		case <-ended:
		}
	}()
	return func() { close(ended) }
}
