package evaluation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// ErrJournal is wrapped when a journal is not one, or is another evaluation's.
var ErrJournal = errors.New("journal of an evaluation")

// Identity is everything that a trial depends on beside its arm, shift and seed, by name.
type Identity map[string]string

// Entry is one trial of an arm under a shift.
type Entry struct {
	Arm   string `json:"arm"`
	Shift string `json:"shift,omitempty"`
	Trial
}

// Journal is the file in which the trials of one evaluation are kept as they end, one JSON object a line after
// the evaluation's identity. An evaluation that was killed goes on from it. It is for one process at a time,
// and its methods for one goroutine at a time.
type Journal struct {
	file    *os.File
	entries []Entry
}

// OpenJournal opens the journal at path or begins one. One of another evaluation is refused.
func OpenJournal(path string, id Identity) (*Journal, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrJournal, err)
	}
	j := &Journal{file: file}
	if err := j.open(id); err != nil {
		return nil, errors.Join(fmt.Errorf("%w %s: %w", ErrJournal, path, err), file.Close())
	}
	return j, nil
}

func (j *Journal) open(id Identity) error {
	if err := syscall.Flock(int(j.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("another process writes it (%w); wait for that one, or name another file", err)
	}
	text, err := io.ReadAll(j.file)
	if err != nil {
		return err
	}
	was, entries, whole, err := decodeJournal(text)
	if err != nil {
		return err
	}
	if was != nil {
		if err := was.same(id); err != nil {
			return err
		}
	}
	// What is behind the last whole line was being written when its process died.
	if err := j.file.Truncate(int64(whole)); err != nil {
		return err
	}
	if was == nil {
		return j.begin(id)
	}
	j.entries = entries
	return nil
}

// begin writes the identity, so that the file is there after a power cut.
func (j *Journal) begin(id Identity) error {
	if err := j.write(journalLine{Identity: id}); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(j.file.Name()))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// same says what is different about an evaluation that would go on here.
func (was Identity) same(is Identity) error {
	names := slices.Sorted(maps.Keys(was))
	for _, name := range slices.Sorted(maps.Keys(is)) {
		if _, ok := was[name]; !ok {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if was[name] != is[name] {
			return fmt.Errorf("%s was %q and is %q now; go on with what was, or name another file", name, was[name], is[name])
		}
	}
	return nil
}

// Entries are the trials so far, in the order in which they ended.
func (j *Journal) Entries() []Entry { return j.entries }

// Put keeps a trial; it is on the disk when Put returns.
func (j *Journal) Put(e Entry) error {
	if err := j.write(journalLine{Trial: &e}); err != nil {
		return fmt.Errorf("%w %s: %w", ErrJournal, j.file.Name(), err)
	}
	j.entries = append(j.entries, e)
	return nil
}

func (j *Journal) write(line journalLine) error {
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	if _, err := j.file.Write(append(text, '\n')); err != nil {
		return err
	}
	return j.file.Sync()
}

// Close lets the file go.
func (j *Journal) Close() error { return j.file.Close() }

// journalLine is one line: the identity, which comes first, or a trial.
type journalLine struct {
	Identity Identity `json:"identity,omitempty"`
	Trial    *Entry   `json:"trial,omitempty"`
}

// decodeJournal reads the whole lines of a journal and says how many bytes they are. The identity is nil where
// there is no line yet.
func decodeJournal(text []byte) (id Identity, entries []Entry, whole int, err error) {
	whole = bytes.LastIndexByte(text, '\n') + 1
	number := 0
	for line := range bytes.Lines(text[:whole]) {
		number++
		var l journalLine
		strict := json.NewDecoder(bytes.NewReader(line))
		strict.DisallowUnknownFields()
		if err := strict.Decode(&l); err != nil {
			return nil, nil, 0, fmt.Errorf("line %d: %w", number, err)
		}
		switch {
		case number == 1 && len(l.Identity) > 0 && l.Trial == nil:
			id = l.Identity
		case number > 1 && l.Identity == nil && l.Trial != nil && l.Trial.valid():
			entries = append(entries, *l.Trial)
		default:
			return nil, nil, 0, fmt.Errorf("line %d is neither the identity that begins a journal nor a trial behind one", number)
		}
	}
	return id, entries, whole, nil
}

func (e *Entry) valid() bool {
	known := slices.Contains([]string{"success", "failure", "truncated", "aborted"}, e.Outcome)
	return e.Arm != "" && known && e.Steps >= 0
}
