package topic

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Role is what a user of a broker may do.
type Role string

// The roles. No role may write both joint_command and request, which clears an emergency stop.
const (
	RoleDaemon   Role = "daemon"   // commands the arm
	RoleBridge   Role = "bridge"   // owns it
	RoleOperator Role = "operator" // asks the daemon, and sees everything
	RoleOnlooker Role = "onlooker" // sees everything
)

// rights are the filters, below the robot's prefix, that a role may write and read.
type rights struct{ write, read []string }

// rights is the one table that both the embedded broker and a generated mosquitto.acl are made of.
func (r Role) rights() rights {
	everything := []string{"#"}
	switch r {
	case RoleDaemon:
		return rights{[]string{
			"joint_command", "lease", "echo", "episode/reset", "episode/start", "daemon/connection", "reply", "event", "status",
		}, everything}
	case RoleBridge:
		return rights{[]string{
			"bridge/connection", "factsheet", "joint_states", "camera/+", "expert", "episode/state", "lease/state", "echo/answer",
		}, []string{"joint_command", "lease", "echo", "episode/reset", "episode/start", "daemon/connection"}}
	case RoleOperator:
		return rights{[]string{"request"}, everything}
	case RoleOnlooker:
		return rights{nil, everything}
	}
	return rights{}
}

// may reports whether a role may write a topic, or read a filter, of the robot with the prefix.
func (r Role) may(prefix, topic string, write bool) bool {
	below, ok := strings.CutPrefix(topic, prefix)
	if !ok {
		return false
	}
	allowed := r.rights().read
	if write {
		allowed = r.rights().write
	}
	return slices.ContainsFunc(allowed, func(filter string) bool { return covers(filter, below) })
}

// covers reports whether a filter has everything that another filter, or a topic, has.
func covers(filter, other string) bool {
	have, want := strings.Split(filter, "/"), strings.Split(other, "/")
	for i, level := range have {
		if level == "#" {
			return true
		}
		if i >= len(want) || want[i] == "#" || level != "+" && level != want[i] {
			return false
		}
	}
	return len(have) == len(want)
}

// Mosquitto is a mosquitto.conf and its ACL file that let in what the embedded broker would, for a robot of this name.
// listen is host:port, as config has checked it. The files named in s are mosquitto's; aclFile is where it finds the ACL.
func Mosquitto(robot, listen string, s Files, users map[string]Role, aclFile string) (conf, acl string) {
	colon := strings.LastIndex(listen, ":")
	host, port := strings.Trim(listen[:colon], "[]"), listen[colon+1:]
	var c strings.Builder
	fmt.Fprintf(&c, "# Made by sim2reald config -mosquitto. mosquitto 2.0.20 or newer.\n")
	fmt.Fprintf(&c, "per_listener_settings true\nlistener %s %s\n", port, host)
	fmt.Fprintf(&c, "allow_anonymous false\nrequire_certificate true\nuse_identity_as_username true\ntls_version tlsv1.3\n")
	fmt.Fprintf(&c, "cafile %s\ncertfile %s\nkeyfile %s\n", s.CA, s.Certificate, s.Key)
	if s.CRL != "" {
		fmt.Fprintf(&c, "crlfile %s\n", s.CRL)
	}
	fmt.Fprintf(&c, "acl_file %s\n", aclFile)
	// Small messages follow large pictures; nothing that a client missed is worth anything later.
	fmt.Fprintf(&c, "set_tcp_nodelay true\nmax_packet_size %d\nmax_queued_messages 10\nmax_inflight_messages 1\nmax_keepalive 10\npersistence false\n", maxPayload)
	return c.String(), aclText("sim2real/v1/"+robot+"/", users)
}

func aclText(prefix string, users map[string]Role) string {
	var a strings.Builder
	for _, name := range slices.Sorted(maps.Keys(users)) {
		r := users[name].rights()
		fmt.Fprintf(&a, "user %s\n", name)
		for _, filter := range r.write {
			fmt.Fprintf(&a, "topic write %s%s\n", prefix, filter)
		}
		for _, filter := range r.read {
			fmt.Fprintf(&a, "topic read %s%s\n", prefix, filter)
		}
	}
	return a.String()
}
