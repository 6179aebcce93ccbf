// Package base opens a frozen pretrained model: a safetensors file with timm's names, and beside it a record
// that says what it is and where it came from.
//
// What belongs here: the record, and every check that a base passes before anything is computed with it. What
// does not: its layers (model/backbone). Bases are opened read-only and never written to; the one thing that
// is written is the record of a file that a user brings (Describe).
//
// The converter in convert/ makes the base that `make setup` installs; it needs Python and runs once.
package base

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"sim2reald/model/backbone"
	"sim2reald/model/safetensors"
)

// Every refusal of this package wraps one of these, or an error of model/safetensors or model/backbone.
var (
	ErrMissing = errors.New("base is missing")
	ErrDigest  = errors.New("base is not what its record says")
	ErrRecord  = errors.New("unusable base record")
)

// Base is a checked base in memory. Nothing in it may be changed.
type Base struct {
	Path   string
	Record Record
	Arch   backbone.Arch
	File   *safetensors.File
}

// Open reads the base at path, NAME.safetensors, and its record, NAME.json, and checks the file's digest, the
// canonical digest over its tensors, that every weight is finite, and that the architecture finds all its
// tensors. An error is one line with a remedy.
func Open(path string) (*Base, error) {
	b, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("base %s: %w", path, err)
	}
	return b, nil
}

func open(path string) (*Base, error) {
	r, err := readRecord(recordPath(path))
	if err != nil {
		return nil, err
	}
	data, err := readBytes(path)
	if err != nil {
		return nil, err
	}
	// The digest is asked before the bytes are parsed, so that a damaged file is called damaged.
	if got := digest(data); got != r.FileDigest {
		return nil, fmt.Errorf("file digest is %s, record says %s; %s: %w", got, r.FileDigest, r.remedy(), ErrDigest)
	}
	b, err := check(path, data, r)
	if err != nil {
		return nil, err
	}
	if got := b.File.Digest(); got != r.CanonicalDigest {
		return nil, fmt.Errorf("canonical digest is %s, record says %s; %s: %w", got, r.CanonicalDigest, r.remedy(), ErrDigest)
	}
	return b, nil
}

// check parses the bytes and holds them against the record's architecture.
func check(path string, data []byte, r Record) (*Base, error) {
	arch, err := backbone.Parse(r.Architecture)
	if err != nil {
		return nil, err
	}
	f, err := safetensors.Parse(data, safetensors.DefaultLimits())
	if err != nil {
		return nil, err
	}
	if err := arch.Check(f); err != nil {
		return nil, err
	}
	if err := f.CheckNumbers(); err != nil {
		return nil, fmt.Errorf("%w; a base with such weights cannot be used, get another copy, or round subnormal ones to zero", err)
	}
	return &Base{Path: path, Record: r, Arch: arch, File: f}, nil
}

// Identity is the canonical digest over the tensors: what a bundle names its base by.
func (b *Base) Identity() string { return b.Record.CanonicalDigest }

// Unchanged says whether the base is still what was opened, in memory and on disk; if not it is ErrDigest.
func (b *Base) Unchanged() error {
	if got := b.File.Digest(); got != b.Identity() {
		return fmt.Errorf("base %s: its weights were %s and are %s in memory; do not use what was computed with them: %w",
			b.Path, b.Identity(), got, ErrDigest)
	}
	data, err := readBytes(b.Path)
	if err != nil {
		return fmt.Errorf("base %s: %w", b.Path, err)
	}
	if got := digest(data); got != b.Record.FileDigest {
		return fmt.Errorf("base %s: the file was %s and is %s; %s: %w", b.Path, b.Record.FileDigest, got, b.Record.remedy(), ErrDigest)
	}
	return nil
}

// Describe checks a file that a user brings, completes r with its digests, writes it beside the file and
// gives the base. A record that is there already is not overwritten.
func Describe(path string, r Record) (*Base, error) {
	b, err := describe(path, r)
	if err != nil {
		return nil, fmt.Errorf("base %s: %w", path, err)
	}
	return b, nil
}

func describe(path string, r Record) (*Base, error) {
	data, err := readBytes(path)
	if err != nil {
		return nil, err
	}
	b, err := check(path, data, r)
	if err != nil {
		return nil, err
	}
	b.Record.Version = recordVersion
	b.Record.FileDigest = digest(data)
	b.Record.CanonicalDigest = b.File.Digest()
	return b, b.Record.write(recordPath(path))
}

// readBytes reads a regular file of bounded size, read-only.
func readBytes(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no such file; run `make setup` or `make base-resnet50` for the bases that the project knows, or bring a safetensors file and its record: %w", ErrMissing)
	}
	if err != nil {
		return nil, err
	}
	limit := safetensors.DefaultLimits().MaxFile
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("not a regular file of at most %d bytes: %w", limit, ErrMissing)
	}
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(in, data); err != nil {
		return nil, fmt.Errorf("reading %d bytes: %w", len(data), err)
	}
	return data, nil
}

// recordPath is NAME.json for NAME.safetensors.
func recordPath(path string) string { return strings.TrimSuffix(path, ".safetensors") + ".json" }

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
