package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Summary is what a dataset holds.
type Summary struct {
	Episodes, Successes int
	Steps               int // of all episodes
	Digest              string
}

// Summary reads and checks every episode.
func (d *Dataset) Summary() (Summary, error) {
	meta, err := json.Marshal(&d.Meta)
	if err != nil {
		return Summary{}, fmt.Errorf("digesting %s: %w", d.dir, err)
	}
	var s Summary
	h := sha256.New()
	fmt.Fprintf(h, "sim2real dataset 1\n%s\n", meta)
	for _, seed := range d.seeds {
		e, err := d.Episode(seed)
		if err != nil {
			return Summary{}, err
		}
		fmt.Fprintf(h, "%d %s\n", seed, e.Digest)
		s.Episodes++
		s.Steps += len(e.Steps)
		if e.Success {
			s.Successes++
		}
	}
	s.Digest = "sha256:" + hex.EncodeToString(h.Sum(nil))
	return s, nil
}

// String says it in one line.
func (s Summary) String() string {
	failed := s.Episodes - s.Successes
	return fmt.Sprintf("%d episodes of %d steps; %d failed (%.1f %%), which stay marked and are not learned from; %s",
		s.Episodes, s.Steps, failed, 100*float64(failed)/float64(max(1, s.Episodes)), s.Digest)
}
