package topic

import "sim2reald/daemon/metrics"

// Status is what the daemon says of itself: on the status topic, retained, and to the page.
type Status struct {
	Envelope
	Robot  string `json:"robot"`
	Mode   string `json:"mode"`
	Why    string `json:"why,omitempty"`    // what keeps it from moving
	Remedy string `json:"remedy,omitempty"` // and what to do about it
	// Fault is the latched fault's id, 0 when none is latched.
	Fault    uint64            `json:"fault"`
	Task     string            `json:"task"`
	Clock    string            `json:"clock"`
	Bundle   string            `json:"bundle"`           // at the controls
	Staged   string            `json:"staged,omitempty"` // would be after a commit
	Shadow   *ShadowStatus     `json:"shadow,omitempty"` // of the staged bundle; nil before the daemon has shadowed
	Base     string            `json:"base"`
	Engine   string            `json:"engine"`
	Plans    string            `json:"plans"`            // how the policy's answers are followed
	Record   string            `json:"record,omitempty"` // where what is sent is written down, or why it is not
	Joints   []JointStatus     `json:"joints"`
	Slowed   uint64            `json:"slowed"`           // ticks in which a command was slowed for what the arm would hit
	Around   []string          `json:"around,omitempty"` // the link that is nearest to leaving the workspace, and the two that are nearest to each other
	Gripper  float64           `json:"gripper"`
	Ages     []AgeStatus       `json:"ages"`
	Cameras  []string          `json:"cameras"`
	Score    Score             `json:"score"`
	Dropped  map[string]uint64 `json:"dropped"`
	Overruns uint64            `json:"overruns"`
	Timing   Timing            `json:"timing"`
	Latency  []LatencyStatus   `json:"latency"` // that was measured of this rig
	Overlays []OverlayStatus   `json:"overlays"`
	Likeness []LikenessStatus  `json:"likeness"` // of the cameras' pictures to the demonstrations'
}

// ShadowStatus is how the staged bundle's answers differ from those of the one at the controls about the same pictures,
// which both are asked while the daemon shadows. Mean and Worst are of the first row's joint velocities, rad/s, in the
// order of the joints.
type ShadowStatus struct {
	Answers  uint64    `json:"answers"`
	Mean     []float64 `json:"dq_mean_difference"`
	Worst    []float64 `json:"dq_worst_difference"`
	Gripper  uint64    `json:"gripper_differs"` // answers in which one would close it and the other open it
	Failures uint64    `json:"failures"`        // of the staged bundle
	Error    string    `json:"error,omitempty"` // the newest of them
}

// OverlayStatus is what the page may lay over a camera's picture.
type OverlayStatus struct {
	Camera string `json:"camera"`
	Of     string `json:"of"`
	Bundle string `json:"bundle,omitempty"` // that it is of
}

// LikenessStatus is how far a camera's newest pictures are from the demonstrations', by their colours and by what the
// frozen base makes of them; nil before enough were seen, and where the bundle does not say.
type LikenessStatus struct {
	Camera            string    `json:"camera"`
	Colours           *Distance `json:"colours,omitempty"`
	Features          *Distance `json:"features,omitempty"`
	RGB               []float64 `json:"rgb,omitempty"` // mean red, green and blue, 0 to 255
	DemonstrationsRGB []float64 `json:"demonstrations_rgb,omitempty"`
}

// Distance is one, and the bound beyond which it is a warning. See model/likeness for what they are.
type Distance struct {
	Is     float64 `json:"is"`
	Bound  float64 `json:"bound"`
	Frames int     `json:"frames"` // that it is of
	Age    float64 `json:"age_s"`  // of the newest of them: a moving arm's policy is not kept waiting for another
}

// LatencyStatus is how long something is on its way, s, and the deviation of one try.
type LatencyStatus struct {
	Of      string  `json:"of"`
	Latency float64 `json:"latency_s"`
	SD      float64 `json:"sd_s"`
	Samples int     `json:"samples"`
	Date    string  `json:"date"`
	Used    string  `json:"used"` // for what
}

// Timing is how well the control loop keeps its time where the clock is the wall's.
type Timing struct {
	Scheduling string         `json:"scheduling,omitempty"` // what the kernel gave the tick's thread, and what it refused
	Lateness   metrics.Spread `json:"lateness"`             // of the tick's wake-ups
	Collector  metrics.Pauses `json:"collector_pauses"`     // of Go's garbage collector
}

// JointStatus is one joint: rad and rad/s. Clamped counts the ticks in which the limiter changed its command.
type JointStatus struct {
	Name      string  `json:"name"`
	Q         float64 `json:"q"`
	QMin      float64 `json:"q_min"`
	QMax      float64 `json:"q_max"`
	DQ        float64 `json:"dq"`
	Commanded float64 `json:"dq_commanded"`
	// Shadow is what would be commanded, were the daemon not in the mode shadow; nil in any other.
	Shadow  *float64 `json:"dq_shadow,omitempty"`
	DQMax   float64  `json:"dq_max"`
	Clamped uint64   `json:"clamped"`
}

// AgeStatus is the age of one input and the age at which the arm holds, in seconds. Age is negative before the
// first.
type AgeStatus struct {
	Name  string  `json:"name"`
	Age   float64 `json:"age_s"`
	Bound float64 `json:"bound_s"`
}

// Score is how the running evaluation stands.
type Score struct {
	Now       string     `json:"now"` // what is going on
	Episodes  int        `json:"episodes"`
	Successes int        `json:"successes"`
	Interval  [2]float64 `json:"interval_95"`
	Last      string     `json:"last"`
}
