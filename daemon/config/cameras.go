package config

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"

	"sim2reald/camera"
)

// Sources that are no address: the bridge's own pictures, as topics and by RTSP, and those of a recorded episode.
const (
	SourceBridge     = "bridge"
	SourceBridgeRTSP = "bridge-rtsp"
	SourceEpisode    = "episode:" // DIR#SEED follows, of a dataset
)

// Camera says where the pictures of a name come from: SourceBridge, SourceBridgeRTSP, rtsp://host/path, a device or file that
// GoCV opens, pictures such as frames/*.png, or SourceEpisode.
type Camera struct {
	Name   string `yaml:"name"`
	Source string `yaml:"source"`
	// Of an RTSP source: a file whose first line is user:password, and "tcp", which is the default, or "udp".
	CredentialsFile string `yaml:"credentials_file"`
	Transport       string `yaml:"transport"`
	Clock           string `yaml:"clock"` // whose clock its pictures age by: "sender", which is the default, or "arrival"
	// Of a device or file.
	RateHz   float64        `yaml:"rate_hz"`  // pictures a second; 0: a device is asked for the control rate, the rest have their own
	Loop     bool           `yaml:"loop"`     // begin a file again at its end
	Controls map[string]int `yaml:"controls"` // of a device: set by the names that v4l2-ctl lists, and read back
	// Serial is by which a calibration of this camera is told from another's; Intrinsics and HandEye are its files.
	Serial     string `yaml:"serial"`
	Intrinsics string `yaml:"intrinsics"`
	HandEye    string `yaml:"hand_eye"`
	// Overlay is a picture of what the simulated camera sees, for the page.
	Overlay string `yaml:"overlay"`
	Warp    Warp   `yaml:"warp"`
}

// OfBridge says that it is one of the bridge's.
func (c Camera) OfBridge() bool { return c.Source == SourceBridge || c.Source == SourceBridgeRTSP }

// ByArrival says that the sender's clock is not to be believed.
func (c Camera) ByArrival() bool { return c.Clock == "arrival" }

// Warp is the simulated camera whose view pictures are warped to, all zero for none: a pinhole that looks from where the
// real one does.
type Warp struct {
	Width   int     `yaml:"width"`    // px
	Height  int     `yaml:"height"`   // px
	FovyRad float64 `yaml:"fovy_rad"` // vertical field of view
}

// Asked reports whether there is one.
func (w Warp) Asked() bool { return w != Warp{} }

func (c Camera) validateWarp(key string) error {
	switch w := c.Warp; {
	case !w.Asked():
		return nil
	case w.Width < 1 || w.Width > 8192 || w.Height < 1 || w.Height > 8192:
		return fmt.Errorf("%s.warp: %dx%d px; want 1 to 8192 on each side", key, w.Width, w.Height)
	case !(w.FovyRad > 0 && w.FovyRad < math.Pi):
		return fmt.Errorf("%s.warp.fovy_rad: %g is not above 0 and below pi", key, w.FovyRad)
	case c.Intrinsics == "":
		return fmt.Errorf("%s.intrinsics: is empty; a warp needs the lens, by sim2reald calibrate intrinsics", key)
	case c.OfBridge():
		return fmt.Errorf("%s.warp: the bridge's own pictures are the simulated camera's already", key)
	}
	return nil
}

// Calibration bounds what is believed of the files that were measured on the rig.
type Calibration struct {
	MaxAgeDays int `yaml:"max_age_days"`
	// Rig is the file of calibrate latency.
	Rig string `yaml:"rig"`
}

func (c Calibration) validate() error {
	return between("calibration.max_age_days", c.MaxAgeDays, 1, 36500)
}

// MaxAge is how old a calibration may be.
func (c Calibration) MaxAge() time.Duration { return time.Duration(c.MaxAgeDays) * 24 * time.Hour }

// RTSP says that the pictures come from a camera that speaks RTSP.
func (c Camera) RTSP() bool {
	return strings.HasPrefix(c.Source, "rtsp://") || strings.HasPrefix(c.Source, "rtsps://")
}

// UDP says that they come as datagrams, some of which may be lost.
func (c Camera) UDP() bool { return c.Transport == "udp" }

func (c Config) validateCameras() error {
	if len(c.Cameras) == 0 {
		return fmt.Errorf("cameras: none; name at least one, such as {name: default, source: bridge}")
	}
	seen := map[string]bool{}
	for i, cam := range c.Cameras {
		key := fmt.Sprintf("cameras[%d]", i)
		if err := required(key+".name", cam.Name); err != nil {
			return err
		}
		if err := required(key+".source", cam.Source); err != nil {
			return err
		}
		if err := errors.Join(cam.validateStream(key), cam.validateDevice(key)); err != nil {
			return err
		}
		if err := cam.validateWarp(key); err != nil {
			return err
		}
		if (cam.Intrinsics != "" || cam.HandEye != "") && cam.Serial == "" {
			return fmt.Errorf("%s.serial: is empty; with intrinsics or hand_eye, give the camera's, as its calibration has it", key)
		}
		if other := c.Cameras[0]; cam.OfBridge() && other.OfBridge() && cam.Source != other.Source {
			return fmt.Errorf("%s.source: %s where cameras[0].source is %s; a bridge serves all its cameras in one way", key, cam.Source, other.Source)
		}
		if seen[cam.Name] {
			return fmt.Errorf("%s.name: %q stands twice; give each camera its own name", key, cam.Name)
		}
		seen[cam.Name] = true
	}
	return nil
}

// validateDevice refuses what a source has no use for.
func (c Camera) validateDevice(key string) error {
	stream := strings.Contains(c.Source, "://")
	switch {
	case math.IsNaN(c.RateHz) || c.RateHz < 0 || c.RateHz > 1000:
		return fmt.Errorf("%s.rate_hz: %g is not between 0 and 1000", key, c.RateHz)
	case (stream || c.OfBridge()) && (c.RateHz != 0 || c.Loop):
		return fmt.Errorf("%s: rate_hz and loop are for a device or file, and %s is neither", key, camera.Shown(c.Source))
	case len(c.Controls) > 0 && (stream || !camera.Local(c.Source)):
		return fmt.Errorf("%s.controls: they are for a device of this host, such as /dev/v4l/by-id/..., and %s is none", key, camera.Shown(c.Source))
	case c.Loop && camera.Local(c.Source):
		return fmt.Errorf("%s.loop: it is for a file, and %s is a device", key, c.Source)
	}
	return nil
}

func (c Camera) validateStream(key string) error {
	if !c.RTSP() {
		if c.CredentialsFile != "" || c.Transport != "" || c.Clock != "" {
			return fmt.Errorf("%s: credentials_file, transport and clock are for a source that begins with rtsp://, and %s does not", key, camera.Shown(c.Source))
		}
		return nil
	}
	u, err := url.Parse(c.Source)
	if err != nil || u.Host == "" {
		return fmt.Errorf("%s.source: %s is not an address; write rtsp://host/path", key, camera.Shown(c.Source))
	}
	if u.User != nil {
		return fmt.Errorf("%s.source: user and password stand in it; put user:password into a file, chmod 600 it, and name it in %s.credentials_file", key, key)
	}
	if c.Transport != "" && c.Transport != "tcp" && c.Transport != "udp" {
		return oneOf(key+".transport", c.Transport, "tcp", "udp")
	}
	if c.Clock != "" {
		return oneOf(key+".clock", c.Clock, "sender", "arrival")
	}
	return nil
}
