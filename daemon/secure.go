package main

import (
	"fmt"
	"os"
	"path/filepath"

	"sim2reald/daemon/config"
	"sim2reald/daemon/topic"
)

// secure is how the daemon comes to a broker that is not its own. To its own it comes on loopback.
func (w *workcell) secure(o *topic.Options) (err error) {
	m := w.cfg.MQTT
	if w.broker != nil {
		return nil
	}
	o.Files, o.User = filesOf(m.TLS), m.User
	if m.PasswordFile == "" {
		return nil
	}
	if o.Password, err = topic.ReadSecret(m.PasswordFile); err != nil {
		return fmt.Errorf("mqtt.password_file: %w", err)
	}
	return nil
}

func filesOf(t config.TLS) topic.Files {
	return topic.Files{CA: t.CA, Certificate: t.Certificate, Key: t.Key, CRL: t.CRL}
}

func rolesOf(m config.MQTT) map[string]topic.Role {
	roles := map[string]topic.Role{}
	for _, u := range m.Users {
		roles[u.Name] = topic.Role(u.Role)
	}
	return roles
}

func (w *workcell) brokerOptions() topic.BrokerOptions {
	m := w.cfg.MQTT
	return topic.BrokerOptions{
		Listen: m.Listen, ListenTLS: m.ListenTLS, Robot: w.cfg.Robot.Name, Users: rolesOf(m), Files: filesOf(m.TLS), Log: w.log,
	}
}

// writeMosquitto makes a broker of its own of what the embedded one would be.
func writeMosquitto(path, dir string) error {
	c, err := config.Load(path)
	if err != nil {
		return err
	}
	if c.MQTT.ListenTLS == "" {
		return fmt.Errorf("config -mosquitto: mqtt.listen_tls is empty; set it, with mqtt.tls and mqtt.users, in a file that -config names")
	}
	aclFile, err := filepath.Abs(filepath.Join(dir, "mosquitto.acl"))
	if err != nil {
		return err
	}
	conf, acl := topic.Mosquitto(c.Robot.Name, c.MQTT.ListenTLS, filesOf(c.MQTT.TLS), rolesOf(c.MQTT), aclFile)
	for file, text := range map[string]string{aclFile: acl, filepath.Join(dir, "mosquitto.conf"): conf} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return fmt.Errorf("config -mosquitto: %w", err)
		}
		fmt.Println(file)
	}
	return nil
}
