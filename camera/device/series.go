package device

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"sim2reald/camera"
	"sim2reald/camera/encoded"
)

// Series is pictures that stand in a row, each encoded as PNG or JPEG.
type Series struct {
	Len  int
	Read func(i int) ([]byte, error)
}

// openPictures takes the files that a pattern matches, in the order of their names.
func openPictures(pattern string, opt Options) (capture, error) {
	files, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("%w; set %s to a pattern such as frames/*.png", err, opt.Key)
	}
	return openSeries(&Series{Len: len(files), Read: func(i int) ([]byte, error) { return os.ReadFile(files[i]) }}, opt)
}

func openSeries(s *Series, opt Options) (capture, error) {
	if s.Len == 0 {
		return nil, fmt.Errorf("no pictures there; set %s to another", opt.Key)
	}
	rate := opt.RateHz
	if rate <= 0 {
		rate = stillRateHz
	}
	return &series{Series: s, loop: opt.Loop, period: time.Duration(float64(time.Second) / rate)}, nil
}

// series is one that is shown.
type series struct {
	*Series
	next          int
	loop          bool
	period        time.Duration
	width, height int // of the first
}

func (s *series) Read(f *camera.Frame) error {
	if s.next == s.Len {
		if !s.loop {
			return errEnd
		}
		s.next = 0
	}
	data, err := s.Series.Read(s.next)
	if err == nil {
		err = encoded.Decode(data, f)
	}
	if err != nil {
		return fmt.Errorf("picture %d of %d: %w", s.next+1, s.Len, err)
	}
	if s.width == 0 {
		s.width, s.height = f.Width, f.Height
	}
	if f.Width != s.width || f.Height != s.height {
		return fmt.Errorf("picture %d of %d: it is %dx%d, and those before are %dx%d", s.next+1, s.Len, f.Width, f.Height, s.width, s.height)
	}
	s.next++
	return nil
}

func (s *series) Period() time.Duration { return s.period }
func (s *series) Close() error          { return nil }
