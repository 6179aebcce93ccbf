package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"sim2reald/model/dataset/lerobot"
	"sim2reald/model/safetensors"
)

const episodesDir = "episodes"

// Dataset is an open folder. One process writes it at a time: see Lock.
type Dataset struct {
	Meta    Meta
	dir     string
	seeds   []int64  // ascending
	foreign *foreign // nil but for a LeRobot dataset
}

// Create makes the folder, or opens an existing dataset of the same kind to go on with it; one of another
// kind is ErrOther. Every episode that is there is read and checked.
func Create(dir string, m Meta) (*Dataset, error) {
	d, err := create(dir, m)
	if err != nil {
		return nil, fmt.Errorf("opening dataset %s: %w", dir, err)
	}
	return d, nil
}

func create(dir string, m Meta) (*Dataset, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	old, err := readMeta(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return createNew(dir, m)
	case err != nil:
		return nil, err
	}
	if err := old.sameKind(&m); err != nil {
		return nil, err
	}
	if err := sweep(dir); err != nil {
		return nil, err
	}
	d, err := open(dir)
	if err != nil {
		return nil, err
	}
	return d, d.verify()
}

// sweep deletes what a killed process was writing: nothing that a reader sees, but it takes room.
func sweep(dir string) error {
	for _, pattern := range []string{".dataset.json.*", episodesDir + "/.seed-*.safetensors.*"} {
		left, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return err
		}
		for _, path := range left {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// createNew refuses a folder with episodes but no dataset.json: nobody knows what they are.
func createNew(dir string, m Meta) (*Dataset, error) {
	if err := os.MkdirAll(filepath.Join(dir, episodesDir), 0o755); err != nil {
		return nil, err
	}
	d := &Dataset{Meta: m, dir: dir}
	if err := d.list(); err != nil {
		return nil, err
	}
	if len(d.seeds) > 0 {
		return nil, fmt.Errorf("%w: missing, beside %d episodes; choose another folder", ErrMeta, len(d.seeds))
	}
	return d, writeMeta(dir, &m)
}

// Open opens an existing dataset, or a LeRobot dataset of layout v3 that has a mapping. Episodes are checked as they are
// read.
func Open(dir string) (*Dataset, error) {
	d, err := openAny(dir)
	if err != nil {
		return nil, fmt.Errorf("opening dataset %s: %w", dir, err)
	}
	return d, nil
}

func openAny(dir string) (*Dataset, error) {
	d, err := open(dir)
	if !errors.Is(err, fs.ErrNotExist) || !lerobot.Is(dir) {
		return d, err
	}
	m, err := ReadMapping(dir)
	if err != nil {
		return nil, err
	}
	return openForeign(dir, m)
}

func open(dir string) (*Dataset, error) {
	m, err := readMeta(dir)
	if err != nil {
		return nil, err
	}
	d := &Dataset{Meta: *m, dir: dir}
	return d, d.list()
}

// list finds the episodes by name; temporary files of an interrupted write have other names.
func (d *Dataset) list() error {
	entries, err := os.ReadDir(filepath.Join(d.dir, episodesDir))
	if err != nil {
		return err
	}
	d.seeds = nil
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), "seed-")
		digits, whole := strings.CutSuffix(digits, ".safetensors")
		seed, err := strconv.ParseInt(digits, 10, 64)
		if ok && whole && err == nil && e.Name() == filepath.Base(d.path(seed)) {
			d.seeds = append(d.seeds, seed)
		}
	}
	slices.Sort(d.seeds)
	return nil
}

func (d *Dataset) path(seed int64) string {
	return filepath.Join(d.dir, episodesDir, fmt.Sprintf("seed-%08d.safetensors", seed))
}

// Seeds lists the episodes in ascending order.
func (d *Dataset) Seeds() []int64 { return slices.Clone(d.seeds) }

// Has says whether the seed's episode is there.
func (d *Dataset) Has(seed int64) bool {
	_, ok := slices.BinarySearch(d.seeds, seed)
	return ok
}

// Write adds an episode. After an error the folder holds what it held before.
func (d *Dataset) Write(e *Episode) error {
	if d.foreign != nil {
		return fmt.Errorf("%w of seed %d: %s is a LeRobot dataset, which is only read; choose another folder", ErrEpisode, e.Seed, d.dir)
	}
	if d.Has(e.Seed) {
		return fmt.Errorf("%w of seed %d is there already: %s", ErrEpisode, e.Seed, d.path(e.Seed))
	}
	f, err := e.file(&d.Meta)
	if err != nil {
		return err
	}
	if err := f.WriteFile(d.path(e.Seed)); err != nil {
		return fmt.Errorf("%w; the %d episodes before it are kept, free space and go on", err, len(d.seeds))
	}
	at, _ := slices.BinarySearch(d.seeds, e.Seed)
	d.seeds = slices.Insert(d.seeds, at, e.Seed)
	return nil
}

// Episode reads and checks one episode; an error names its file.
func (d *Dataset) Episode(seed int64) (*Episode, error) {
	if d.foreign != nil {
		return d.foreignEpisode(seed)
	}
	path := d.path(seed)
	f, err := safetensors.ReadFile(path, safetensors.DefaultLimits())
	if err != nil {
		return nil, fmt.Errorf("%w: %w; delete it and collect seed %d again", ErrCorrupt, err, seed)
	}
	e, err := parseEpisode(f, &d.Meta)
	if err == nil && e.Seed != seed {
		err = fmt.Errorf("%w: it holds seed %d", ErrCorrupt, e.Seed)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w; delete it and collect seed %d again", path, err, seed)
	}
	return e, nil
}

func (d *Dataset) foreignEpisode(seed int64) (*Episode, error) {
	if !d.Has(seed) {
		return nil, fmt.Errorf("%w of seed %d is not in %s", ErrEpisode, seed, d.dir)
	}
	e, err := d.foreign.episode(seed)
	if err != nil {
		return nil, fmt.Errorf("reading episode %d of %s: %w", d.foreign.episodes[seed], d.dir, err)
	}
	return e, nil
}

func (d *Dataset) verify() error {
	_, err := d.Digest()
	return err
}

// Digest identifies the data: SHA-256 over dataset.json's content and every episode's digest by ascending
// seed. It reads and checks every episode.
func (d *Dataset) Digest() (string, error) {
	s, err := d.Summary()
	return s.Digest, err
}
