package bundle

import (
	"encoding/json"

	"sim2reald/model/preprocess"
)

// Fixed values of the manifest in this version.
const (
	Schema           = "sim2reald.bundle"
	Version          = 1
	PlacementTop     = "top"
	KindMLP          = "mlp"
	ActionVelocity   = "joint_velocity"
	UnitVelocity     = "rad/s"
	DimensionGripper = "gripper"
)

// Manifest says what the tensors are for. All of it is compared with the live rig, or is its history.
type Manifest struct {
	Schema         string              `json:"schema"`
	Version        int                 `json:"version"`
	MinDaemon      string              `json:"min_daemon"` // oldest daemon that can run it, like "0.1.0"
	Name           string              `json:"name"`
	Task           string              `json:"task"`
	Base           Base                `json:"base"`
	Adapters       Adapters            `json:"adapters"`
	Robot          Robot               `json:"robot"`
	Limits         Limits              `json:"limits"`
	Cameras        []preprocess.Camera `json:"cameras"` // in the order of the model's inputs
	Proprioception string              `json:"proprioception"`
	History        int                 `json:"history"` // observations seen at once
	Action         Action              `json:"action"`
	Training       Training            `json:"training"`
	Result         *Result             `json:"result,omitempty"` // of an evaluation, filled in afterwards
}

// Base names the frozen model.
type Base struct {
	Name   string          `json:"name"`
	Digest string          `json:"digest"` // canonical, over its tensors
	Arch   json.RawMessage `json:"arch"`   // its architecture record
}

// Adapters say what is trained, and where it sits.
type Adapters struct {
	Placement  string `json:"placement"`
	Kind       string `json:"kind"`
	Widths     []int  `json:"widths"` // of the hidden layers, base to tip
	Activation string `json:"activation"`
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

// Action says what the network's output means. One action is a velocity per joint and then the gripper.
type Action struct {
	Kind         string   `json:"kind"`
	Unit         string   `json:"unit"`
	RateHz       float64  `json:"rate_hz"`
	ChunkSize    int      `json:"chunk_size"`     // actions in one answer
	NActionSteps int      `json:"n_action_steps"` // of which so many are carried out
	Dimensions   []string `json:"dimensions"`     // the joints, then DimensionGripper
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
}

// Result is a measured success rate. It is a claim about the bundle and not part of its identity.
type Result struct {
	Successes int        `json:"successes"`
	Episodes  int        `json:"episodes"`
	Interval  [2]float64 `json:"interval_95"`
	Seeds     []int64    `json:"seeds"`
	Jitter    string     `json:"jitter"`
}
