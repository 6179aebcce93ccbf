package results

import (
	"fmt"
	"slices"

	"sim2reald/daemon/evaluation"
)

// Standing is a row and what is known of it.
type Standing struct {
	Job
	Records []Record // of the settings that the plan has now
	Stale   int      // records of others, which count for nothing
}

// Stand reads a row's records from the folder of results.
func Stand(folder string, j Job) (*Standing, error) {
	all, err := readRecords(folder, j.Name)
	if err != nil {
		return nil, err
	}
	s := &Standing{Job: j}
	for _, r := range all {
		if r.Settings == j.Settings() {
			s.Records = append(s.Records, r)
		} else {
			s.Stale++
		}
	}
	return s, nil
}

// Has reports whether an evaluation of at least so many episodes is there.
func (s *Standing) Has(k Key, episodes int) bool {
	i := slices.IndexFunc(s.Records, func(r Record) bool { return r.Key() == k })
	return i >= 0 && len(s.Records[i].Outcomes) >= episodes
}

// last is the record of the end of a training; nil while there is none of all episodes.
func (s *Standing) last(seed int64, shift string) *Record {
	for i := range s.Records {
		r := &s.Records[i]
		if r.Last && r.TrainingSeed == seed && r.Shift == shift && len(r.Outcomes) >= s.Experiment.Evaluation.Episodes {
			return r
		}
	}
	return nil
}

// Progress counts the evaluations that are done and those that are wanted.
func (s *Standing) Progress() (done, wanted int) {
	for _, seed := range s.Experiment.TrainingSeeds {
		d, w := s.progressOf(seed)
		done, wanted = done+d, wanted+w
	}
	return done, wanted
}

func (s *Standing) progressOf(seed int64) (done, wanted int) {
	for _, shift := range s.Experiment.Evaluation.Shifts {
		wanted++
		if s.last(seed, shift) != nil {
			done++
		}
	}
	return done + min(len(s.earlier(seed)), s.EarlierWanted()), wanted + s.EarlierWanted()
}

// DoneFor reports whether nothing is left to run of a training seed.
func (s *Standing) DoneFor(seed int64) bool {
	done, wanted := s.progressOf(seed)
	return done == wanted
}

// Done reports whether nothing is left to run.
func (s *Standing) Done() bool {
	done, wanted := s.Progress()
	return done == wanted
}

// EarlierWanted is how many checkpoints before the last one are evaluated. Where another row trains, it has them.
func (j Job) EarlierWanted() int {
	if j.BundlesOf != "" {
		return 0
	}
	return j.Experiment.Evaluation.Checkpoints - 1
}

// earlier are the records of the checkpoints before the last, by epoch.
func (s *Standing) earlier(seed int64) []Record {
	var out []Record
	for _, r := range s.Records {
		if !r.Last && r.TrainingSeed == seed && len(r.Outcomes) >= s.Experiment.Evaluation.CheckpointEpisodes {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b Record) int { return a.Epoch - b.Epoch })
	return out
}

// Figure is a success rate with its 95 % interval.
type Figure struct {
	Rate, Low, High float64
	Seeds, Episodes int // training seeds, and episodes of each
}

// resampling is the seed of every bootstrap of the page, so that the same records give the same page.
const resampling = 1

// grid is one shift's outcomes, one row for each of these training seeds.
func (s *Standing) grid(shift string, seeds []int64) evaluation.Grid {
	var g evaluation.Grid
	for _, seed := range seeds {
		g = append(g, s.last(seed, shift).Successes()[:s.Experiment.Evaluation.Episodes])
	}
	return g
}

// Seeds are the training seeds whose last bundle was evaluated under a shift.
func (s *Standing) Seeds(shift string) []int64 {
	var out []int64
	for _, seed := range s.Experiment.TrainingSeeds {
		if s.last(seed, shift) != nil {
			out = append(out, seed)
		}
	}
	return out
}

// Success is the figure of the last bundles under a shift; ok is false while there is none.
func (s *Standing) Success(shift string) (f Figure, ok bool) {
	seeds := s.Seeds(shift)
	if len(seeds) == 0 {
		return f, false
	}
	g := s.grid(shift, seeds)
	f = Figure{Rate: g.Mean(), Seeds: len(seeds), Episodes: s.Experiment.Evaluation.Episodes}
	f.Low, f.High = g.Rate(resampling)
	return f, true
}

// bySeed are the success rates of the last bundles, one for each training seed.
func (s *Standing) bySeed(shift string) []float64 {
	var out []float64
	for _, seed := range s.Seeds(shift) {
		out = append(out, s.grid(shift, []int64{seed}).Mean())
	}
	return out
}

// Checkpoints are the mean over the last checkpoints, and the best of each training, on the episodes that all of
// them ran; ok is false while a training lacks one.
func (s *Standing) Checkpoints() (mean, best float64, ok bool) {
	shift, n := s.Experiment.Evaluation.Shifts[0], s.Experiment.Evaluation.CheckpointEpisodes
	seeds := s.Seeds(shift)
	for _, seed := range seeds {
		all := append(s.earlier(seed), *s.last(seed, shift))
		if len(all) < s.EarlierWanted()+1 {
			return 0, 0, false
		}
		top := 0.0
		for _, r := range all {
			rate := evaluation.Grid{r.Successes()[:n]}.Mean()
			mean += rate / float64(len(all)*len(seeds))
			top = max(top, rate)
		}
		best += top / float64(len(seeds))
	}
	return mean, best, len(seeds) > 0 && s.EarlierWanted() > 0
}

// cost is the number of parameters that are trained, and the mean minutes that it took.
func (s *Standing) cost() (trainable int, minutes float64) {
	n := 0
	for _, r := range s.Records {
		if r.Last && r.Shift == s.Experiment.Evaluation.Shifts[0] {
			trainable, minutes = r.Trainable, minutes+r.TrainMinutes
			n++
		}
	}
	if n > 0 {
		minutes /= float64(n)
	}
	return trainable, minutes
}

// Difference is the success of one less that of another, on the same training seeds and episodes.
type Difference struct {
	Of, Less string // what a person calls them
	Figure          // Rate is the difference
}

// Less compares a row under a shift with another under another, over the training seeds that both have; ok is
// false while there is none.
func (s *Standing) Less(shift string, other *Standing, otherShift string) (d Difference, ok bool, err error) {
	var seeds []int64
	for _, seed := range s.Seeds(shift) {
		if other.last(seed, otherShift) != nil {
			seeds = append(seeds, seed)
		}
	}
	if len(seeds) == 0 {
		return d, false, nil
	}
	pairs, err := s.grid(shift, seeds).Minus(other.grid(otherShift, seeds))
	if err != nil {
		return d, false, fmt.Errorf("%s less %s: %w", s.Name, other.Name, err)
	}
	d = Difference{Of: s.Label, Less: other.Label, Figure: Figure{Rate: pairs.Mean(), Seeds: len(seeds), Episodes: len(pairs[0])}}
	d.Low, d.High = pairs.Difference(resampling)
	return d, true, nil
}
