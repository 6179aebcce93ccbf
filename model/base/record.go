package base

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const (
	recordVersion = 1
	maxRecord     = 1 << 16 // bytes
)

// Record is the JSON beside a base.
type Record struct {
	Version           int             `json:"record"` // of this format, 1
	Name              string          `json:"name"`   // timm's name of the model
	Source            Source          `json:"source"`
	Licence           Licence         `json:"licence"`
	PossiblyFineTuned bool            `json:"possibly_fine_tuned"` // may differ from the published weights
	Note              string          `json:"note"`
	Architecture      json.RawMessage `json:"architecture"`     // see backbone.Parse
	FileDigest        string          `json:"file_digest"`      // "sha256:..." of the file's bytes
	CanonicalDigest   string          `json:"canonical_digest"` // safetensors.File.Digest: the base's identity
}

// Source says where a base came from. All of it is empty for a file whose user does not say.
type Source struct {
	Package    string `json:"package"`
	Version    string `json:"version"`
	Digest     string `json:"digest"`      // of the package
	File       string `json:"file"`        // within the package
	FileDigest string `json:"file_digest"` // of that file
}

// Licence keeps the two apart: a package's licence is not that of the weights in it.
type Licence struct {
	Package string `json:"package"`
	Weights string `json:"weights"` // "unknown" where nobody says
}

// readRecord reads a record strictly.
func readRecord(path string) (Record, error) {
	text, err := readSmall(path)
	if err != nil {
		return Record{}, err
	}
	return parseRecord(path, text)
}

// parseRecord decodes the text of the record at path.
func parseRecord(path string, text []byte) (Record, error) {
	var r Record
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return r, fmt.Errorf("record %s: %v: %w", path, err, ErrRecord)
	}
	if _, err := dec.Token(); err != io.EOF {
		return r, fmt.Errorf("record %s goes on after its object: %w", path, ErrRecord)
	}
	return r, r.validate(path)
}

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("record %s is not there; run `make setup` or `make base-resnet50` for the bases that the project knows, or describe your own file: %w", path, ErrMissing)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxRecord+1))
	if err == nil && len(text) > maxRecord {
		err = fmt.Errorf("record %s is longer than %d bytes: %w", path, maxRecord, ErrRecord)
	}
	return text, err
}

func (r Record) validate(path string) error {
	if r.Version != recordVersion {
		return fmt.Errorf("record %s has format %d, this version reads %d: %w", path, r.Version, recordVersion, ErrRecord)
	}
	if r.Name == "" || len(r.Architecture) == 0 {
		return fmt.Errorf("record %s lacks name or architecture: %w", path, ErrRecord)
	}
	for _, d := range []string{r.FileDigest, r.CanonicalDigest} {
		if !isDigest(d) {
			return fmt.Errorf("record %s: %q is not sha256: and 64 hex digits: %w", path, d, ErrRecord)
		}
	}
	return nil
}

func isDigest(s string) bool {
	text, ok := strings.CutPrefix(s, "sha256:")
	sum, err := hex.DecodeString(text)
	return ok && err == nil && len(sum) == 32 && text == strings.ToLower(text)
}

// remedy is what to do about a file that is not the recorded one.
func (r Record) remedy() string {
	if r.Source.Package != "" {
		return "run the target that made it, `make setup` or `make base-resnet50`, to convert it again"
	}
	return "restore the file that was described"
}

// write makes the record's file, which must not exist.
func (r Record) write(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("record %s: %v: %w", path, err, ErrRecord)
	}
	if err := r.validate(path); err != nil {
		return err
	}
	return writeNew(path, append(text, '\n'))
}

// writeNew links a finished temporary file into place, which fails when path exists.
func writeNew(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil {
		return fmt.Errorf("record %s: %v; move it away to describe the file anew: %w", path, err, ErrRecord)
	}
	return nil
}
