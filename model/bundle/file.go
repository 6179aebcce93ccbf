package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"sim2reald/model/safetensors"
)

// MaxFile bounds a bundle file, in bytes: a few MB is usual, one of kind full is as large as its base.
const MaxFile = 2 << 30

const (
	keyManifest = "manifest"
	keyChecksum = "checksum"
)

// Save writes the bundle so that path holds either its old bytes or all of the new ones. Equal bundles give
// equal bytes.
func (b *Bundle) Save(path string) error { return b.file.WriteFile(path) }

// Load reads and checks a bundle. An error names the path and wraps one of the package's sentinels.
func Load(path string) (*Bundle, error) {
	data, err := safetensors.ReadBytes(path, limits())
	if err != nil {
		return nil, fmt.Errorf("loading bundle: %w", unreadable(err, ErrCorrupt, "fetch or train it again"))
	}
	b, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("loading bundle %s: %w", path, err)
	}
	return b, nil
}

// unreadable is what ReadBytes refused, as damage where the file itself is the reason.
func unreadable(err, damage error, remedy string) error {
	if _, system := errors.AsType[*fs.PathError](err); system {
		return err
	}
	return fmt.Errorf("%w: %w; %s", damage, err, remedy)
}

// Parse checks the bytes of a bundle file. The bundle shares data, which must not change afterwards.
func Parse(data []byte) (*Bundle, error) {
	f, err := safetensors.Parse(data, limits())
	if err != nil {
		return nil, fmt.Errorf("%w: %w; fetch or train it again", ErrCorrupt, err)
	}
	if err := checkMetadata(f); err != nil {
		return nil, err
	}
	b := &Bundle{file: f}
	if err := decodeManifest([]byte(f.Metadata[keyManifest]), &b.Manifest); err != nil {
		return nil, err
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	if err := b.seal(); err != nil {
		return nil, err
	}
	return b, b.checkBytes(data)
}

func limits() safetensors.Limits {
	lim := safetensors.DefaultLimits()
	lim.MaxFile = MaxFile
	return lim
}

// checkMetadata wants exactly the two keys, and the checksum that belongs to the rest.
func checkMetadata(f *safetensors.File) error {
	manifest, ok := f.Metadata[keyManifest]
	if !ok {
		return fmt.Errorf("%w: no manifest in the metadata: not a bundle", ErrManifest)
	}
	for key := range f.Metadata {
		if key != keyManifest && key != keyChecksum {
			return fmt.Errorf("%w: unknown metadata key %q", ErrManifest, key)
		}
	}
	got := hash(checksumDomain, []byte(manifest), f.Digest())
	if want := f.Metadata[keyChecksum]; got != want {
		return fmt.Errorf("%w: checksum is %s, file says %.80q; fetch or train it again", ErrCorrupt, got, want)
	}
	return nil
}

// checkBytes catches what the checksum cannot see: another spelling of the same header.
func (b *Bundle) checkBytes(data []byte) error {
	var again bytes.Buffer
	again.Grow(len(data))
	if _, err := b.file.WriteTo(&again); err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if !bytes.Equal(again.Bytes(), data) {
		return fmt.Errorf("%w: its header is not as sim2reald writes it; fetch or train it again", ErrCorrupt)
	}
	return nil
}

// decodeManifest reads the one canonical spelling: known keys, each once, none missing.
func decodeManifest(text []byte, m *Manifest) error {
	if err := checkVersion(text); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(m); err != nil {
		return fmt.Errorf("%w: %w", ErrManifest, err)
	}
	again, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrManifest, err)
	}
	if !bytes.Equal(again, text) {
		return fmt.Errorf("%w: a key is missing, doubled or misspelled near %q", ErrManifest, difference(text, again))
	}
	return nil
}

// checkVersion comes before the strict decode, which would blame a newer version's keys instead.
func checkVersion(text []byte) error {
	var head struct {
		Schema    string `json:"schema"`
		Version   int    `json:"version"`
		MinDaemon string `json:"min_daemon"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return fmt.Errorf("%w: %w", ErrManifest, err)
	}
	if head.Schema == Schema && head.Version > newest {
		return fmt.Errorf("%w: its manifest is version %d, this daemon reads %d; install sim2reald %s or newer",
			ErrTooNew, head.Version, newest, head.MinDaemon)
	}
	return nil
}

// difference is the text around the first byte in which a and b differ.
func difference(a, b []byte) string {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	return string(a[max(0, min(i, len(a))-20):min(len(a), i+20)])
}

// seal writes the metadata and computes the digest.
func (b *Bundle) seal() error {
	manifest, err := json.Marshal(&b.Manifest)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrManifest, err)
	}
	bare := b.Manifest
	bare.Result = nil
	identity, err := json.Marshal(&bare)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrManifest, err)
	}
	tensors := b.file.Digest()
	b.digest = hash(digestDomain, identity, tensors)
	b.file = &safetensors.File{Tensors: b.file.Tensors, Metadata: map[string]string{
		keyManifest: string(manifest),
		keyChecksum: hash(checksumDomain, manifest, tensors),
	}}
	return nil
}
