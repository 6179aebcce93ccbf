// Package lerobot reads and writes folders in LeRobot's layout v3: JSON and parquet tables under meta/, frames in
// parquet under data/, pictures in mp4 under videos/ or as PNG among the frames.
//
// What belongs here: the layout as LeRobot 0.4 to 0.6 write and read it, files, columns, statistics, mp4. What does not:
// what a column means to an arm, which is the mapping in model/dataset, and how pictures are learned from.
//
// The layout in short: info.json names the features and where files lie; several episodes share a file until it is
// large; meta/episodes says, for each, its rows among all frames, its file, and where in which mp4 it begins. Numbers
// are float32 there, by convention. What others recorded is not trusted: sizes are bounded before anything is read.
package lerobot

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Version is the layout's, as info.json says it.
const Version = "v3.0"

// Bounds on what others recorded.
const (
	maxInfo     = 4 << 20 // bytes of a JSON file
	maxFeatures = 256
	maxWidth    = 1 << 16 // numbers of one feature in one frame
	maxFrames   = 1 << 30
	maxEpisodes = 1 << 20
	maxLength   = 1 << 20 // frames of an episode
	maxSide     = 4096    // px
)

// Every refusal of this package wraps one of these.
var (
	ErrLayout  = errors.New("not a LeRobot dataset of layout v3")
	ErrFeature = errors.New("feature")
	ErrFile    = errors.New("file does not hold what the dataset says")
)

// Types of features that this package knows by name; every other dtype is one number's.
const (
	Image   = "image" // PNG or JPEG bytes among the frames
	Video   = "video"
	Float32 = "float32"
	Int64   = "int64"
	Bool    = "bool"
)

// Info is meta/info.json.
type Info struct {
	Codebase      string             `json:"codebase_version"`
	RobotType     string             `json:"robot_type"`
	TotalEpisodes int                `json:"total_episodes"`
	TotalFrames   int                `json:"total_frames"`
	TotalTasks    int                `json:"total_tasks"`
	ChunksSize    int                `json:"chunks_size"` // files in a folder
	DataMB        int                `json:"data_files_size_in_mb"`
	VideoMB       int                `json:"video_files_size_in_mb"`
	FPS           float64            `json:"fps"` // frames in a second; LeRobot itself writes a whole number
	Splits        map[string]string  `json:"splits"`
	DataPath      string             `json:"data_path"`
	VideoPath     string             `json:"video_path,omitempty"`
	Features      map[string]Feature `json:"features"`
}

// Feature is one column of the frames.
type Feature struct {
	DType string         `json:"dtype"`
	Shape []int          `json:"shape"`
	Names Names          `json:"names"`
	Info  map[string]any `json:"info,omitempty"` // of a video: its codec and size
}

// Width is how many numbers a frame holds.
func (f *Feature) Width() int {
	n := 1
	for _, k := range f.Shape {
		n *= k
	}
	return n
}

// Pictures reports whether the feature is seen and not measured.
func (f *Feature) Pictures() bool { return f.DType == Image || f.DType == Video }

// Names are a feature's dimensions. Datasets name them in a list, or in a list within an object, or not at all.
type Names []string

// UnmarshalJSON takes all three spellings.
func (n *Names) UnmarshalJSON(text []byte) error {
	var list []string
	if json.Unmarshal(text, &list) == nil {
		*n = list
		return nil
	}
	var groups map[string][]string
	if json.Unmarshal(text, &groups) == nil && len(groups) == 1 {
		for _, list := range groups {
			*n = list
		}
		return nil
	}
	*n = nil // an order that cannot be read off is none: dimensions are then called by their number
	return nil
}

// Index finds a dimension by its name, or by its number where the feature names none.
func (f *Feature) Index(name string) (int, error) {
	if at := slices.Index(f.Names, name); at >= 0 {
		return at, nil
	}
	at, err := strconv.Atoi(name)
	if err != nil || at < 0 || at >= f.Width() || len(f.Names) > 0 {
		return 0, fmt.Errorf("has no dimension %.40q; it has %s", name, f.dimensions())
	}
	return at, nil
}

func (f *Feature) dimensions() string {
	if len(f.Names) > 0 {
		return strings.Join(f.Names, ", ")
	}
	return fmt.Sprintf("no names, and the numbers 0 to %d", f.Width()-1)
}

func readInfo(dir string) (*Info, error) {
	text, err := readBounded(filepath.Join(dir, "meta", "info.json"))
	if err != nil {
		return nil, err
	}
	return parseInfo(text)
}

func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxInfo+1))
	if err == nil && len(text) > maxInfo {
		err = fmt.Errorf("%w: %s is longer than %d bytes", ErrLayout, path, maxInfo)
	}
	return text, err
}

// parseInfo knows no unknown keys: versions of LeRobot add some.
func parseInfo(text []byte) (*Info, error) {
	i := &Info{}
	if err := json.Unmarshal(text, i); err != nil {
		return nil, fmt.Errorf("%w: meta/info.json: %w", ErrLayout, err)
	}
	return i, i.validate()
}

func (i *Info) validate() error {
	if !strings.HasPrefix(i.Codebase, "v3.") {
		return fmt.Errorf("%w: meta/info.json says codebase_version %.20q; convert it with LeRobot's own convert_dataset_v21_to_v30",
			ErrLayout, i.Codebase)
	}
	for _, n := range []struct {
		key       string
		value, hi int
	}{
		{"total_episodes", i.TotalEpisodes, maxEpisodes}, {"total_frames", i.TotalFrames, maxFrames}, {"features", len(i.Features), maxFeatures},
	} {
		if n.value < 1 || n.value > n.hi {
			return fmt.Errorf("%w: meta/info.json: %s is %d, want 1 to %d", ErrLayout, n.key, n.value, n.hi)
		}
	}
	if math.IsNaN(i.FPS) || i.FPS <= 0 || i.FPS > 1000 {
		return fmt.Errorf("%w: meta/info.json: fps is %g, want above 0 and at most 1000", ErrLayout, i.FPS)
	}
	for name, f := range i.Features {
		if err := f.validate(); err != nil {
			return fmt.Errorf("%w %.80q of meta/info.json: %w", ErrFeature, name, err)
		}
	}
	return nil
}

func (f *Feature) validate() error {
	width := 1
	for _, k := range f.Shape {
		if k < 1 || k > maxWidth {
			return fmt.Errorf("shape %v", f.Shape)
		}
		if width *= k; width > maxWidth && !f.Pictures() {
			return fmt.Errorf("shape %v is above %d numbers", f.Shape, maxWidth)
		}
		if width > 3*maxSide*maxSide {
			return fmt.Errorf("shape %v is above %d px a side", f.Shape, maxSide)
		}
	}
	if f.Pictures() && (len(f.Shape) != 3 || f.channels() != 3) {
		return fmt.Errorf("%s of shape %v; want height, width and 3 channels", f.DType, f.Shape)
	}
	if len(f.Names) > 0 && !f.Pictures() && len(f.Names) != width {
		return fmt.Errorf("%d names for %d numbers", len(f.Names), width)
	}
	return nil
}

// Size is a picture's, in px. LeRobot writes height, width, channels; some datasets write the channels first.
func (f *Feature) Size() (width, height int) {
	if f.first() {
		return f.Shape[2], f.Shape[1]
	}
	return f.Shape[1], f.Shape[0]
}

func (f *Feature) first() bool { return f.Shape[2] != 3 && f.Shape[0] == 3 }

func (f *Feature) channels() int {
	if f.first() {
		return f.Shape[0]
	}
	return f.Shape[2]
}

// field is a placeholder of a path in info.json, such as {chunk_index:03d}.
func (i *Info) place(template, key string, chunk, file int) (string, error) {
	field := regexp.MustCompile(`\{(\w+)(?::0?(\d)d)?\}`)
	var unknown string
	path := field.ReplaceAllStringFunc(template, func(s string) string {
		part := field.FindStringSubmatch(s)
		width, _ := strconv.Atoi(part[2]) // one digit or none
		switch part[1] {
		case "chunk_index":
			return fmt.Sprintf("%0*d", width, chunk)
		case "file_index":
			return fmt.Sprintf("%0*d", width, file)
		case "video_key":
			return key
		}
		unknown = s
		return s
	})
	if unknown != "" || !filepath.IsLocal(path) || len(path) > 4096 {
		return "", fmt.Errorf("%w: meta/info.json: path %.120q of %.80q is not within the folder, or its fields are unknown", ErrLayout, path, template)
	}
	return path, nil
}
