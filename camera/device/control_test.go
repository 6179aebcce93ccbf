package device

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
)

// webcam is a driver like that of a UVC camera: its exposure is inactive while it is automatic, and so are white balance
// and focus. None of this project's tests has met a real one.
type webcam struct {
	descriptions []description
	values       map[uint32]int32
	rounds       map[uint32]int32 // silently sets this, whatever is asked for
	refuses      uint32
	order        []uint32 // of sets
}

const (
	brightness, whiteAuto, powerLine, whiteKelvin = 0x980900, 0x98090c, 0x980918, 0x98091a
	exposureAuto, exposureTime, focusAuto, focus  = 0x9a0901, 0x9a0902, 0x9a090c, 0x9a090a
)

func newWebcam() *webcam {
	return &webcam{
		descriptions: []description{
			{id: 0x980001, kind: 6, name: "User Controls"},
			{id: brightness, kind: kindInt, name: "Brightness", high: 255, step: 1, preset: 128},
			{id: whiteAuto, kind: kindBool, name: "White Balance, Automatic", high: 1, step: 1, preset: 1},
			{id: powerLine, kind: kindMenu, name: "Power Line Frequency", high: 2, step: 1, preset: 2},
			{id: whiteKelvin, kind: kindInt, name: "White Balance Temperature", low: 2000, high: 6500, step: 10, preset: 4000},
			{id: exposureAuto, kind: kindMenu, name: "Auto Exposure", high: 3, step: 1, preset: 3},
			{id: exposureTime, kind: kindInt, name: "Exposure Time, Absolute", low: 3, high: 2047, step: 1, preset: 250},
			{id: focus, kind: kindInt, name: "Focus, Absolute", high: 250, step: 5},
			{id: focusAuto, kind: kindBool, name: "Focus, Automatic Continuous", high: 1, step: 1, preset: 1},
			{id: 0x9a0910, kind: 4, name: "A Button"},
			{id: 0x9a0911, kind: kindInt, name: "Gone", flags: flagDisabled},
			{id: 0x9a0912, kind: kindInt, name: "Firmware", high: 9, flags: flagReadOnly},
		},
		values: map[uint32]int32{brightness: 128, whiteAuto: 1, powerLine: 2, whiteKelvin: 4000, exposureAuto: 3, exposureTime: 250, focusAuto: 1, focus: 0, 0x9a0912: 3},
		rounds: map[uint32]int32{},
	}
}

func (w *webcam) query(after uint32) (description, error) {
	for _, d := range w.descriptions {
		if d.id <= after {
			continue
		}
		automatic := map[uint32]bool{whiteKelvin: w.values[whiteAuto] == 1, exposureTime: w.values[exposureAuto] == 3, focus: w.values[focusAuto] == 1}
		if automatic[d.id] {
			d.flags |= flagInactive
		}
		return d, nil
	}
	return description{}, errNoControl
}

func (w *webcam) menu(id, _ uint32, v int32) (string, error) {
	names := map[uint32]map[int32]string{powerLine: {0: "Disabled", 1: "50 Hz", 2: "60 Hz"}, exposureAuto: {1: "Manual Mode", 3: "Aperture Priority Mode"}}
	if name, ok := names[id][v]; ok {
		return name, nil
	}
	return "", errNoControl
}

func (w *webcam) get(id uint32) (int32, error) { return w.values[id], nil }

func (w *webcam) set(id uint32, v int32) error {
	if id == w.refuses {
		return errors.New("input/output error")
	}
	w.order = append(w.order, id)
	if r, ok := w.rounds[id]; ok {
		v = r
	}
	w.values[id] = v
	return nil
}

func TestControlsAreNamedAsV4L2CtlDoes(t *testing.T) {
	have, err := controlsOf(newWebcam())
	if err != nil {
		t.Fatal(err)
	}
	want := "brightness, white_balance_automatic, power_line_frequency, white_balance_temperature, auto_exposure, exposure_time_absolute, focus_automatic_continuous, focus_absolute, firmware"
	// By id, as the kernel tells them: the fake's order of the two of the focus is not its ids'.
	if got := namesOf(have); strings.ReplaceAll(got, "focus_absolute, focus_automatic_continuous", "focus_automatic_continuous, focus_absolute") != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	exposure := have[slices.IndexFunc(have, func(c Control) bool { return c.Name == "auto_exposure" })]
	if !maps.Equal(exposure.Menu, map[int32]string{1: "Manual Mode", 3: "Aperture Priority Mode"}) || exposure.Value != 3 || exposure.Kind != Menu {
		t.Errorf("%+v", exposure)
	}
}

// TestLock: what is asked for stands, automatic ones were switched off before, or the error names the control, what was
// wanted and what there is.
func TestLock(t *testing.T) {
	manual := map[string]int{"exposure_time_absolute": 200, "auto_exposure": 1, "white_balance_automatic": 0, "white_balance_temperature": 4500, "focus_automatic_continuous": 0, "focus_absolute": 30}
	for name, c := range map[string]struct {
		want  map[string]int
		spoil func(*webcam)
		said  string
	}{
		"everything by hand":         {manual, nil, ""},
		"nothing":                    {nil, nil, ""},
		"exposure stays automatic":   {map[string]int{"exposure_time_absolute": 200}, nil, "control exposure_time_absolute: wanted 200, and it is 200; an automatic one decides it"},
		"rounded in silence":         {manual, func(w *webcam) { w.rounds[exposureTime] = 156 }, "control exposure_time_absolute: wanted 200, and it is 156; the driver changed it"},
		"a switch that stays on":     {manual, func(w *webcam) { w.rounds[whiteAuto] = 1 }, "control white_balance_automatic: wanted 0, and it is 1"},
		"refused":                    {manual, func(w *webcam) { w.refuses = focus }, "setting control focus_absolute to 30: input/output error"},
		"unknown":                    {map[string]int{"exposure": 3}, nil, "control exposure: no such control; this camera has brightness, "},
		"too much":                   {map[string]int{"brightness": 256}, nil, "control brightness: 256 is not between 0 and 255"},
		"between two steps":          {map[string]int{"white_balance_temperature": 4505}, nil, "control white_balance_temperature: 4505 is not 2000 and a multiple of 10"},
		"a choice that is not there": {map[string]int{"auto_exposure": 2}, nil, "control auto_exposure: 2 is none of its choices, 1 Manual Mode, 3 Aperture Priority Mode"},
		"one to be read":             {map[string]int{"firmware": 4}, nil, "control firmware: it can only be read"},
	} {
		w := newWebcam()
		if c.spoil != nil {
			c.spoil(w)
		}
		err := lock(w, c.want)
		if (c.said == "") != (err == nil) || err != nil && !strings.HasPrefix(err.Error(), c.said) {
			t.Errorf("%s: got  %v\nwant %s", name, err, c.said)
		}
		if c.said == "" {
			for _, have := range must(t, w) {
				if v, asked := c.want[have.Name]; asked && have.Value != int32(v) {
					t.Errorf("%s: %s is %d", name, have.Name, have.Value)
				}
			}
		}
	}
	w := newWebcam()
	if err := lock(w, manual); err != nil || slices.Index(w.order, uint32(exposureAuto)) > slices.Index(w.order, uint32(exposureTime)) || slices.Index(w.order, uint32(focusAuto)) > slices.Index(w.order, uint32(focus)) {
		t.Errorf("%v: set in the order %x", err, w.order)
	}
}

func must(t *testing.T, d driver) []Control {
	t.Helper()
	have, err := controlsOf(d)
	if err != nil {
		t.Fatal(err)
	}
	return have
}

// TestVerifyFindsWhatAnotherProgramDid after the lock.
func TestVerifyFindsWhatAnotherProgramDid(t *testing.T) {
	w, want := newWebcam(), map[string]int{"auto_exposure": 1, "exposure_time_absolute": 200}
	if err := lock(w, want); err != nil {
		t.Fatal(err)
	}
	w.values[exposureAuto], w.values[exposureTime] = 3, 91
	var changed *ControlError
	if err := verify(w, want); !errors.As(err, &changed) || changed.Control != "auto_exposure" || changed.Wanted != 1 || changed.Got != 3 {
		t.Errorf("%v", err)
	}
}

// endless is a driver that describes controls for ever: the same one, or ever more.
type endless struct {
	*webcam
	step uint32
}

func (e endless) query(after uint32) (description, error) {
	return description{id: after + e.step, kind: kindInt, name: "More"}, nil
}

func TestControlsEnd(t *testing.T) {
	for step, want := range map[uint32]string{0: "goes round in circles", 1: "more than 1024"} {
		if _, err := controlsOf(endless{newWebcam(), step}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("step %d: %v", step, err)
		}
	}
}

// TestRequests: the kernel's _IOWR('V', n, size).
func TestRequests(t *testing.T) {
	for _, c := range []struct{ got, number, size uint }{
		{queryControl, 36, sizeDescription}, {queryMenu, 37, sizeMenu}, {getControl, 27, sizeValue}, {setControl, 28, sizeValue},
	} {
		if want := 3<<30 | c.size<<16 | 'V'<<8 | c.number; c.got != want {
			t.Errorf("%#x, want %#x", c.got, want)
		}
	}
}

// bytesOf is a description as the kernel writes it.
func bytesOf(d description) (b [sizeDescription]byte) {
	copy(b[8:40], d.name)
	for at, v := range map[int]uint32{0: d.id, 4: d.kind, 40: uint32(d.low), 44: uint32(d.high), 48: uint32(d.step), 52: uint32(d.preset), 56: d.flags} {
		binary.NativeEndian.PutUint32(b[at:], v)
	}
	return b
}

func FuzzDescription(f *testing.F) {
	for _, d := range newWebcam().descriptions {
		b := bytesOf(d)
		f.Add(b[:], 0)
	}
	f.Fuzz(func(t *testing.T, data []byte, value int) {
		var b [sizeDescription]byte
		copy(b[:], data)
		d := parseDescription(&b)
		if back := bytesOf(d); [8]byte(back[:8]) != [8]byte(b[:8]) || [20]byte(back[40:60]) != [20]byte(b[40:60]) {
			t.Fatalf("%+v is not what was read", d)
		}
		c, ok := d.control()
		if !ok {
			return
		}
		if plain(c.Name) != c.Name || c.Name == "" {
			t.Errorf("named %q", c.Name)
		}
		if c.allows(value) == nil && (value < int(c.Min) || value > int(c.Max)) {
			t.Errorf("%d is allowed by %+v", value, c)
		}
	})
}
