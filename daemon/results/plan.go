package results

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ErrPlan is wrapped when the list of experiments makes no sense.
var ErrPlan = errors.New("plan of results")

// Plan is all experiments, in the order of the page.
type Plan struct {
	Experiments []Experiment `yaml:"experiments"`
}

// Experiment is one setting and the arms that are compared in it.
type Experiment struct {
	Name           string         `yaml:"name"`
	Title          string         `yaml:"title"`
	About          string         `yaml:"about"` // a paragraph for the page
	Domain         string         `yaml:"domain"`
	Task           string         `yaml:"task"`
	Camera         string         `yaml:"camera"` // of the bridge; several with commas between them
	Jitter         string         `yaml:"jitter"`
	Horizon        int            `yaml:"horizon"` // control steps; 0 is the domain's own
	Base           Base           `yaml:"base"`
	Demonstrations Demonstrations `yaml:"demonstrations"`
	TrainingSeeds  []int64        `yaml:"training_seeds"`
	Evaluation     Evaluation     `yaml:"evaluation"`
	Rows           []Row          `yaml:"rows"`
}

// Base is the pretrained model of an experiment.
type Base struct {
	Family string `yaml:"family"` // for the page
	File   string `yaml:"file"`
	SizePx int    `yaml:"size_px"`
	Train  string `yaml:"train"` // flags of train that go with it, such as its means and deviations
}

// Demonstrations say what is collected.
type Demonstrations struct {
	Episodes   int     `yaml:"episodes"`
	FirstSeed  int64   `yaml:"first_seed"`
	Noise      float64 `yaml:"noise"`       // of the commands, as a part of each joint's speed limit
	SpeedScale float64 `yaml:"speed_scale"` // part of the robot's speed limits
	Shift      string  `yaml:"shift"`       // of the simulator; empty for none
}

// Evaluation says on which episodes arms are compared.
type Evaluation struct {
	FirstSeed int64    `yaml:"first_seed"`
	Episodes  int      `yaml:"episodes"`
	Shifts    []string `yaml:"shifts"` // of the last bundle; empty for none alone
	// The last so many checkpoints, the end of training among them, are evaluated on the first so many episodes.
	Checkpoints        int `yaml:"checkpoints"`
	CheckpointEpisodes int `yaml:"checkpoint_episodes"`
}

// Row is one arm. What it leaves out is its experiment's.
type Row struct {
	Name           string          `yaml:"name"`
	Part           string          `yaml:"part"`  // order of worth, a first
	Arm            string          `yaml:"arm"`   // of train; only a name for the page where train says -adapters
	Label          string          `yaml:"label"` // on the page; the arm's name unless given
	Train          string          `yaml:"train"` // further flags of train
	Every          int             `yaml:"every"` // epochs between two checkpoints
	BundlesOf      string          `yaml:"bundles_of"`
	Demonstrations *Demonstrations `yaml:"demonstrations"`
	TrainingSeeds  []int64         `yaml:"training_seeds"`
	Shifts         []string        `yaml:"shifts"`
}

// Job is a row with everything that its experiment says of it.
type Job struct {
	Row
	Experiment Experiment // with the row's own demonstrations, training seeds and shifts
	Trained    string     // row that trains the bundles; the row itself unless it takes those of another
}

// Read reads a plan strictly: an unknown key is an error that names its line.
func Read(path string) (*Plan, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPlan, err)
	}
	p, err := Decode(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// Decode reads a plan from YAML and checks it.
func Decode(text []byte) (*Plan, error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	p := new(Plan)
	if err := d.Decode(p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPlan, oneLine(err))
	}
	return p, p.Validate()
}

// Jobs are all rows in order of worth, and within one part in the order of the file.
func (p *Plan) Jobs() []Job {
	var jobs []Job
	for i := range p.Experiments {
		for _, r := range p.Experiments[i].Rows {
			jobs = append(jobs, p.Experiments[i].job(r))
		}
	}
	slices.SortStableFunc(jobs, func(a, b Job) int { return strings.Compare(a.Part, b.Part) })
	return jobs
}

// job fills in a row. The experiment of a checked row stays as it is.
func (e Experiment) job(r Row) Job {
	if r.Demonstrations != nil {
		e.Demonstrations = *r.Demonstrations
	}
	if len(r.TrainingSeeds) > 0 {
		e.TrainingSeeds = r.TrainingSeeds
	}
	if len(r.Shifts) > 0 {
		e.Evaluation.Shifts = r.Shifts
	}
	if len(e.Evaluation.Shifts) == 0 {
		e.Evaluation.Shifts = []string{None}
	}
	if r.Label == "" {
		r.Label = r.Arm
	}
	j := Job{Row: r, Experiment: e, Trained: r.Name}
	if r.BundlesOf != "" {
		j.Trained = r.BundlesOf
	}
	return j
}

// Cameras are the views of an experiment, in the order of the model's inputs.
func (e Experiment) Cameras() []string { return strings.Split(e.Camera, ",") }

// Named are the jobs of a row, or all those of an experiment.
func (p *Plan) Named(name string) ([]Job, error) {
	var jobs []Job
	for _, j := range p.Jobs() {
		if j.Name == name || j.Experiment.Name == name {
			jobs = append(jobs, j)
		}
	}
	if len(jobs) == 0 {
		return nil, fmt.Errorf("%w: no row and no experiment is called %q; `sim2reald results -list` names them", ErrPlan, name)
	}
	return jobs, nil
}

// None is the shift of the simulator as it is.
const None = "none"

// Settings is a digest of all that a record of this job depends on and the plan can say. A record with another
// one was made when the plan said something else.
func (j Job) Settings() string {
	e := j.Experiment
	text := fmt.Sprintf("%q", []any{
		e.Domain, e.Task, e.Camera, e.Jitter, e.Horizon, e.Base.File, e.Base.SizePx, e.Base.Train, e.Demonstrations,
		e.Evaluation.FirstSeed, j.Trained, j.Arm, j.Row.Train,
	})
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}
