package lerobot

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/parquet-go/parquet-go"
)

// LeRobot's own choices of where files lie and when the next one begins.
const (
	dataPath   = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
	videoPath  = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
	chunksSize = 1000
	dataMB     = 100
	videoMB    = 200
)

// Recording is an episode to be written.
type Recording struct {
	Task   string
	Seed   int64
	Values map[string]Values // of every feature that was planned
}

// Writer writes a dataset into a folder of its own. Nothing is complete before Finish; whoever wants the folder to
// appear at once writes it beside its place and renames it.
type Writer struct {
	dir      string
	info     Info
	features map[string]Feature // planned ones
	room     map[string]int64   // bytes of a parquet file and of a video, after which the next one begins
	data     *dataFile
	films    map[string]*film
	reels    map[string]place // of the films
	episodes []written
	tasks    []string
}

// written is what meta/episodes says of an episode.
type written struct {
	Episode
	from  int // of its first frame among all
	stats map[string]*Stats
}

// dataFile is the parquet file being written.
type dataFile struct {
	place
	file *os.File
	w    *parquet.GenericWriter[any]
}

// NewWriter makes the folder. features are those beside the ones that every dataset has.
func NewWriter(dir, robotType string, fps float64, features map[string]Feature) (*Writer, error) {
	w := &Writer{dir: dir, features: features, room: map[string]int64{dataPath: dataMB << 20, videoPath: videoMB << 20},
		films: map[string]*film{}, reels: map[string]place{}, info: Info{
			Codebase: Version, RobotType: robotType, FPS: fps, ChunksSize: chunksSize, DataMB: dataMB, VideoMB: videoMB,
			DataPath: dataPath, Features: map[string]Feature{},
		}}
	for name, f := range features {
		if w.info.Features[name] = f; f.DType == Video {
			w.info.VideoPath = videoPath
		}
	}
	one := func(dtype string) Feature { return Feature{DType: dtype, Shape: []int{1}} }
	w.info.Features[keyTimestamp] = one(Float32)
	for _, key := range []string{keyFrame, keyEpisode, keyIndex, keyTask} {
		w.info.Features[key] = one(Int64)
	}
	return w, os.MkdirAll(filepath.Join(dir, "meta"), 0o755)
}

// Write adds an episode of n frames.
func (w *Writer) Write(r Recording, n int) error {
	e := written{Episode: Episode{Index: len(w.episodes), Length: n, Task: r.Task, Seed: r.Seed, videos: map[string]clip{}},
		from: w.info.TotalFrames, stats: map[string]*Stats{}}
	values := maps.Clone(r.Values)
	w.number(&e, values)
	if err := w.writeData(&e, values); err != nil {
		return fmt.Errorf("writing frames: %w", err)
	}
	for name, f := range w.features {
		if f.Pictures() {
			if err := w.writePictures(&e, name, values[name].Pictures); err != nil {
				return fmt.Errorf("camera %s: %w", name, err)
			}
		}
	}
	w.episodes = append(w.episodes, e)
	w.info.TotalFrames += n
	return nil
}

// number adds the columns that every dataset has.
func (w *Writer) number(e *written, values map[string]Values) {
	task := slices.Index(w.tasks, e.Task)
	if task < 0 {
		task, w.tasks = len(w.tasks), append(w.tasks, e.Task)
	}
	var stamp Values
	counts := map[string]*Values{keyFrame: {}, keyEpisode: {}, keyIndex: {}, keyTask: {}}
	for i := range e.Length {
		stamp.Floats = append(stamp.Floats, float32(float64(i)/w.info.FPS))
		for key, x := range map[string]int{keyFrame: i, keyEpisode: e.Index, keyIndex: e.from + i, keyTask: task} {
			counts[key].Ints = append(counts[key].Ints, int64(x))
		}
	}
	values[keyTimestamp] = stamp
	for key, v := range counts {
		values[key] = *v
	}
}

func (w *Writer) writeData(e *written, values map[string]Values) error {
	columns := map[string]column{}
	for name, f := range w.info.Features {
		if f.DType == Video {
			continue
		}
		v := values[name]
		c, err := v.column(&f, e.Length)
		if err != nil {
			return fmt.Errorf("%w %q: %w", ErrFeature, name, err)
		}
		columns[name] = c
		if !f.Pictures() {
			e.stats[name] = numberStats(v.numbers(), f.Width())
		}
	}
	if err := w.turnData(columns); err != nil {
		return err
	}
	e.data = w.data.place
	return writeRows(w.data.w, columns, e.Length)
}

// turnData begins the first file, or the next one when the last is large.
func (w *Writer) turnData(columns map[string]column) error {
	at := place{}
	if w.data != nil {
		stat, err := w.data.file.Stat()
		if err != nil || stat.Size() < w.room[dataPath] {
			return err
		}
		at = w.data.next()
		if err := w.data.close(); err != nil {
			return err
		}
	}
	path, err := w.info.place(dataPath, "", at.chunk, at.file)
	if err != nil {
		return err
	}
	path = filepath.Join(w.dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	w.data = &dataFile{at, file, newTable(file, columns)}
	return nil
}

func (d *dataFile) close() error { return errors.Join(d.w.Close(), d.file.Close()) }

// next is the file after this one.
func (p place) next() place {
	if p.file+1 < chunksSize {
		return place{p.chunk, p.file + 1}
	}
	return place{p.chunk + 1, 0}
}

// writePictures films a video's frames, and takes the statistics of a video's and an image's.
func (w *Writer) writePictures(e *written, name string, pictures [][]byte) error {
	f := w.features[name]
	var reel *film
	if f.DType == Video {
		var err error
		if reel, err = w.turnFilm(e, name); err != nil {
			return err
		}
	}
	if len(pictures) != e.Length {
		return fmt.Errorf("%w: %d pictures for %d frames", ErrFeature, len(pictures), e.Length)
	}
	var seen colours
	look := sampled(e.Length)
	width, height := f.Size()
	for i, data := range pictures {
		_, counted := slices.BinarySearch(look, i)
		if reel == nil && !counted {
			continue
		}
		if err := show(data, width, height, reel, &seen, counted); err != nil {
			return fmt.Errorf("frame %d: %w", i, err)
		}
	}
	e.stats[name] = seen.stats()
	return nil
}

// show decodes one picture for whoever wants it.
func show(data []byte, width, height int, reel *film, seen *colours, counted bool) error {
	p, err := decode(data, width, height)
	if err != nil {
		return err
	}
	defer p.close()
	if counted {
		seen.add(p)
	}
	if reel == nil {
		return nil
	}
	return reel.add(p)
}

// turnFilm is the camera's mp4: the first one, or the next when the last is large.
func (w *Writer) turnFilm(e *written, name string) (*film, error) {
	reel, at := w.films[name], w.reels[name]
	if reel != nil {
		stat, err := os.Stat(reel.path)
		if err != nil {
			return nil, err
		}
		if stat.Size() < w.room[videoPath] {
			e.videos[name] = clip{at, reel.frames}
			return reel, nil
		}
		at = at.next()
		if err := reel.close(); err != nil {
			return nil, err
		}
	}
	path, err := w.info.place(videoPath, name, at.chunk, at.file)
	if err != nil {
		return nil, err
	}
	f := w.features[name]
	width, height := f.Size()
	if reel, err = newFilm(filepath.Join(w.dir, path), w.info.FPS, width, height); err != nil {
		return nil, err
	}
	w.films[name], w.reels[name], e.videos[name] = reel, at, clip{at, 0}
	return reel, nil
}

// Abandon closes what is open. After Finish that is nothing.
func (w *Writer) Abandon() {
	if w.data != nil {
		_ = w.data.file.Close() // an error is that it is closed
	}
	for _, reel := range w.films {
		_ = reel.close()
	}
}

// Finish closes the files and writes everything under meta/ but info.json, which WriteInfo writes last.
func (w *Writer) Finish() (*Info, error) {
	if len(w.episodes) == 0 {
		return nil, fmt.Errorf("%w: no episode to write", ErrLayout)
	}
	errs := []error{w.data.close()}
	for name, reel := range w.films {
		errs = append(errs, reel.close())
		f := w.info.Features[name]
		width, height := f.Size()
		f.Info = map[string]any{"video.codec": "h264", "video.pix_fmt": "yuv420p", "video.fps": w.info.FPS, "video.width": width,
			"video.height": height, "video.channels": 3, "video.is_depth_map": false, "has_audio": false}
		w.info.Features[name] = f
	}
	errs = append(errs, w.writeEpisodes(), w.writeTasks(), w.writeStats())
	w.info.TotalEpisodes, w.info.TotalTasks = len(w.episodes), len(w.tasks)
	w.info.Splits = map[string]string{"train": fmt.Sprintf("0:%d", len(w.episodes))}
	return &w.info, errors.Join(errs...)
}
