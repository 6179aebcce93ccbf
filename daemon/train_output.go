package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sim2reald/model/bundle"
	"sim2reald/model/train"
)

// teller prints progress: every ten seconds, and at the end of an epoch or of a stage.
type teller struct {
	out  io.Writer
	last time.Time
}

// tellEvery is the time between two lines.
const tellEvery = 10 * time.Second

func newTeller(out io.Writer) *teller { return &teller{out: out} }

func (t *teller) tell(p train.Progress) {
	end := p.EpochEnd && (p.Stage == train.StageTraining || p.Done == p.Total) || p.Steps == 0 && p.Done == p.Total
	if !end && time.Since(t.last) < tellEvery {
		return
	}
	t.last = time.Now()
	fmt.Fprintln(t.out, "train:", p)
}

// snapshots are the bundles of single epochs, OUT.epochNN.safetensors. Which there are is seen from the folder,
// so that a run that goes on keeps those of the run before.
type snapshots struct {
	out                 string
	keep, every, epochs int // keep 0 for all
}

// snapshot is one of them.
type snapshot struct {
	Epoch  int    `json:"epoch"`
	File   string `json:"file"`
	Digest string `json:"digest"`
}

func (s snapshots) path(epoch int) string {
	digits := max(2, len(strconv.Itoa(s.epochs)))
	return fmt.Sprintf("%s.epoch%0*d.safetensors", strings.TrimSuffix(s.out, filepath.Ext(s.out)), digits, epoch)
}

// save writes one, and removes the one that is no longer among the last.
func (s snapshots) save(epoch int, b *bundle.Bundle) error {
	if err := b.Save(s.path(epoch)); err != nil {
		return err
	}
	if s.keep == 0 || epoch <= s.keep*s.every {
		return nil
	}
	err := os.Remove(s.path(epoch - s.keep*s.every))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// list reads those that are there.
func (s snapshots) list() ([]snapshot, error) {
	out := []snapshot{}
	for epoch := s.every; s.every > 0 && epoch <= s.epochs; epoch += s.every {
		b, err := bundle.Load(s.path(epoch))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, snapshot{epoch, s.path(epoch), b.Digest()})
	}
	return out, nil
}

// trainReport is what -report writes.
type trainReport struct {
	Schema      string         `json:"schema"`
	Bundle      string         `json:"bundle"`
	Digest      string         `json:"digest"`
	Arm         string         `json:"arm"`
	Placement   string         `json:"placement"`
	Kind        string         `json:"kind"`
	Method      string         `json:"method"`
	Base        string         `json:"base"`
	Data        string         `json:"data"`
	Seed        int64          `json:"seed"`
	Recipe      *bundle.Recipe `json:"recipe"`
	Episodes    int            `json:"episodes"`
	HeldOut     int            `json:"held_out"`
	Frames      int            `json:"frames"`
	Examples    int            `json:"examples"`
	Epochs      int            `json:"epochs"`
	Steps       int            `json:"steps"`
	Resumed     int            `json:"resumed_at_step"`
	Cancelled   bool           `json:"cancelled"`
	Losses      []float64      `json:"losses"`
	Validations []float64      `json:"validations"`
	HeadLosses  []float64      `json:"head_losses"`
	Trained     map[string]int `json:"trained_parameters"` // by place
	Minutes     float64        `json:"minutes"`
	Features    string         `json:"features"`
	BLAS        string         `json:"blas"`
	Snapshots   []snapshot     `json:"snapshots"`
}

// writeTraining writes the report where one is asked for.
func writeTraining(f trainFlags, b *bundle.Bundle, r *train.Report, snaps snapshots) error {
	if f.report == "" {
		return nil
	}
	kept, err := snaps.list()
	if err != nil {
		return err
	}
	m := &b.Manifest
	text, err := json.MarshalIndent(trainReport{
		Schema: "sim2reald.training/1", Bundle: f.out, Digest: b.Digest(), Arm: f.opt.Arm, Placement: m.Adapters.Placement, Kind: m.Kind,
		Method: r.Method, Base: m.Base.Name, Data: m.Training.DataDigest, Seed: m.Training.Seed, Recipe: m.Training.Recipe,
		Episodes: r.Episodes, HeldOut: r.HeldOut, Frames: r.Frames, Examples: r.Examples, Epochs: r.Epochs, Steps: r.Steps,
		Resumed: r.Resumed, Cancelled: r.Cancelled, Losses: r.Losses, Validations: r.Validations, HeadLosses: r.HeadLosses,
		Trained: r.Trained, Minutes: math.Round(100*r.Elapsed.Minutes()) / 100, Features: r.Features, BLAS: r.BLAS, Snapshots: kept,
	}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(f.report, append(text, '\n'), 0o644)
}
