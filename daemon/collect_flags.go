package main

import (
	"flag"
	"fmt"
	"slices"

	"sim2reald/daemon/config"
	"sim2reald/model/dataset"
)

// Seeds of demonstrations begin far from those of evaluations, which begin at 10000.
const firstDemonstration = 1_000_000

type collectFlags struct {
	bridgeFlags
	out, source, shift string
	episodes, first    int64
	noise, scale       float64
	lerobot            bool
}

func (f *collectFlags) set(fs *flag.FlagSet) {
	f.bridgeFlags.set(fs)
	fs.StringVar(&f.out, "out", "", "dataset `folder`, by default build/demonstrations/DOMAIN-TASK; one that is there is gone on with")
	fs.StringVar(&f.source, "source", dataset.SourceTeacher, "who shows it: teacher, the simulator's script; or hand-guided or teleoperation, a person who moves the arm of a bridge that is there, while nothing is sent to it")
	fs.StringVar(&f.shift, "shift", "", "`name` of a change of the simulator's looks and ways, drawn anew for each seed: randomised is made for training, and so is randomised_each_step, which draws at every step")
	fs.Int64Var(&f.episodes, "episodes", 100, "how many `episodes` the dataset shall hold")
	fs.Int64Var(&f.first, "seed", firstDemonstration, "`seed` of the first episode; the next ones count up")
	fs.Float64Var(&f.noise, "noise", ownNoise, "disturbance of the teacher's commands, as a `part` of each joint's speed limit; -1 is what the domain's teachers bear")
	fs.Float64Var(&f.scale, "speed-scale", 0.5, "`part` of the robot's speed limits that the demonstrations may use")
	fs.BoolVar(&f.lerobot, "lerobot", true, "write the finished dataset in LeRobot's layout too, into the folder lerobot within it")
}

// ownNoise asks for noiseOf the domain.
const ownNoise = -1

// noiseOf is how much a domain's teachers bear and still succeed: the kitchen's push wide doors, Metaworld's reach for
// handles, and those of RGB stacking grasp and place to the millimetre.
func noiseOf(domain string) float64 {
	return map[string]float64{"kitchen": 0.2, "metaworld": 0.05, "rgb_stacking": 0.02}[domain]
}

// byPerson reports whether a person shows it.
func (f *collectFlags) byPerson() bool {
	return f.source == dataset.SourceHandGuided || f.source == dataset.SourceTeleoperation
}

func (f *collectFlags) apply(cfg *config.Config) error {
	if f.source == "" {
		f.source = dataset.SourceTeacher
	}
	f.bridgeFlags.apply(cfg)
	if f.noise == ownNoise {
		f.noise = noiseOf(cfg.Bridge.Domain)
	}
	cfg.Bridge.Clock = "lockstep"
	if f.byPerson() {
		cfg.Bridge.Command, cfg.Bridge.Clock = nil, "realtime"
	}
	if err := f.check(); err != nil {
		return fmt.Errorf("collect: %w", err)
	}
	return cfg.Validate()
}

func (f *collectFlags) check() error {
	switch {
	case f.source != dataset.SourceTeacher && !f.byPerson():
		return fmt.Errorf("-source %q; want %s, %s or %s", f.source, dataset.SourceTeacher, dataset.SourceHandGuided, dataset.SourceTeleoperation)
	case f.byPerson() && (f.domain != "" || f.jitter != "" || f.shift != "" || f.horizon > 0):
		return fmt.Errorf("-domain, -jitter, -shift and -horizon are the simulator's; with -source %s a person places things", f.source)
	case f.episodes < 1 || f.first < 0:
		return fmt.Errorf("%d episodes from seed %d; want at least 1, from 0 up", f.episodes, f.first)
	case !(f.noise >= 0 && f.noise <= 1) || !(f.scale > 0 && f.scale <= 1):
		return fmt.Errorf("noise %g and speed-scale %g; want 0 to 1, and the scale above 0", f.noise, f.scale)
	case slices.Contains(f.cameras, ""):
		return fmt.Errorf("-camera without a name")
	}
	return nil
}
