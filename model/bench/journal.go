package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
)

// journal writes one JSON object a line, as soon as there is one, so that an interrupted run keeps what it
// has. A nil journal writes nothing.
type journal struct {
	out io.WriteCloser
}

// openJournal replaces the file at path; an empty path is a nil journal.
func openJournal(path string) (*journal, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("writing rows: %w", err)
	}
	return &journal{f}, nil
}

// write adds {"KIND": value}.
func (j *journal) write(kind string, value any) error {
	if j == nil {
		return nil
	}
	line, err := json.Marshal(map[string]any{kind: value})
	if err == nil {
		_, err = j.out.Write(append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("writing a %s: %w", kind, err)
	}
	return nil
}

func (j *journal) Close() error {
	if j == nil {
		return nil
	}
	return j.out.Close()
}

// MarshalJSON writes null for what JSON has no spelling for.
func (n number) MarshalJSON() ([]byte, error) {
	if math.IsInf(float64(n), 0) || math.IsNaN(float64(n)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}
