package device

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Control is one setting of a V4L2 device, as its driver describes it and as it stands now.
type Control struct {
	Name     string           `json:"name"` // as v4l2-ctl lists it, such as exposure_time_absolute
	Kind     Kind             `json:"kind"`
	Value    int32            `json:"value"` // in the driver's own unit: V4L2 counts exposure in 100 µs, white balance in K
	Min      int32            `json:"min"`
	Max      int32            `json:"max"`
	Step     int32            `json:"step"`
	Default  int32            `json:"default"`
	Inactive bool             `json:"inactive,omitempty"` // another control, an automatic one, decides it
	ReadOnly bool             `json:"read_only,omitempty"`
	Menu     map[int32]string `json:"menu,omitempty"` // what the values of a menu mean

	id uint32
}

// Kind is what a control's value is.
type Kind string

// The kinds with a value of 32 bit. What else a driver has, buttons, strings and tables, is not listed.
const (
	Whole  Kind = "int"
	Switch Kind = "bool"
	Menu   Kind = "menu"
	Bits   Kind = "bitmask"
)

// ControlError says that a control is not as it was asked for.
type ControlError struct {
	Control     string
	Wanted, Got int32
	Remedy      string
}

func (e *ControlError) Error() string {
	return fmt.Sprintf("control %s: wanted %d, and it is %d; %s", e.Control, e.Wanted, e.Got, e.Remedy)
}

// driver is a V4L2 device, as far as its controls go.
type driver interface {
	// query describes the first control whose id is above after; errNoControl when there is none.
	query(after uint32) (description, error)
	// menu names the value of a menu; errNoControl where it has none such.
	menu(id uint32, kind uint32, value int32) (string, error)
	get(id uint32) (int32, error)
	set(id uint32, value int32) error
}

var errNoControl = errors.New("the driver has no such control or value")

// mostControls and mostChoices end what a driver goes on describing.
const (
	mostControls = 1024
	mostChoices  = 256
)

// controlsOf lists the controls with a value of 32 bit, as they stand now.
func controlsOf(d driver) ([]Control, error) {
	var out []Control
	after := uint32(0)
	for range mostControls {
		q, err := d.query(after)
		if errors.Is(err, errNoControl) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("asking for its controls: %w", err)
		}
		if q.id <= after {
			return nil, fmt.Errorf("asking for its controls: the driver goes round in circles at %#x", q.id)
		}
		after = q.id
		if c, ok := q.control(); ok {
			if err := c.read(d, q.kind); err != nil {
				return nil, err
			}
			out = append(out, c)
		}
	}
	return nil, fmt.Errorf("asking for its controls: more than %d", mostControls)
}

// read fills in the value and what it may be.
func (c *Control) read(d driver, kind uint32) (err error) {
	if c.Value, err = d.get(c.id); err != nil {
		return fmt.Errorf("reading control %s: %w", c.Name, err)
	}
	if c.Kind != Menu {
		return nil
	}
	c.Menu = map[int32]string{}
	for v := int64(c.Min); v <= int64(c.Max) && v < int64(c.Min)+mostChoices; v++ {
		if name, err := d.menu(c.id, kind, int32(v)); err == nil {
			c.Menu[int32(v)] = name
		}
	}
	return nil
}

// lock sets controls by name and reads them back. Switches and menus come first: what they leave to the camera cannot be
// set. The values stay what was asked for, or the error names the control.
func lock(d driver, want map[string]int) error {
	have, err := controlsOf(d)
	if err != nil {
		return err
	}
	chosen, err := choose(have, want)
	if err != nil {
		return err
	}
	for _, c := range chosen {
		if err := d.set(c.id, int32(want[c.Name])); err != nil {
			return fmt.Errorf("setting control %s to %d: %w", c.Name, want[c.Name], err)
		}
	}
	return verify(d, want)
}

// choose finds the controls in the order in which they are to be set, and refuses what cannot be.
func choose(have []Control, want map[string]int) ([]Control, error) {
	var out []Control
	for _, name := range slices.Sorted(maps.Keys(want)) {
		i := slices.IndexFunc(have, func(c Control) bool { return c.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("control %s: no such control; this camera has %s", name, namesOf(have))
		}
		if err := have[i].allows(want[name]); err != nil {
			return nil, err
		}
		out = append(out, have[i])
	}
	slices.SortStableFunc(out, func(a, b Control) int { return a.Kind.turn() - b.Kind.turn() })
	return out, nil
}

// turn is when controls of a kind are set.
func (k Kind) turn() int {
	if k == Switch || k == Menu {
		return 0
	}
	return 1
}

// allows refuses a value that the driver would round or refuse.
func (c *Control) allows(v int) error {
	switch _, known := c.Menu[int32(v)]; {
	case c.ReadOnly:
		return fmt.Errorf("control %s: it can only be read; take it out", c.Name)
	case v < int(c.Min) || v > int(c.Max):
		return fmt.Errorf("control %s: %d is not between %d and %d", c.Name, v, c.Min, c.Max)
	case c.Kind == Whole && c.Step > 1 && (v-int(c.Min))%int(c.Step) != 0:
		return fmt.Errorf("control %s: %d is not %d and a multiple of %d", c.Name, v, c.Min, c.Step)
	case c.Kind == Menu && !known:
		return fmt.Errorf("control %s: %d is none of its choices, %s", c.Name, v, choices(c.Menu))
	}
	return nil
}

// verify reads controls back. A camera that changed one, or leaves it to an automatic one, is not what the policy was
// trained on.
func verify(d driver, want map[string]int) error {
	have, err := controlsOf(d)
	if err != nil {
		return err
	}
	for _, c := range have {
		v, asked := want[c.Name]
		switch {
		case !asked:
		case c.Inactive:
			return &ControlError{c.Name, int32(v), c.Value, "an automatic one decides it: set that one too, such as auto_exposure: 1, white_balance_automatic: 0 or focus_automatic_continuous: 0"}
		case c.Value != int32(v):
			return &ControlError{c.Name, int32(v), c.Value, "the driver changed it, or another program did: choose a value that it keeps, and close the other program"}
		}
	}
	return nil
}

func namesOf(have []Control) string {
	if len(have) == 0 {
		return "none"
	}
	var names []string
	for _, c := range have {
		names = append(names, c.Name)
	}
	return strings.Join(names, ", ")
}

func choices(menu map[int32]string) string {
	var out []string
	for _, v := range slices.Sorted(maps.Keys(menu)) {
		out = append(out, fmt.Sprintf("%d %s", v, menu[v]))
	}
	return strings.Join(out, ", ")
}

// Controls lists those of a local device, as they stand now; key is that of its source in the user's configuration.
func Controls(source, key string) ([]Control, error) {
	path, err := local(source)
	if err != nil || path == "" {
		return nil, err
	}
	if err := readable(path, key); err != nil {
		return nil, err
	}
	n, err := openNode(path)
	if err != nil {
		return nil, err
	}
	defer n.close()
	return controlsOf(n)
}
