package main

import (
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// TestProxy passes bytes, holds them back while stalled, and ends connections when cut.
func TestProxy(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	p, err := startProxy(echo.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c, err := net.Dial("tcp", p.address())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answers := func() bool {
		if _, err := c.Write([]byte("x")); err != nil {
			return false
		}
		_ = c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		_, err := c.Read(make([]byte, 1))
		return err == nil
	}
	if !answers() {
		t.Error("nothing came through")
	}
	p.stall(true)
	if answers() {
		t.Error("a stalled proxy answered")
	}
	p.stall(false)
	if !answers() {
		t.Error("nothing came through after the stall")
	}
	p.cut()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	for err = nil; err == nil; {
		_, err = c.Read(make([]byte, 16)) // what was held back may still come
	}
	if os.IsTimeout(err) {
		t.Error("a cut connection stays")
	}
}
