package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// replies are lines of a peer, with what is wrong with them; empty for nothing.
func replies() map[string]string {
	return map[string]string{
		`{}`:                                 "",
		`{"says": "torch 2"}`:                "",
		`{"ns": [1, 2]}`:                     "",
		`{"values": [1.5, -2e-3]}`:           "",
		`{"error": "no\n memory"}`:           "no memory",
		``:                                   "EOF",
		`Compiling...`:                       "invalid character",
		`{"ns": [1]} {"ns": [2]}`:            "goes on",
		`{"ns": [0]}`:                        "a run of 0 ns",
		`{"ns": [-5]}`:                       "a run of -5 ns",
		`{"ns": [1.5]}`:                      "cannot unmarshal",
		`{"values": [NaN]}`:                  "invalid character",
		`{"values": [1e39]}`:                 "cannot unmarshal",
		`{"ms": [1]}`:                        "unknown field",
		strings.Repeat(" ", maxReply) + "{}": "at most",
	}
}

func TestDecodeReply(t *testing.T) {
	for line, want := range replies() {
		_, err := decodeReply([]byte(line))
		if want == "" && err != nil {
			t.Errorf("%.40q: %v", line, err)
		}
		if want != "" && (!errors.Is(err, errPeer) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%.40q: error %v, want one of a peer, in one line, about %q", line, err, want)
		}
	}
}

func FuzzDecodeReply(f *testing.F) {
	for line := range replies() {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := decodeReply(line)
		if err != nil {
			if !errors.Is(err, errPeer) {
				t.Errorf("error %v is not a peer's", err)
			}
			return
		}
		for _, ns := range r.NS {
			if ns <= 0 {
				t.Errorf("accepted a run of %d ns", ns)
			}
		}
	})
}

// answering is a peer that answers each line by a function, until the function gives none.
func answering(t *testing.T, answer func(line string) string) *peer {
	questions, to := io.Pipe()
	from, answers := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer answers.Close()
		lines := bufio.NewScanner(questions)
		for lines.Scan() {
			text := answer(lines.Text())
			if text == "" {
				break
			}
			fmt.Fprintln(answers, text)
		}
		questions.CloseWithError(io.ErrClosedPipe)
	}()
	return newPeer(to, from, func() error { <-done; return nil })
}

func TestPeerConversation(t *testing.T) {
	var asked []string
	p := answering(t, func(line string) string {
		asked = append(asked, line)
		if strings.Contains(line, "run") {
			return `{"ns": [7, 8]}`
		}
		return `{"values": [1, 2.5]}`
	})
	times, err := p.Run(2)
	if err != nil || len(times) != 2 || times[1] != 8*time.Nanosecond {
		t.Errorf("times %v, error %v", times, err)
	}
	values, err := p.Output()
	if err != nil || len(values) != 2 || values[1] != 2.5 {
		t.Errorf("values %v, error %v", values, err)
	}
	if _, err := p.Run(3); !errors.Is(err, errPeer) {
		t.Errorf("two times for three runs: error %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if asked[0] != `{"do":"run","times":2}` || asked[1] != `{"do":"output"}` {
		t.Errorf("asked %q", asked)
	}
}

// TestPeerThatDies must not hang, nor look like an answer.
func TestPeerThatDies(t *testing.T) {
	p := answering(t, func(string) string { return "" })
	if _, err := p.Run(1); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v, want an unexpected end", err)
	}
	if _, err := p.Run(1); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the next question: error %v, want a closed pipe", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestInterpreterThatIsMissing(t *testing.T) {
	python, absent := interpreter(t.TempDir(), "peers.py")
	if python != nil || !strings.Contains(absent, "make bench-setup") {
		t.Errorf("found %q, says %q", python, absent)
	}
}
