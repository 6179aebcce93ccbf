package lerobot

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
)

// Set is an open dataset. It may be read from several goroutines.
type Set struct {
	Info     Info
	Tasks    []string // by index
	Episodes []Episode
	dir      string
}

// Episode is one row of meta/episodes.
type Episode struct {
	Index  int
	Length int // frames
	Task   string
	Seed   int64 // where the recorder was this project's, otherwise Index

	data   place
	row    int64 // of its first frame, in its data file
	videos map[string]clip
}

// place is a file by its numbers.
type place struct{ chunk, file int }

// clip is where an episode lies among a camera's files.
type clip struct {
	place
	first int // frame
}

// Open reads everything under meta/. Frames and pictures are checked as they are read.
func Open(dir string) (*Set, error) {
	s, err := open(dir)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", dir, err)
	}
	return s, nil
}

func open(dir string) (*Set, error) {
	info, err := readInfo(dir)
	if err != nil {
		return nil, err
	}
	s := &Set{Info: *info, dir: dir}
	if s.Tasks, err = readTasks(filepath.Join(dir, "meta", "tasks.parquet")); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "meta", "episodes", "*", "*.parquet"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("%w: no file meta/episodes/*/*.parquet", ErrLayout)
	}
	slices.Sort(files)
	for _, path := range files {
		if err := s.readEpisodes(path); err != nil {
			return nil, err
		}
	}
	return s, s.settle()
}

// Is reports whether a folder looks like a LeRobot dataset of any version.
func Is(dir string) bool {
	_, err := readBounded(filepath.Join(dir, "meta", "info.json"))
	return err == nil
}

// readTasks reads the sentences, which pandas keeps as the table's index.
func readTasks(path string) ([]string, error) {
	t, err := openTable(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = t.close() }() // nothing was written
	if t.rows() > maxEpisodes {
		return nil, fmt.Errorf("%w: %s has %d rows, at most %d", ErrFile, path, t.rows(), maxEpisodes)
	}
	index, err := t.whole("task_index", 0, t.rows())
	if err != nil {
		return nil, err
	}
	name := "__index_level_0__"
	if t.has("task") {
		name = "task"
	}
	texts, err := t.texts(name, "", 0, t.rows())
	if err != nil {
		return nil, err
	}
	out := make([]string, len(texts))
	for i, at := range index {
		if at < 0 || at >= int64(len(out)) || out[at] != "" {
			return nil, fmt.Errorf("%w: %s: task_index %d of %d is repeated or out of range", ErrFile, path, at, len(out))
		}
		out[at] = string(texts[i])
	}
	return out, nil
}

func (s *Set) readEpisodes(path string) error {
	t, err := openTable(path)
	if err != nil {
		return err
	}
	defer func() { _ = t.close() }()
	if int64(len(s.Episodes))+t.rows() > maxEpisodes {
		return fmt.Errorf("%w: %s: more than %d episodes", ErrFile, path, maxEpisodes)
	}
	r := episodeRows{t: t}
	index, length := r.whole("episode_index"), r.whole("length")
	chunk, file := r.whole("data/chunk_index"), r.whole("data/file_index")
	seeds := index
	if t.has("seed") {
		seeds = r.whole("seed")
	}
	videos := map[string][]clip{}
	for name, f := range s.Info.Features {
		if f.DType == Video {
			videos[name] = r.clips("videos/"+name+"/", s.Info.FPS)
		}
	}
	if r.err != nil {
		return r.err
	}
	for i := range index {
		e := Episode{Index: int(index[i]), Length: int(length[i]), Seed: seeds[i], data: place{int(chunk[i]), int(file[i])}, videos: map[string]clip{}}
		for name, clips := range videos {
			e.videos[name] = clips[i]
		}
		s.Episodes = append(s.Episodes, e)
	}
	return nil
}

// episodeRows keeps the first error, so that the layout above reads as a list.
type episodeRows struct {
	t   *table
	err error
}

func (r *episodeRows) whole(name string) []int64 {
	v, err := r.t.whole(name, 0, r.t.rows())
	if r.err == nil {
		r.err = err
	}
	for _, x := range v {
		if r.err == nil && name != "seed" && (x < 0 || x > maxFrames) {
			r.err = fmt.Errorf("%w: column %q of %s: %d, want 0 to %d", ErrFile, name, r.t.path, x, maxFrames)
		}
	}
	return v
}

func (r *episodeRows) clips(prefix string, fps float64) []clip {
	chunk, file := r.whole(prefix+"chunk_index"), r.whole(prefix+"file_index")
	from, err := r.t.numbers(prefix+"from_timestamp", 1, 0, r.t.rows())
	if r.err == nil {
		r.err = err
	}
	if r.err != nil {
		return nil
	}
	out := make([]clip, len(from))
	for i, at := range from {
		first := math.Round(at * fps)
		if math.IsNaN(first) || first < 0 || first > maxFrames {
			r.err = fmt.Errorf("%w: column %q of %s: %g s", ErrFile, prefix+"from_timestamp", r.t.path, at)
			return nil
		}
		out[i] = clip{place{int(chunk[i]), int(file[i])}, int(first)}
	}
	return out
}

// settle orders the episodes and finds the first row of each in its file: a file holds whole episodes in their order.
func (s *Set) settle() error {
	slices.SortStableFunc(s.Episodes, func(a, b Episode) int { return a.Index - b.Index })
	frames, rows := 0, map[place]int64{}
	for i := range s.Episodes {
		e := &s.Episodes[i]
		if e.Index != i || e.Length < 1 {
			return fmt.Errorf("%w: meta/episodes: episode %d of %d frames stands where episode %d is expected", ErrFile, e.Index, e.Length, i)
		}
		e.row = rows[e.data]
		rows[e.data] += int64(e.Length)
		frames += e.Length
	}
	if len(s.Episodes) != s.Info.TotalEpisodes || frames != s.Info.TotalFrames {
		return fmt.Errorf("%w: meta/episodes has %d episodes of %d frames, meta/info.json says %d of %d",
			ErrFile, len(s.Episodes), frames, s.Info.TotalEpisodes, s.Info.TotalFrames)
	}
	return nil
}
