package lerobot

import (
	"fmt"
	"math"
	"path/filepath"
)

// Frames are those of one episode. They are to be closed.
type Frames struct {
	set  *Set
	e    *Episode
	data *table
}

// Features that every frame has.
const (
	keyTimestamp = "timestamp" // s since the episode's start
	keyFrame     = "frame_index"
	keyEpisode   = "episode_index"
	keyIndex     = "index"
	keyTask      = "task_index"
)

// uneven is how far a timestamp may be from an even rate, in s: a label is a difference between neighbours.
const uneven = 1e-3

// Frames opens the file of an episode and checks that its rows are the episode's.
func (s *Set) Frames(episode int) (*Frames, error) {
	if episode < 0 || episode >= len(s.Episodes) {
		return nil, fmt.Errorf("%w: episode %d of %d", ErrFile, episode, len(s.Episodes))
	}
	e := &s.Episodes[episode]
	path, err := s.Info.place(s.Info.DataPath, "", e.data.chunk, e.data.file)
	if err != nil {
		return nil, err
	}
	data, err := openTable(filepath.Join(s.dir, path))
	if err != nil {
		return nil, err
	}
	f := &Frames{set: s, e: e, data: data}
	if err := f.check(); err != nil {
		_ = data.close()
		return nil, err
	}
	return f, nil
}

// Close closes the file.
func (f *Frames) Close() error { return f.data.close() }

func (f *Frames) end() int64 { return f.e.row + int64(f.e.Length) }

func (f *Frames) check() error {
	if f.e.Length > maxLength || f.end() > f.data.rows() {
		return fmt.Errorf("%w: %s has %d rows, episode %d is %d to %d; an episode has at most %d",
			ErrFile, f.data.path, f.data.rows(), f.e.Index, f.e.row, f.end(), maxLength)
	}
	episodes, err := f.Whole(keyEpisode)
	if err != nil {
		return err
	}
	frames, err := f.Whole(keyFrame)
	if err != nil {
		return err
	}
	stamps, err := f.data.numbers(keyTimestamp, 1, f.e.row, f.end())
	if err != nil {
		return err
	}
	for i := range episodes {
		if episodes[i] != int64(f.e.Index) || frames[i] != int64(i) {
			return fmt.Errorf("%w: row %d of %s is frame %d of episode %d, want frame %d of episode %d",
				ErrFile, f.e.row+int64(i), f.data.path, frames[i], episodes[i], i, f.e.Index)
		}
		if d := math.Abs(stamps[i] - float64(i)/f.set.Info.FPS); !(d < uneven) {
			return fmt.Errorf("%w: row %d of %s: timestamp %g s of frame %d is not that of %g frames in a second",
				ErrFile, f.e.row+int64(i), f.data.path, stamps[i], i, f.set.Info.FPS)
		}
	}
	return nil
}

// Numbers are a feature's, row after row. All are finite.
func (f *Frames) Numbers(feature string) ([]float64, error) {
	spec, ok := f.set.Info.Features[feature]
	if !ok || spec.Pictures() {
		return nil, fmt.Errorf("%w %q is not a measured one of meta/info.json", ErrFeature, feature)
	}
	out, err := f.data.numbers(feature, spec.Width(), f.e.row, f.end())
	for i, x := range out {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("%w: row %d of %s: %q holds %g; leave that episode out", ErrFile,
				f.e.row+int64(i/spec.Width()), f.data.path, feature, x)
		}
	}
	return out, err
}

// Whole are a feature's whole numbers, one a frame.
func (f *Frames) Whole(feature string) ([]int64, error) {
	return f.data.whole(feature, f.e.row, f.end())
}

// Pictures are PNG or JPEG, one a frame. Those of a video are decoded and come as PNG.
func (f *Frames) Pictures(feature string) ([][]byte, error) {
	spec, ok := f.set.Info.Features[feature]
	if !ok || !spec.Pictures() {
		return nil, fmt.Errorf("%w %q is not seen by a camera of meta/info.json", ErrFeature, feature)
	}
	if spec.DType == Image {
		return f.images(feature)
	}
	var out [][]byte
	err := f.Video(feature, func(_ int, p *picture) error {
		data, err := p.png()
		out = append(out, data)
		return err
	})
	return out, err
}

// images are the bytes among the frames, or of the files that are named there.
func (f *Frames) images(feature string) ([][]byte, error) {
	out, err := f.data.texts(feature, "bytes", f.e.row, f.end())
	if err != nil {
		return nil, fmt.Errorf("%w; LeRobot embeds pictures when it saves an episode", err)
	}
	return out, nil
}

// Video decodes an episode's frames of a video one after the other. The picture is valid until each returns.
func (f *Frames) Video(feature string, each func(frame int, p *picture) error) error {
	spec, at := f.set.Info.Features[feature], f.e.videos[feature]
	path, err := f.set.Info.place(f.set.Info.VideoPath, feature, at.chunk, at.file)
	if err != nil {
		return err
	}
	width, height := spec.Size()
	v, err := openVideo(filepath.Join(f.set.dir, path), width, height)
	if err != nil {
		return err
	}
	defer v.close()
	return v.read(at.first, f.e.Length, each)
}

// Loss compares a video with the pictures that it was made of, and adds to what was lost.
func (f *Frames) Loss(feature string, originals [][]byte, into *Loss) error {
	spec := f.set.Info.Features[feature]
	width, height := spec.Size()
	return f.Video(feature, func(frame int, p *picture) error {
		original, err := decode(originals[frame], width, height)
		if err != nil {
			return err
		}
		defer original.close()
		into.add(p, original)
		return nil
	})
}
