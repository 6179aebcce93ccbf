package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// ErrOlder is wrapped when a signed bundle is older than one of its name that was trusted before.
var ErrOlder = errors.New("bundle is an older release")

// Releases is a file with the newest release of each name that was trusted. It must be where nobody else can write: who
// can take it away can bring an old bundle back.
type Releases struct{ path string }

// maxReleases bounds the file, in bytes.
const maxReleases = 1 << 20

// OpenReleases reads the file once, so that one that cannot be read is found before it is needed. A missing one is empty.
func OpenReleases(path string) (*Releases, error) {
	r := &Releases{path}
	_, err := r.read()
	return r, err
}

// Admit is nil for a release that is none older than the newest of that name, and keeps it in the file.
func (r *Releases) Admit(name string, release uint64) error {
	newest, err := r.read()
	if err != nil {
		return err
	}
	before, known := newest[name]
	if known && release < before {
		return fmt.Errorf("%w: %s release %d, release %d was trusted before; to go back, sign it as release %d", ErrOlder, name, release, before, before+1)
	}
	if known && release == before {
		return nil
	}
	newest[name] = release
	text, err := json.MarshalIndent(newest, "", "  ")
	if err != nil {
		return err
	}
	if err := replaceFile(r.path, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("keeping releases: %w; set policy.releases to a file that can be written", err)
	}
	return nil
}

func (r *Releases) read() (map[string]uint64, error) {
	newest := map[string]uint64{}
	data, err := readAtMost(r.path, maxReleases)
	if errors.Is(err, os.ErrNotExist) {
		return newest, nil
	}
	if err != nil {
		return nil, fmt.Errorf("policy.releases: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&newest); err != nil || newest == nil || dec.More() {
		return nil, fmt.Errorf("policy.releases: %s is not a list of names and releases; restore it, or delete it and lose what it protects from", r.path)
	}
	return newest, nil
}
