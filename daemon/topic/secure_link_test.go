package topic

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	server "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		filter, other string
		want          bool
	}{
		{"#", "a/b", true}, {"#", "#", true}, {"a", "a", true}, {"a", "b", false}, {"a", "a/b", false}, {"a/b", "a", false},
		{"camera/+", "camera/front", true}, {"camera/+", "camera/+", true}, {"camera/+", "camera/#", false},
		{"camera/+", "camera/a/b", false}, {"a", "+", false}, {"a", "#", false}, {"a/#", "a/b/c", true},
	} {
		if got := covers(c.filter, c.other); got != c.want {
			t.Errorf("%s covers %s: %v", c.filter, c.other, got)
		}
	}
}

// TestLinkOverTLS: the daemon's own client, with what its configuration gives it.
func TestLinkOverTLS(t *testing.T) {
	onBothBrokers(t, func(t *testing.T, s *secured) {
		files := Files{CA: filepath.Join(s.ca.dir, "ca.crt"), Certificate: filepath.Join(s.ca.dir, "d.crt"), Key: filepath.Join(s.ca.dir, "d.key")}
		dial := func(f Files) error {
			link, err := Dial(t.Context(), Options{
				Broker: s.address, Robot: "arm", Version: "test", Files: f, Clock: func() time.Duration { return 0 }, Log: slog.New(slog.DiscardHandler),
			})
			if err == nil {
				link.Close()
			}
			return err
		}
		if err := dial(files); err != nil {
			t.Error(err)
		}
		stranger := newAuthority(t)
		files.CA = filepath.Join(stranger.dir, "ca.crt")
		if err := dial(files); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("a broker of an unknown authority: %v", err)
		}
	})
}

func TestCertificatesThatEnd(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name       string
		left       time.Duration
		fail, warn string
	}{
		{"long", 15 * 24 * time.Hour, "", ""},
		{"soon", 14 * 24 * time.Hour, "", "certificate expires soon"},
		{"today", time.Hour, "", "days=0"},
		{"over", -time.Hour, "expired on", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			files, cert := newAuthority(t).issue("d", now.AddDate(1, 0, 0))
			var said bytes.Buffer
			_, err := files.config(slog.New(slog.NewTextHandler(&said, nil)), cert.NotAfter.Add(-c.left))
			if c.fail == "" && err != nil || c.fail != "" && (err == nil || !strings.Contains(err.Error(), c.fail)) {
				t.Errorf("got %v, want %q", err, c.fail)
			}
			if c.warn == "" && said.Len() > 0 || !strings.Contains(said.String(), c.warn) {
				t.Errorf("said %q, want %q", said.String(), c.warn)
			}
		})
	}
}

func TestReadSecret(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good", "pass word\nmore", 0o600)
	for path, want := range map[string]string{good: "pass word", write("windows", "x\r\n", 0o640): "x"} {
		if got, err := ReadSecret(path); got != want || err != nil {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	for path, want := range map[string]string{
		write("open", "x", 0o644): "chmod 600", write("empty", "\nx", 0o600): "first line is empty",
		filepath.Join(dir, "missing"): "no such file", "$CREDENTIALS_DIRECTORY/good": "is not set",
	} {
		if _, err := ReadSecret(path); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "pass word") {
			t.Errorf("%s: %v", path, err)
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	if got, err := ReadSecret("$CREDENTIALS_DIRECTORY/good"); got != "pass word" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// credentials is a broker's hook that keeps what a client says of itself.
type credentials struct {
	guard
	heard chan [2]string
}

func (c *credentials) OnConnectAuthenticate(_ *server.Client, pk packets.Packet) bool {
	c.heard <- [2]string{string(pk.Connect.Username), string(pk.Connect.Password)}
	return true
}

func TestUserAndPasswordReachTheBroker(t *testing.T) {
	b, hook := &Broker{server: newServer()}, &credentials{heard: make(chan [2]string, 1)}
	if err := b.server.AddHook(hook, nil); err != nil {
		t.Fatal(err)
	}
	address, err := b.listen("listen", "127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.server.Serve(); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	link, err := Dial(t.Context(), Options{
		Broker: address, Robot: "arm", User: "u", Password: "p", Clock: func() time.Duration { return 0 }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	if got := hear(t, hook.heard); got != [2]string{"u", "p"} {
		t.Errorf("heard %v", got)
	}
}
