package topic

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

const armTopics = "sim2real/v1/arm/"

func inAYear() time.Time { return time.Now().AddDate(1, 0, 0) }

// secured is a broker with TLS, ours or mosquitto, with a watcher and a daemon on it.
type secured struct {
	t       *testing.T
	ca      *authority
	address string
	watcher mqtt.Client
	daemon  mqtt.Client
	heard   chan mqtt.Message
}

// onBothBrokers runs a test against the embedded broker and a real mosquitto.
func onBothBrokers(t *testing.T, test func(t *testing.T, s *secured)) {
	users := map[string]Role{"d": RoleDaemon, "b": RoleBridge, "o": RoleOperator, "w": RoleOnlooker, "revoked": RoleDaemon, "expired": RoleDaemon}
	for name, start := range map[string]func(*testing.T, Files, map[string]Role) string{"embedded": startEmbedded, "mosquitto": startMosquitto} {
		t.Run(name, func(t *testing.T) {
			s := &secured{t: t, ca: newAuthority(t), heard: make(chan mqtt.Message, 64)}
			files, _ := s.ca.issue("broker", inAYear())
			_, bad := s.ca.issue("revoked", inAYear())
			files.CRL = s.ca.revoke(bad)
			s.address = start(t, files, users)
			s.watcher, s.daemon = s.as("w"), s.as("d")
			token := s.watcher.Subscribe(armTopics+"#", 0, func(_ mqtt.Client, m mqtt.Message) { s.heard <- m })
			if !token.WaitTimeout(5*time.Second) || token.Error() != nil {
				t.Fatalf("subscribing: %v", token.Error())
			}
			test(t, s)
		})
	}
}

func startEmbedded(t *testing.T, files Files, users map[string]Role) string {
	t.Helper()
	b, err := BrokerOptions{
		Listen: "127.0.0.1:0", ListenTLS: "127.0.0.1:0", Robot: "arm", Users: users, Files: files, Log: slog.New(slog.DiscardHandler),
	}.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b.AddressTLS()
}

func startMosquitto(t *testing.T, files Files, users map[string]Role) string {
	t.Helper()
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		program = "/usr/sbin/mosquitto"
	}
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("SIM2REALD_ALL") != "" {
			t.Fatal("mosquitto is missing; make setup-test installs it")
		}
		t.Skip("mosquitto is missing; make setup-test installs it")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	conf, acl := Mosquitto("arm", address, files, users, at("acl"))
	// Started by root it would become a user that cannot read this test's files.
	for name, text := range map[string]string{"conf": conf + "user root\n", "acl": acl} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var said bytes.Buffer
	cmd := exec.Command(program, "-c", at("conf"))
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("mosquitto said: %s", said.String())
		}
	})
	listens(t, address)
	return address
}

// listens waits for a process to do so.
func listens(t *testing.T, address string) {
	t.Helper()
	dialler := net.Dialer{Deadline: time.Now().Add(10 * time.Second)}
	for {
		c, err := dialler.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
			return
		}
		if time.Now().After(dialler.Deadline) {
			t.Fatalf("nothing listens on %s: %v", address, err)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// options are those of a client with a TLS configuration, or none.
func (s *secured) options(c *tls.Config) *mqtt.ClientOptions {
	scheme := "tcp://"
	if c != nil {
		scheme = "ssl://"
	}
	o := mqtt.NewClientOptions().AddBroker(scheme + s.address).SetAutoReconnect(false).SetConnectTimeout(3 * time.Second)
	if c != nil {
		o.SetTLSConfig(c)
	}
	return o
}

func (s *secured) tls(name string, until time.Time) *tls.Config {
	s.t.Helper()
	files := Files{CA: filepath.Join(s.ca.dir, "ca.crt"), Certificate: filepath.Join(s.ca.dir, name+".crt"), Key: filepath.Join(s.ca.dir, name+".key")}
	if _, err := os.Stat(files.Key); err != nil {
		files, _ = s.ca.issue(name, until)
	}
	c, err := files.config(slog.New(slog.DiscardHandler), until.Add(-time.Hour))
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// connect is a client, and nil when it is not let in.
func (s *secured) connect(o *mqtt.ClientOptions) mqtt.Client {
	c := mqtt.NewClient(o)
	token := c.Connect()
	if !token.WaitTimeout(5*time.Second) || token.Error() != nil {
		return nil
	}
	s.t.Cleanup(func() { c.Disconnect(0) })
	return c
}

func (s *secured) as(name string) mqtt.Client {
	s.t.Helper()
	c := s.connect(s.options(s.tls(name, inAYear())))
	if c == nil {
		s.t.Fatalf("%s is not let in", name)
	}
	return c
}

// delivers reports whether what a client says on a topic reaches who listens. The subscription that follows is
// answered once the message has been dealt with, and the marker of the daemon comes after it.
func (s *secured) delivers(c mqtt.Client, topic string) bool {
	s.t.Helper()
	c.Publish(armTopics+topic, 0, false, "x")
	c.Subscribe("anything", 0, nil).WaitTimeout(3 * time.Second)
	s.daemon.Publish(armTopics+"event", 0, false, "marker")
	got := false
	for {
		m := hear(s.t, s.heard)
		if m.Topic() == armTopics+"event" && string(m.Payload()) == "marker" {
			return got
		}
		got = got || m.Topic() == armTopics+topic
	}
}
