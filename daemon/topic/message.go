package topic

import "time"

// Stamp is a time on the bridge's clock.
type Stamp struct {
	Sec     int64 `json:"sec"`
	Nanosec int64 `json:"nanosec"`
}

// Duration is the stamp as time since the clock's zero.
func (s Stamp) Duration() time.Duration {
	return time.Duration(s.Sec)*time.Second + time.Duration(s.Nanosec)
}

// valid is false for what is no time, or so far away that it cannot be a duration.
func (s Stamp) valid() bool {
	return s.Sec >= 0 && s.Sec < 1<<33 && s.Nanosec >= 0 && s.Nanosec < int64(time.Second)
}

// StampOf splits a duration.
func StampOf(d time.Duration) Stamp {
	return Stamp{Sec: int64(d / time.Second), Nanosec: int64(d % time.Second)}
}

// Envelope is what every message carries.
type Envelope struct {
	Epoch string `json:"epoch"` // 16 hex digits, new at each start of the sender
	Seq   uint64 `json:"seq"`   // rising by one per topic
	Stamp Stamp  `json:"stamp"` // bridge clock
}

// head is the envelope itself, for messages that embed it.
func (e Envelope) head() Envelope { return e }

// Origin names one message of a sender.
type Origin struct {
	Epoch string `json:"epoch"`
	Seq   uint64 `json:"seq"`
}

// Connection says whether a side is there. It is retained and set by the last will.
type Connection struct {
	Envelope
	State   string `json:"state"` // online, offline
	Version string `json:"version"`
}

// LeaseAsk asks for the lease, renews it, or gives it back.
type LeaseAsk struct {
	Envelope
	Want string `json:"want"` // hold, release
	Who  string `json:"who"`  // what the daemon calls itself, for people
}

// LeaseState says who may command. Answers is nil when nobody asked.
type LeaseState struct {
	Envelope
	Holder  string  `json:"holder"` // epoch, empty when it is nobody's
	Who     string  `json:"who"`
	TTLMs   float64 `json:"ttl_ms"` // 0: it does not lapse
	Answers *Origin `json:"answers,omitempty"`
}

// EchoAnswer is a bridge's answer to an echo, which is an envelope alone. Received and Answered are on the bridge's
// monotonic clock, Wall is UTC when it left.
type EchoAnswer struct {
	Envelope
	Answers  Origin `json:"answers"`
	Received Stamp  `json:"received"`
	Answered Stamp  `json:"answered"`
	Wall     Stamp  `json:"wall"`
}

// Factsheet is what a bridge says of itself before anything moves.
type Factsheet struct {
	Envelope
	Robot            string            `json:"robot"`
	Model            string            `json:"model"`
	Serial           string            `json:"serial"`
	Software         map[string]string `json:"software"`
	Clock            string            `json:"clock"` // lockstep, realtime
	JointNames       []string          `json:"joint_names"`
	Modes            []string          `json:"modes"`
	ControlRateHz    float64           `json:"control_rate_hz"`
	StateRateHz      float64           `json:"state_rate_hz"`
	CommandTimeoutMs float64           `json:"command_timeout_ms"`
	LeaseTTLMs       *float64          `json:"lease_ttl_ms,omitempty"` // nil: commands need no lease; 0: it does not lapse
	Echo             bool              `json:"echo,omitempty"`         // echoes are answered
	Limits           FactsheetLimits   `json:"limits"`
	Gripper          GripperSense      `json:"gripper"`
	Cameras          []CameraFact      `json:"cameras"`
	Task             string            `json:"task"`
	Tasks            []string          `json:"tasks"`
	HorizonSteps     int               `json:"horizon_steps"`
	SuccessRule      string            `json:"success_rule"`
	JitterPresets    map[string]Named  `json:"jitter_presets"`
	DefaultJitter    string            `json:"default_jitter"`
	Shifts           map[string]Named  `json:"shifts"`
	BasePose         Pose              `json:"base_pose"`
	Workspace        *WorkspaceFact    `json:"workspace,omitempty"` // nil: the bridge knows none
	Teacher          bool              `json:"teacher"`
}

// Named is what one jitter preset or shift draws. Its numbers are the simulator's own to read, by name, and here for
// a person to see.
type Named map[string]any

// Pose is a coordinate frame in the bridge's world: p_world = R · p + position.
type Pose struct {
	PositionM       [3]float64 `json:"position_m"`
	OrientationWXYZ [4]float64 `json:"orientation_wxyz"` // unit quaternion, w first
}

// FactsheetLimits are what the bridge itself enforces, per joint in the order of joint_names: rad, rad/s, rad/s².
type FactsheetLimits struct {
	PositionMin     []float64 `json:"position_min"`
	PositionMax     []float64 `json:"position_max"`
	VelocityMax     []float64 `json:"velocity_max"`
	AccelerationMax []float64 `json:"acceleration_max"`
}

// WorkspaceFact is the box that the arm's surroundings leave it, in its base's coordinate frame.
type WorkspaceFact struct {
	MinM [3]float64 `json:"min_m"`
	MaxM [3]float64 `json:"max_m"`
}

// GripperSense says which number means open and which closed, and how wide open is in metres.
type GripperSense struct {
	Open       float64 `json:"open"`
	Closed     float64 `json:"closed"`
	WidthOpenM float64 `json:"width_open_m"`
}

// CameraFact is one camera of the rig. FovyRad is its vertical field of view, Pose that of its optical
// coordinate frame: x right, y down, z forward.
type CameraFact struct {
	Pose
	Name     string  `json:"name"`
	Width    int     `json:"width"`
	Height   int     `json:"height"`
	Encoding string  `json:"encoding"`
	Address  string  `json:"address,omitempty"` // rtsp://..., where its pictures come by RTSP and on no topic
	Colour   string  `json:"colour"`
	RateHz   float64 `json:"rate_hz"`
	FovyRad  float64 `json:"fovy_rad"`
}

// JointStates is one measurement of the arm.
type JointStates struct {
	Envelope
	Robot         string            `json:"robot"`
	Name          []string          `json:"name"`
	Position      []float64         `json:"position"`
	Velocity      []float64         `json:"velocity"`
	Effort        []float64         `json:"effort"`
	Gripper       float64           `json:"gripper"`
	Mode          string            `json:"mode"`
	Moving        bool              `json:"moving"`
	EmergencyStop bool              `json:"emergency_stop"`
	Errors        []string          `json:"errors"`
	Episode       *EpisodeStep      `json:"episode"`
	Accepted      *Origin           `json:"accepted"`
	Applied       *Origin           `json:"applied"`
	Dropped       map[string]uint64 `json:"dropped"`
}

// EpisodeStep says where in its episode an observation was made.
type EpisodeStep struct {
	ID    string `json:"id"`
	State string `json:"state"`
	Step  int    `json:"step"`
}

// CameraFrame is one picture, with the seq and stamp of its joint_states.
type CameraFrame struct {
	Envelope
	Name     string `json:"name"`
	Width    int    `json:"width"`
	Height   int    `json:"height"`
	Encoding string `json:"encoding"`
	Data     []byte `json:"data"` // base64 on the wire
}

// Expert is what a bridge's teacher would do in the joint_states of the same seq.
type Expert struct {
	Envelope
	Name     []string  `json:"name"`
	Velocity []float64 `json:"velocity"`
	Gripper  float64   `json:"gripper"`
	Done     bool      `json:"done"`
}

// Observed names the joint_states that a command answers.
type Observed struct {
	Epoch string `json:"epoch"`
	Seq   uint64 `json:"seq"`
	Stamp Stamp  `json:"stamp"`
}

// JointCommand moves the arm, or holds it with a reason.
type JointCommand struct {
	Envelope
	Robot      string    `json:"robot"`
	Observed   Observed  `json:"observed"`
	ValidForMs float64   `json:"valid_for_ms"`
	Mode       string    `json:"mode"`
	Reason     string    `json:"reason"`
	Name       []string  `json:"name"`
	Velocity   []float64 `json:"velocity"`
	Gripper    float64   `json:"gripper"`
	Bundle     string    `json:"bundle"`
}

// EpisodeReset asks for a start state. The same seed, task and preset give the same start, the same seed and shift the
// same disturbance. An empty Shift is none.
type EpisodeReset struct {
	Envelope
	Episode string `json:"episode"`
	Task    string `json:"task"`
	Seed    int64  `json:"seed"`
	Jitter  string `json:"jitter"`
	Shift   string `json:"shift"`
}

// EpisodeStart lets a ready episode run.
type EpisodeStart struct {
	Envelope
	Episode string `json:"episode"`
}

// EpisodeState is published by the bridge at every change.
type EpisodeState struct {
	Envelope
	Episode string `json:"episode"`
	Task    string `json:"task"`
	Seed    int64  `json:"seed"`
	Jitter  string `json:"jitter"`
	Shift   string `json:"shift"` // "none" where none was asked for
	State   string `json:"state"` // ready, running, success, failure, truncated, aborted
	Step    int    `json:"step"`
	Reason  string `json:"reason"`
}

// Ended reports whether the episode is over.
func (s EpisodeState) Ended() bool { return endedState(s.State) }

func endedState(state string) bool {
	switch state {
	case "success", "failure", "truncated", "aborted":
		return true
	}
	return false
}

// Request is what an operator asks of the daemon.
type Request struct {
	ID   string `json:"id"`
	Kind string `json:"kind"` // arm, start, hold, stop, home, shadow, acknowledge, stage, commit, rollback
	// Fault is the fault that an acknowledge acknowledges.
	Fault uint64 `json:"fault,omitempty"`
	// Bundle is the file to stage, in the daemon's folder of bundles, or the digest to commit, empty for
	// whatever is staged.
	Bundle string `json:"bundle,omitempty"`
}

// Event is something that happened once.
type Event struct {
	Envelope
	Kind   string `json:"kind"`   // bundle_staged, bundle_committed, bundle_rolled_back
	Bundle string `json:"bundle"` // name and digest of what it happened to
	Before string `json:"before"` // and of what was at the controls until then
}

// Reply answers a request. Error is empty when it was done.
type Reply struct {
	Envelope
	ID    string `json:"id"`
	Done  bool   `json:"done"`
	Mode  string `json:"mode"`
	Error string `json:"error,omitempty"`
}
