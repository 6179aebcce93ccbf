package safetensors

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

const metadataKey = "__metadata__"

// entry is one tensor as the header describes it; offsets count from the first data byte.
type entry struct {
	name       string
	dtype      DType
	shape      []int
	begin, end int64
}

// header is the parsed JSON.
type header struct {
	metadata map[string]string
	entries  []entry
}

// scanner walks the header's JSON token by token, because only tokens show a key that stands twice.
type scanner struct {
	dec *json.Decoder
	lim Limits
}

// parseHeader reads the JSON text. It allocates no more than a small multiple of its length.
func parseHeader(text []byte, lim Limits) (*header, error) {
	if len(text) == 0 || text[0] != '{' {
		return nil, fmt.Errorf("header does not begin with '{': %w", ErrHeader)
	}
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("header is not UTF-8: %w", ErrHeader)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	h, err := (&scanner{dec: dec, lim: lim}).top()
	if err != nil {
		return nil, err
	}
	for _, c := range text[dec.InputOffset():] {
		if c != ' ' {
			return nil, fmt.Errorf("header goes on after its object: %w", ErrHeader)
		}
	}
	return h, nil
}

// top reads the outermost object.
func (s *scanner) top() (*header, error) {
	h := &header{metadata: map[string]string{}}
	err := s.object("header", func(key string) (err error) {
		if key == metadataKey {
			return s.metadata(h.metadata)
		}
		if len(h.entries) >= s.lim.MaxTensors {
			return fmt.Errorf("more than %d tensors: %w", s.lim.MaxTensors, ErrLimit)
		}
		e, err := s.entry(key)
		h.entries = append(h.entries, e)
		return err
	})
	return h, err
}

// metadata reads the string-to-string object.
func (s *scanner) metadata(into map[string]string) error {
	return s.object(metadataKey, func(key string) (err error) {
		if len(into) >= s.lim.MaxTensors {
			return fmt.Errorf("more than %d metadata keys: %w", s.lim.MaxTensors, ErrLimit)
		}
		into[key], err = s.text(key)
		return err
	})
}

// entry reads one tensor's description.
func (s *scanner) entry(name string) (entry, error) {
	e := entry{name: name}
	var offsets []int
	seen := 0
	err := s.object(name, func(key string) (err error) {
		seen++
		switch key {
		case "dtype":
			var d string
			d, err = s.text(key)
			e.dtype = DType(d)
		case "shape":
			e.shape, err = s.ints(key, s.lim.MaxRank)
		case "data_offsets":
			offsets, err = s.ints(key, 2)
		default:
			err = fmt.Errorf("unknown key %.80q: %w", key, ErrHeader)
		}
		return err
	})
	if err != nil {
		return e, fmt.Errorf("tensor %.80q: %w", name, err)
	}
	if seen != 3 || len(offsets) != 2 {
		return e, fmt.Errorf("tensor %.80q: wants dtype, shape and two data_offsets: %w", name, ErrHeader)
	}
	e.begin, e.end = int64(offsets[0]), int64(offsets[1])
	return e, nil
}

// object reads '{', hands each key to member, which reads its value, and refuses a key seen before.
func (s *scanner) object(what string, member func(key string) error) error {
	if err := s.delim(what, '{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for s.dec.More() {
		key, err := s.text(what)
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("%.80q in %.80q: %w", key, what, ErrDuplicate)
		}
		seen[key] = true
		if err := member(key); err != nil {
			return err
		}
	}
	return s.delim(what, '}')
}

// ints reads an array of at most limit non-negative integers.
func (s *scanner) ints(what string, limit int) ([]int, error) {
	if err := s.delim(what, '['); err != nil {
		return nil, err
	}
	out := []int{}
	for s.dec.More() {
		if len(out) >= limit {
			return nil, fmt.Errorf("%.80q has more than %d numbers: %w", what, limit, ErrLimit)
		}
		n, err := s.integer(what)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, s.delim(what, ']')
}

func (s *scanner) integer(what string) (int, error) {
	tok, err := s.token()
	if err != nil {
		return 0, err
	}
	num, ok := tok.(json.Number)
	if !ok {
		return 0, fmt.Errorf("%.80q: %s is not a number: %w", what, quoted(tok), ErrHeader)
	}
	n, err := strconv.ParseUint(num.String(), 10, 62)
	if err != nil {
		return 0, fmt.Errorf("%.80q: %s is not a whole number of 0 or more that fits: %w", what, quoted(num), ErrHeader)
	}
	return int(n), nil
}

func (s *scanner) text(what string) (string, error) {
	tok, err := s.token()
	if err != nil {
		return "", err
	}
	text, ok := tok.(string)
	if !ok {
		return "", fmt.Errorf("%.80q: %s is not a string: %w", what, quoted(tok), ErrHeader)
	}
	return text, nil
}

func (s *scanner) delim(what string, want json.Delim) error {
	tok, err := s.token()
	if err != nil {
		return err
	}
	if tok != want {
		return fmt.Errorf("%.80q: %s where %q belongs: %w", what, quoted(tok), want.String(), ErrHeader)
	}
	return nil
}

// quoted shows a token from a file that nobody vouches for: on one line, and not at its full length.
func quoted(tok json.Token) string { return fmt.Sprintf("%.80q", fmt.Sprint(tok)) }

func (s *scanner) token() (json.Token, error) {
	tok, err := s.dec.Token()
	if err != nil {
		return nil, fmt.Errorf("reading header at byte %d: %v: %w", s.dec.InputOffset(), err, ErrHeader)
	}
	return tok, nil
}
