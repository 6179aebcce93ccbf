package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"sim2reald/camera"
)

// Camera says where the pictures of a name come from: "bridge", rtsp://host/path, or a device or file that GoCV opens.
type Camera struct {
	Name   string `yaml:"name"`
	Source string `yaml:"source"`
	// Of an RTSP source: a file whose first line is user:password, and "tcp", which is the default, or "udp".
	CredentialsFile string `yaml:"credentials_file"`
	Transport       string `yaml:"transport"`
	// Serial is by which a calibration of this camera is told from another's; Intrinsics and HandEye are its files.
	Serial     string `yaml:"serial"`
	Intrinsics string `yaml:"intrinsics"`
	HandEye    string `yaml:"hand_eye"`
}

// Calibration bounds what is believed of the cameras' files.
type Calibration struct {
	MaxAgeDays int `yaml:"max_age_days"`
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
		if err := cam.validateStream(key); err != nil {
			return err
		}
		if (cam.Intrinsics != "" || cam.HandEye != "") && cam.Serial == "" {
			return fmt.Errorf("%s.serial: is empty; with intrinsics or hand_eye, give the camera's, as its calibration has it", key)
		}
		if seen[cam.Name] {
			return fmt.Errorf("%s.name: %q stands twice; give each camera its own name", key, cam.Name)
		}
		seen[cam.Name] = true
	}
	return nil
}

func (c Camera) validateStream(key string) error {
	if !c.RTSP() {
		if c.CredentialsFile != "" || c.Transport != "" {
			return fmt.Errorf("%s: credentials_file and transport are for a source that begins with rtsp://, and %s does not", key, camera.Shown(c.Source))
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
	if c.Transport != "" {
		return oneOf(key+".transport", c.Transport, "tcp", "udp")
	}
	return nil
}
