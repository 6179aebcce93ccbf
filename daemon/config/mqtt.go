package config

import (
	"fmt"
	"net"
)

// MQTT says which broker is used. Broker "embedded" starts one inside the daemon: on Listen without TLS, for this host
// alone, and, where ListenTLS is set, on ListenTLS for others.
type MQTT struct {
	Broker    string `yaml:"broker"`
	Listen    string `yaml:"listen"`
	ListenTLS string `yaml:"listen_tls"`
	TLS       TLS    `yaml:"tls"`
	// User and the first line of PasswordFile are the daemon's at somebody else's broker.
	User         string     `yaml:"user"`
	PasswordFile string     `yaml:"password_file"`
	Users        []MQTTUser `yaml:"users"` // of the embedded broker, on ListenTLS
}

// TLS names PEM files: the authority that the other side must be of, this side's certificate and key, and a list of
// what the authority has revoked.
type TLS struct {
	CA          string `yaml:"ca"`
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
	CRL         string `yaml:"crl"`
}

// MQTTUser is who may come: Name is the common name of a client's certificate.
type MQTTUser struct {
	Name string `yaml:"name"`
	Role string `yaml:"role"` // daemon, bridge, operator, onlooker
}

func (m MQTT) validate() error {
	if m.Broker != "embedded" {
		return m.validateClient()
	}
	if err := address("mqtt.listen", m.Listen); err != nil {
		return err
	}
	if !loopback(m.Listen) {
		return fmt.Errorf("mqtt.listen: %q is open to other hosts, without TLS, and whoever connects may command the arm; use 127.0.0.1 there, and mqtt.listen_tls with mqtt.users for others", m.Listen)
	}
	if m.ListenTLS == "" {
		return nil
	}
	if err := address("mqtt.listen_tls", m.ListenTLS); err != nil {
		return err
	}
	return m.validateUsers()
}

func (m MQTT) validateClient() error {
	if err := address("mqtt.broker", m.Broker); err != nil {
		return err
	}
	if (m.TLS.Certificate == "") != (m.TLS.Key == "") {
		return fmt.Errorf("mqtt.tls: certificate %q and key %q go together; give both or neither", m.TLS.Certificate, m.TLS.Key)
	}
	if m.TLS.CA == "" && m.TLS.Certificate != "" {
		return fmt.Errorf("mqtt.tls.ca: is empty; name the authority that the broker's certificate must be of")
	}
	if m.PasswordFile != "" && m.User == "" {
		return fmt.Errorf("mqtt.user: is empty, and mqtt.password_file is not; name the user whose password it holds")
	}
	return nil
}

func (m MQTT) validateUsers() error {
	for _, k := range []struct{ key, value string }{
		{"mqtt.tls.ca", m.TLS.CA}, {"mqtt.tls.certificate", m.TLS.Certificate}, {"mqtt.tls.key", m.TLS.Key},
	} {
		if err := required(k.key, k.value); err != nil {
			return fmt.Errorf("%w; mqtt.listen_tls needs it", err)
		}
	}
	if len(m.Users) == 0 {
		return fmt.Errorf("mqtt.users: none, and mqtt.listen_tls lets in nobody else; add {name: common name of a certificate, role: bridge}")
	}
	seen := map[string]bool{}
	for i, u := range m.Users {
		key := fmt.Sprintf("mqtt.users[%d]", i)
		if err := required(key+".name", u.Name); err != nil {
			return err
		}
		if seen[u.Name] {
			return fmt.Errorf("%s.name: %q stands twice; a certificate has one role", key, u.Name)
		}
		seen[u.Name] = true
		if err := oneOf(key+".role", u.Role, "daemon", "bridge", "operator", "onlooker"); err != nil {
			return err
		}
	}
	return nil
}

// loopback reports whether an address can be reached from this host alone.
func loopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}
