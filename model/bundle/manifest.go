package bundle

import (
	"encoding/json"
	"slices"

	"sim2reald/model/adapter"
	"sim2reald/model/likeness"
	"sim2reald/model/preprocess"
	"sim2reald/model/reference"
)

// Versions of the manifest. A bundle is written in the oldest one that can say what it needs, so that older
// daemons read whatever they can run.
const (
	VersionHead     = 1 // a head on the frozen base, one observation at a time
	VersionAdapters = 2 // adapters inside the base, a history, a named trainer
	VersionRecipe   = 3 // a kind, and how it was trained; actions of the tool
	VersionSight    = 4 // reference pictures of its cameras
	VersionMount    = 5 // and how far these lay from each other
	VersionLikeness = 6 // colours and features of its demonstrations
	VersionInit     = 7 // the bundle that it began as

	newest = VersionInit // that this daemon reads
)

// Fixed values of the manifest.
const (
	Schema       = "sim2reald.bundle"
	PlacementTop = "top"
	KindMLP      = "mlp"
)

// Manifest says what the tensors are for. All of it is compared with the live rig, or is its history.
type Manifest struct {
	Schema    string              `json:"schema"`
	Version   int                 `json:"version"`
	MinDaemon string              `json:"min_daemon"`     // oldest daemon that can run it, see SetVersion
	Kind      string              `json:"kind,omitempty"` // KindAdapter or KindFull; absent before VersionRecipe
	Name      string              `json:"name"`
	Task      string              `json:"task"`
	Base      Base                `json:"base"`
	Adapters  Adapters            `json:"adapters"`
	Robot     Robot               `json:"robot"`
	Limits    Limits              `json:"limits"`
	Cameras   []preprocess.Camera `json:"cameras"` // in the order of the model's inputs
	// References are what the cameras showed in the demonstrations, at most one of each; absent before VersionSight.
	References []reference.Reference `json:"references,omitempty"`
	// Likeness is of the same pictures: their colours, and their features with tensors beside; absent before VersionLikeness.
	Likeness       []likeness.Likeness `json:"likeness,omitempty"`
	Proprioception string              `json:"proprioception"`
	History        int                 `json:"history"` // observations seen at once
	Action         Action              `json:"action"`
	Training       Training            `json:"training"`
	Result         *Result             `json:"result,omitempty"` // of an evaluation, filled in afterwards
}

// SetVersion sets schema, version and oldest daemon to what the rest of the manifest needs.
func (m *Manifest) SetVersion() {
	m.Schema, m.Version = Schema, m.needs()
	if m.Version >= VersionRecipe && m.Kind == "" {
		m.Kind = KindAdapter
	}
	m.MinDaemon = map[int]string{VersionHead: "0.1.0", VersionAdapters: "0.2.0", VersionRecipe: "0.3.0", VersionSight: "0.4.0", VersionMount: "0.5.0", VersionLikeness: "0.6.0", VersionInit: "0.7.0"}[m.Version]
}

// needs is the oldest version that can say what the manifest says.
func (m *Manifest) needs() int {
	if m.Training.Recipe != nil && m.Training.Recipe.Init != "" {
		return VersionInit
	}
	if len(m.Likeness) > 0 {
		return VersionLikeness
	}
	if slices.ContainsFunc(m.References, func(r reference.Reference) bool { return r.Episodes > 0 || r.Moves > 0 }) {
		return VersionMount
	}
	if len(m.References) > 0 {
		return VersionSight
	}
	if m.Kind != "" || m.Training.Recipe != nil || m.Action.Cartesian != nil {
		return VersionRecipe
	}
	if m.Adapters.Placement != PlacementTop || m.Adapters.Middle != nil || m.History != 1 || m.Training.Trainer != "" {
		return VersionAdapters
	}
	return VersionHead
}

// Base names the frozen model.
type Base struct {
	Name   string          `json:"name"`
	Digest string          `json:"digest"` // canonical, over its tensors
	Arch   json.RawMessage `json:"arch"`   // its architecture record
}

// Adapters say what is trained, and where it sits.
type Adapters struct {
	Placement  string          `json:"placement"` // PlacementTop, or with what is before it: "bottom,middle,norms,top"
	Kind       string          `json:"kind"`      // of the head
	Widths     []int           `json:"widths"`    // of its hidden layers, base to tip; none for a linear head
	Activation string          `json:"activation"`
	Middle     *adapter.Middle `json:"middle,omitempty"` // exactly with "middle" in Placement
}

// Robot is the arm that the policy moves.
type Robot struct {
	Model      string   `json:"model"`
	JointNames []string `json:"joint_names"` // base to tip
	Gripper    Gripper  `json:"gripper"`
}

// Gripper is the sense of every gripper number.
type Gripper struct {
	Open   float64 `json:"open"`
	Closed float64 `json:"closed"`
}

// Training is where the tensors come from.
type Training struct {
	DataDigest     string            `json:"data_digest"`
	Episodes       int               `json:"episodes"` // successful ones
	HeldOut        int               `json:"held_out"` // of the episodes, for validation_loss
	Excluded       int               `json:"excluded"` // failed demonstrations, left out
	Seed           int64             `json:"seed"`
	Epochs         int               `json:"epochs"`
	FirstLoss      float64           `json:"first_loss"` // mean squared error on standardised actions
	LastLoss       float64           `json:"last_loss"`
	ValidationLoss float64           `json:"validation_loss"`
	Commit         string            `json:"commit"`
	Daemon         string            `json:"daemon"`
	Software       map[string]string `json:"software"` // what the demonstrations ran on
	// Trainer is what computed the gradients, and on what: empty for a head on cached features.
	Trainer string  `json:"trainer,omitempty"`
	Recipe  *Recipe `json:"recipe,omitempty"` // absent before VersionRecipe, and where another program trained
}

// Result is a measured success rate. It is a claim about the bundle and not part of its identity.
type Result struct {
	Successes int        `json:"successes"`
	Episodes  int        `json:"episodes"`
	Interval  [2]float64 `json:"interval_95"`
	Seeds     []int64    `json:"seeds"`
	Jitter    string     `json:"jitter"`
}
