package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// ErrRecord is wrapped when a file of records cannot be read.
var ErrRecord = errors.New("records of results")

// Record is what one bundle came to under one shift: a line of model/results/ROW.jsonl.
type Record struct {
	Row          string `json:"row"`
	Settings     string `json:"settings"` // digest of all that the plan says of it, see Job.Settings
	TrainingSeed int64  `json:"training_seed"`
	Epoch        int    `json:"epoch"` // after which the bundle was taken
	Last         bool   `json:"last"`  // the end of training
	Shift        string `json:"shift"`

	FirstSeed int64  `json:"first_seed"`
	Outcomes  string `json:"outcomes"` // 1 for a success and 0 for none, by seed from the first up

	Data   string `json:"data"` // digests
	Bundle string `json:"bundle"`
	Base   string `json:"base"`
	Engine string `json:"engine"` // what really computed
	Drawn  string `json:"drawn"`  // what drew the simulator's pictures, as OpenGL says: no two draw quite alike

	Trainer      string  `json:"trainer"`       // what computed the gradients, and on what
	TrainMinutes float64 `json:"train_minutes"` // until the end of training
	Trainable    int     `json:"trainable"`     // parameters
	FirstLoss    float64 `json:"first_loss"`
	LastLoss     float64 `json:"last_loss"`
	HeldOutLoss  float64 `json:"held_out_loss"`

	Daemon string `json:"daemon"`
	Commit string `json:"commit"` // of the source
	Date   string `json:"date"`   // of the evaluation, YYYY-MM-DD
	CPU    string `json:"cpu"`
}

// Key says which part of a row a record is.
type Key struct {
	TrainingSeed int64
	Epoch        int
	Shift        string
}

// Key is the record's own.
func (r *Record) Key() Key { return Key{r.TrainingSeed, r.Epoch, r.Shift} }

// Successes are the outcomes as figures, 1 for a success.
func (r *Record) Successes() []float64 {
	out := make([]float64, len(r.Outcomes))
	for i, c := range r.Outcomes {
		if c == '1' {
			out[i] = 1
		}
	}
	return out
}

func (r *Record) validate() error {
	if r.Row == "" || r.Shift == "" || r.Epoch < 1 || r.TrainingSeed < 0 {
		return fmt.Errorf("row %q, training seed %d, epoch %d, shift %q", r.Row, r.TrainingSeed, r.Epoch, r.Shift)
	}
	if !regexp.MustCompile(`^[01]+$`).MatchString(r.Outcomes) {
		return fmt.Errorf("outcomes %q, want 0 and 1", r.Outcomes)
	}
	return nil
}

// RecordsFile is where a row's records are, in the folder of results.
func RecordsFile(folder, row string) string { return filepath.Join(folder, row+".jsonl") }

// readRecords reads a row's records; a row that has none yet has no file.
func readRecords(folder, row string) ([]Record, error) {
	path := RecordsFile(folder, row)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	records, err := decodeRecords(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, r := range records {
		if r.Row != row {
			return nil, fmt.Errorf("%s: %w: a record of row %s", path, ErrRecord, r.Row)
		}
	}
	return records, nil
}

// decodeRecords reads one record a line, strictly.
func decodeRecords(text []byte) ([]Record, error) {
	var out []Record
	seen := map[Key]bool{}
	for i, line := range bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
		if len(text) == 0 {
			break
		}
		var r Record
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&r); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrRecord, i+1, err)
		}
		if err := r.validate(); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrRecord, i+1, err)
		}
		if seen[r.Key()] {
			return nil, fmt.Errorf("%w: line %d: training seed %d, epoch %d, shift %s stands twice", ErrRecord, i+1, r.TrainingSeed, r.Epoch, r.Shift)
		}
		seen[r.Key()] = true
		out = append(out, r)
	}
	return out, nil
}

// Append adds a record to its row's file, whole or not at all.
func Append(folder string, r Record) error {
	if err := r.validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrRecord, err)
	}
	before, err := os.ReadFile(RecordsFile(folder, r.Row))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrRecord, err)
	}
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRecord, err)
	}
	return Replace(RecordsFile(folder, r.Row), append(before, append(line, '\n')...))
}

// Replace puts text in the place of a file, whole or not at all.
func Replace(path string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+strings.TrimSuffix(filepath.Base(path), ".jsonl")+"-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
