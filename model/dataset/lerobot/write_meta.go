package lerobot

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/parquet-go/parquet-go"
)

// writeEpisodes writes meta/episodes in one file: a thousand episodes take a few MB.
func (w *Writer) writeEpisodes() error {
	n := len(w.episodes)
	at := func(get func(e *written) int) column {
		out := make([]int64, n)
		for i := range w.episodes {
			out[i] = int64(get(&w.episodes[i]))
		}
		return whole(out)
	}
	columns := map[string]column{
		"episode_index":             at(func(e *written) int { return e.Index }),
		"length":                    at(func(e *written) int { return e.Length }),
		"dataset_from_index":        at(func(e *written) int { return e.from }),
		"dataset_to_index":          at(func(e *written) int { return e.from + e.Length }),
		"data/chunk_index":          at(func(e *written) int { return e.data.chunk }),
		"data/file_index":           at(func(e *written) int { return e.data.file }),
		"seed":                      at(func(e *written) int { return int(e.Seed) }),
		"meta/episodes/chunk_index": at(func(*written) int { return 0 }),
		"meta/episodes/file_index":  at(func(*written) int { return 0 }),
		"tasks": list(parquet.String(), 1, 1, func(i, _ int) parquet.Value {
			return parquet.ByteArrayValue([]byte(w.episodes[i].Task))
		}),
	}
	for name, f := range w.info.Features {
		if f.DType == Video {
			w.clipColumns(columns, name)
		}
		w.statColumns(columns, name, f.Pictures())
	}
	return writeTable(filepath.Join(w.dir, "meta/episodes/chunk-000/file-000.parquet"), columns, n)
}

// clipColumns say where an episode lies in a camera's films.
func (w *Writer) clipColumns(columns map[string]column, name string) {
	var chunk, file []int64
	var from, to []float64
	for _, e := range w.episodes {
		at := e.videos[name]
		chunk, file = append(chunk, int64(at.chunk)), append(file, int64(at.file))
		from, to = append(from, float64(at.first)/w.info.FPS), append(to, float64(at.first+e.Length)/w.info.FPS)
	}
	prefix := "videos/" + name + "/"
	columns[prefix+"chunk_index"], columns[prefix+"file_index"] = whole(chunk), whole(file)
	columns[prefix+"from_timestamp"], columns[prefix+"to_timestamp"] = seconds(from), seconds(to)
}

// statColumns are the episodes' statistics of a feature; a colour's stand in lists of height and width 1.
func (w *Writer) statColumns(columns map[string]column, name string, pictures bool) {
	depth := 1
	if pictures {
		depth = 3
	}
	for key := range w.episodes[0].stats[name].lists() {
		rows := make([][]float64, len(w.episodes))
		for i, e := range w.episodes {
			rows[i] = e.stats[name].lists()[key]
		}
		columns["stats/"+name+"/"+key] = list(parquet.Leaf(parquet.DoubleType), depth, len(rows[0]),
			func(i, k int) parquet.Value { return parquet.DoubleValue(rows[i][k]) })
	}
	columns["stats/"+name+"/count"] = list(parquet.Leaf(parquet.Int64Type), 1, 1,
		func(i, _ int) parquet.Value { return parquet.Int64Value(int64(w.episodes[i].stats[name].Count)) })
}

// writeTasks writes the sentences as pandas writes an index, which is how LeRobot looks them up.
func (w *Writer) writeTasks() error {
	index := make([]int64, len(w.tasks))
	for i := range index {
		index[i] = int64(i)
	}
	const name = "__index_level_0__"
	about := func(field string, kind string) map[string]any {
		return map[string]any{"name": field, "field_name": field, "pandas_type": kind, "numpy_type": map[string]string{"unicode": "object", "int64": "int64"}[kind], "metadata": nil}
	}
	level := about(name, "unicode")
	level["name"] = nil
	pandas, err := json.Marshal(map[string]any{
		"index_columns": []string{name}, "column_indexes": []any{}, "columns": []any{about("task_index", "int64"), level}, "pandas_version": "2.2.3",
	})
	if err != nil {
		return err
	}
	columns := map[string]column{"task_index": whole(index), name: texts(w.tasks)}
	return writeTable(filepath.Join(w.dir, "meta/tasks.parquet"), columns, len(w.tasks), parquet.KeyValueMetadata("pandas", string(pandas)))
}

func writeTable(path string, columns map[string]column, n int, options ...parquet.WriterOption) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	t := newTable(file, columns, options...)
	return errors.Join(writeRows(t, columns, n), t.Close(), file.Close())
}

// writeStats writes meta/stats.json, over all episodes.
func (w *Writer) writeStats() error {
	out := map[string]map[string]any{}
	for name, f := range w.info.Features {
		var all []*Stats
		for _, e := range w.episodes {
			all = append(all, e.stats[name])
		}
		s := merge(all)
		out[name] = map[string]any{"count": []int{s.Count}}
		for key, list := range s.lists() {
			out[name][key] = list
			if f.Pictures() {
				out[name][key] = colourLists(list)
			}
		}
	}
	return writeJSON(filepath.Join(w.dir, "meta", "stats.json"), out)
}

// colourLists are shaped as a picture of one pixel, channels first, so that they stretch over one.
func colourLists(list []float64) (out [][1][1]float64) {
	for _, x := range list {
		out = append(out, [1][1]float64{{x}})
	}
	return out
}

// WriteInfo writes meta/info.json.
func WriteInfo(dir string, info *Info) error {
	return writeJSON(filepath.Join(dir, "meta", "info.json"), info)
}

func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "    ")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
