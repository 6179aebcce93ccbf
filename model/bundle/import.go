package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"sim2reald/model/preprocess"
	"sim2reald/model/safetensors"
)

// ErrImport is wrapped when a file from the PyTorch package is not one that a bundle can be made of.
var ErrImport = errors.New("file to import")

// Of the metadata that model/torch/sim2real_torch/saving.py writes.
const (
	keyImport     = "sim2real_torch"
	schemaImport  = "sim2reald.torch"
	versionImport = 1
)

// imported is the manifest as the PyTorch package knows it. It lacks what only the daemon knows: the base's
// architecture, and which version of the manifest is needed.
type imported struct {
	Schema         string              `json:"schema"`
	Version        int                 `json:"version"`
	Kind           string              `json:"kind,omitempty"` // absent from files of before there were kinds
	Name           string              `json:"name"`
	Task           string              `json:"task"`
	Base           importedBase        `json:"base"`
	Adapters       Adapters            `json:"adapters"`
	Robot          Robot               `json:"robot"`
	Limits         Limits              `json:"limits"`
	Cameras        []preprocess.Camera `json:"cameras"`
	Proprioception string              `json:"proprioception"`
	History        int                 `json:"history"`
	Action         Action              `json:"action"`
	Training       Training            `json:"training"`
}

// importedBase is the frozen model that the tensors were trained on.
type importedBase struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
}

// ImportFile makes a bundle of a file that the PyTorch package saved, for the base that it was trained on. An
// error names the path and wraps one of the package's sentinels, or is the file system's.
func ImportFile(path string, on Base) (*Bundle, error) {
	data, err := safetensors.ReadBytes(path, limits())
	if err != nil {
		return nil, fmt.Errorf("importing: %w", unreadable(err, ErrImport, "save it again with sim2real_torch"))
	}
	b, err := Import(data, on)
	if err != nil {
		return nil, fmt.Errorf("importing %s: %w", path, err)
	}
	return b, nil
}

// Import makes a bundle of the bytes of such a file. The bundle shares data, which must not change afterwards.
func Import(data []byte, on Base) (*Bundle, error) {
	f, err := safetensors.Parse(data, limits())
	if err != nil {
		return nil, fmt.Errorf("%w: %w; save it again with sim2real_torch", ErrImport, err)
	}
	text, err := importText(f.Metadata)
	if err != nil {
		return nil, err
	}
	var in imported
	if err := decodeImport([]byte(text), &in); err != nil {
		return nil, err
	}
	if err := in.check(on); err != nil {
		return nil, err
	}
	return New(in.manifest(on), f.Tensors)
}

// importText is the one metadata value that such a file has.
func importText(metadata map[string]string) (string, error) {
	if _, bundled := metadata[keyManifest]; bundled {
		return "", fmt.Errorf("%w: it is a bundle already; use it as it is", ErrImport)
	}
	text, ok := metadata[keyImport]
	if !ok {
		return "", fmt.Errorf("%w: its metadata has no %q; train with `python -m sim2real_torch train`", ErrImport, keyImport)
	}
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		if key != keyImport {
			return "", fmt.Errorf("%w: unknown metadata key %.80q; save it again with sim2real_torch", ErrImport, key)
		}
	}
	return text, nil
}

// check compares what the file says of itself with this daemon and the base at hand.
func (in *imported) check(on Base) error {
	if in.Base.Digest != on.Digest {
		return fmt.Errorf("%w: base.digest: it was trained on %.80q %.80q, the base at hand is %s %s; name the right one with -base",
			ErrImport, in.Base.Name, in.Base.Digest, on.Name, on.Digest)
	}
	if in.Training.Trainer == "" {
		return fmt.Errorf("%w: training.trainer: is empty; save it again with sim2real_torch", ErrImport)
	}
	return nil
}

// manifest completes what the file says.
func (in *imported) manifest(on Base) Manifest {
	m := Manifest{
		Kind: in.Kind, Name: in.Name, Task: in.Task, Base: on, Adapters: in.Adapters, Robot: in.Robot, Limits: in.Limits,
		Cameras: in.Cameras, Proprioception: in.Proprioception, History: in.History, Action: in.Action,
		Training: in.Training,
	}
	m.SetVersion()
	return m
}

// decodeImport reads strictly: exactly the known keys, each once. Numbers and spaces may be spelled as Python
// spells them.
func decodeImport(text []byte, in *imported) error {
	if err := checkImportVersion(text); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(in); err != nil {
		return fmt.Errorf("%w: metadata: %w; save it again with sim2real_torch", ErrImport, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: metadata goes on after its object; save it again with sim2real_torch", ErrImport)
	}
	again, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("%w: metadata: %w", ErrImport, err)
	}
	if key := firstDifference(keysOf(text), keysOf(again)); key != "" {
		return fmt.Errorf("%w: metadata key %.80q is missing, doubled or misspelled; save it again with sim2real_torch", ErrImport, key)
	}
	return nil
}

// checkImportVersion comes before the strict decode, which would blame a newer version's keys instead.
func checkImportVersion(text []byte) error {
	var head struct {
		Schema  string `json:"schema"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return fmt.Errorf("%w: metadata: %w; save it again with sim2real_torch", ErrImport, err)
	}
	if head.Schema != schemaImport || head.Version != versionImport {
		return fmt.Errorf("%w: schema: %.80q version %d, this daemon reads %q version %d; use the sim2real_torch of its release",
			ErrImport, head.Schema, head.Version, schemaImport, versionImport)
	}
	return nil
}

// keysOf lists every key of a valid JSON text by its path, in ascending order and as often as it stands there:
// encoding/json would keep the last of two in silence, and takes keys of any case for its own.
func keysOf(text []byte) []string {
	w := keyWalk{dec: json.NewDecoder(bytes.NewReader(text))}
	w.value("")
	slices.Sort(w.keys)
	return w.keys
}

// keyWalk goes through the tokens of a text that has been found valid, and no deeper than encoding/json goes.
type keyWalk struct {
	dec  *json.Decoder
	keys []string
}

func (w *keyWalk) value(path string) {
	open, err := w.dec.Token()
	delim, nested := open.(json.Delim)
	if err != nil || !nested {
		return
	}
	for i := 0; w.dec.More(); i++ {
		inner := fmt.Sprintf("%s[%d]", path, i)
		if delim == '{' {
			key, err := w.dec.Token()
			if err != nil {
				return
			}
			inner = fmt.Sprintf("%s.%v", path, key)
			w.keys = append(w.keys, inner)
		}
		w.value(inner)
	}
	_, _ = w.dec.Token() // the closing one, of a valid text
}

// firstDifference is the first key that is not in both lists equally often, without the leading dot.
func firstDifference(a, b []string) string {
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			return b[i][1:]
		case i >= len(b) || a[i] < b[i]:
			return a[i][1:]
		case a[i] > b[i]:
			return b[i][1:]
		}
	}
	return ""
}
