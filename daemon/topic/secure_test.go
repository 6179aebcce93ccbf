package topic

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/url"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// TestWhoIsLetIn: only who has a certificate that is the authority's, in time, not revoked and of a known name can say
// anything.
func TestWhoIsLetIn(t *testing.T) {
	onBothBrokers(t, func(t *testing.T, s *secured) {
		stranger := newAuthority(t)
		theirs, _ := stranger.issue("d", inAYear())
		foreign, err := theirs.config(slog.New(slog.DiscardHandler), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		foreign.RootCAs = s.tls("d", inAYear()).RootCAs
		anonymous := s.tls("d", inAYear()).Clone()
		anonymous.Certificates = nil
		old := s.tls("d", inAYear()).Clone()
		old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
		for _, c := range []struct {
			name string
			tls  *tls.Config
			want bool
		}{
			{"a daemon", s.tls("d", inAYear()), true},
			{"plaintext", nil, false},
			{"anonymous", anonymous, false},
			{"expired", s.tls("expired", time.Now().Add(-time.Minute)), false},
			{"revoked", s.tls("revoked", inAYear()), false},
			{"another name", s.tls("nobody", inAYear()), false},
			{"another authority", foreign, false},
			{"TLS 1.2", old, false},
		} {
			client := s.connect(s.options(c.tls))
			if got := client != nil && s.delivers(client, "joint_command"); got != c.want {
				t.Errorf("%s: let in and heard is %v, want %v", c.name, got, c.want)
			}
		}
	})
}

// TestWhoMaySayWhat holds both brokers to one table, topic by topic.
func TestWhoMaySayWhat(t *testing.T) {
	topics := []string{
		"joint_command", "lease", "echo", "episode/reset", "episode/start", "daemon/connection", "reply", "event", "status",
		"bridge/connection", "factsheet", "joint_states", "camera/front", "expert", "episode/state", "lease/state", "echo/answer",
		"request", "something/else", "camera/front/more",
	}
	onBothBrokers(t, func(t *testing.T, s *secured) {
		for user, role := range map[string]Role{"d": RoleDaemon, "b": RoleBridge, "o": RoleOperator, "w": RoleOnlooker} {
			client := s.as(user)
			for _, topic := range topics {
				if got, want := s.delivers(client, topic), role.may(armTopics, armTopics+topic, true); got != want {
					t.Errorf("%s on %s: delivered %v, want %v", role, topic, got, want)
				}
			}
		}
	})
}

// TestWhoMayHearWhat: a bridge does not hear what operators ask, and hears no other robot.
func TestWhoMayHearWhat(t *testing.T) {
	onBothBrokers(t, func(t *testing.T, s *secured) {
		bridge := s.as("b")
		heard := make(chan mqtt.Message, 64)
		for _, filter := range []string{"#", armTopics + "#", armTopics + "request", armTopics + "reply", armTopics + "joint_command"} {
			bridge.Subscribe(filter, 0, func(_ mqtt.Client, m mqtt.Message) { heard <- m }).WaitTimeout(3 * time.Second)
		}
		if !s.delivers(s.as("o"), "request") || !s.delivers(s.daemon, "reply") || !s.delivers(s.daemon, "joint_command") {
			t.Fatal("not delivered to the watcher")
		}
		if m := hear(t, heard); m.Topic() != armTopics+"joint_command" {
			t.Errorf("a bridge heard %s", m.Topic())
		}
	})
}

// TestWillIsNoWayRound: a last will on a topic that its sender may not write is not published. That of a second client,
// which may, says when the first would have been.
func TestWillIsNoWayRound(t *testing.T) {
	onBothBrokers(t, func(t *testing.T, s *secured) {
		s.dies("o", "joint_command")
		s.dies("o", "request")
		for {
			switch m := hear(t, s.heard); m.Topic() {
			case armTopics + "request":
				return
			case armTopics + "joint_command":
				t.Fatal("published")
			}
		}
	})
}

// dies is a client whose socket ends, and which leaves a will, where it is let in with one.
func (s *secured) dies(user, will string) {
	s.t.Helper()
	var socket net.Conn
	o := s.options(s.tls(user, inAYear())).SetWill(armTopics+will, "x", 0, false)
	s.connect(o.SetCustomOpenConnectionFn(func(uri *url.URL, o mqtt.ClientOptions) (c net.Conn, err error) {
		socket, err = tls.Dial("tcp", uri.Host, o.TLSConfig)
		return socket, err
	}))
	_ = socket.Close()
}

// TestNobodyCommandsAndClears: what clears an emergency stop and what commands are never in one hand.
func TestNobodyCommandsAndClears(t *testing.T) {
	for _, role := range []Role{RoleDaemon, RoleBridge, RoleOperator, RoleOnlooker, "another"} {
		commands, clears := role.may(armTopics, armTopics+"joint_command", true), role.may(armTopics, armTopics+"request", true)
		if commands && clears {
			t.Errorf("%s may do both", role)
		}
		if commands != (role == RoleDaemon) || clears != (role == RoleOperator) {
			t.Errorf("%s: commands %v, clears %v", role, commands, clears)
		}
		if role.may(armTopics, "sim2real/v1/other/joint_states", false) || role.may(armTopics, "$SYS/x", false) || role.may(armTopics, "#", false) {
			t.Errorf("%s reads beyond its robot", role)
		}
	}
}
