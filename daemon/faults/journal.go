package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// row is a line of the journal: the outcome of a case, or with Run one of its runs.
type row struct {
	Subject string  `json:"subject"` // what was tested, and in which counts: rows of another are not ours
	Case    string  `json:"case"`
	Run     int     `json:"run,omitempty"`    // from 1
	Figure  *figure `json:"figure,omitempty"` // of a run
	Void    string  `json:"void,omitempty"`   // why a run counts for nothing, in its figure's place
	Seconds float64 `json:"seconds,omitempty"`
	outcome
}

// journal is a file of rows, one JSON object a line, that a stopped suite goes on from.
type journal struct {
	subject string
	file    *os.File
	rows    map[string]row     // of the subject, by case and run
	voids   map[string][]error // why runs of a case were void
}

func key(id string, run int) string { return fmt.Sprintf("%s/%d", id, run) }

// openJournal reads what is there of the subject. Without resume nothing is taken over. A last line that a kill left
// half written is dropped, and ended.
func openJournal(path, subject string, resume bool) (*journal, error) {
	j := &journal{subject: subject, rows: map[string]row{}, voids: map[string][]error{}}
	if err := j.read(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if !resume {
		j.rows, j.voids = map[string]row{}, map[string][]error{}
	}
	var err error
	if j.file, err = os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	_, err = j.file.WriteString("\n")
	return j, err
}

func (j *journal) read(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var r row
		if json.Unmarshal(lines.Bytes(), &r) != nil || r.Subject != j.subject {
			continue
		}
		if j.rows[key(r.Case, r.Run)] = r; r.Void != "" {
			j.voids[r.Case] = append(j.voids[r.Case], errors.New(r.Void))
		}
	}
	return lines.Err()
}

func (j *journal) put(r row) error {
	r.Subject = j.subject
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = j.file.Write(append(line, '\n'))
	return err
}

// value is what a run of a case measured, counted from 0.
func (j *journal) value(id string, i int) (figure, bool) {
	r := j.rows[key(id, i+1)]
	if r.Figure == nil {
		return figure{}, false
	}
	return *r.Figure, true
}

// passed is the outcome of a case that passed before.
func (j *journal) passed(id string) (outcome, bool) {
	r, ok := j.rows[key(id, 0)]
	return r.outcome, ok && r.Verdict == passed
}

func (j *journal) Close() error { return j.file.Close() }
