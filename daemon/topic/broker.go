package topic

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

// Broker is an MQTT broker inside the daemon's process, for a rig that has none.
type Broker struct {
	server  *mqtt.Server
	address string
	secured string
}

// BrokerOptions say where a broker listens and whom it lets in.
type BrokerOptions struct {
	Listen    string          // host:port without TLS, for loopback: every client may everything; port 0 picks a free one
	ListenTLS string          // host:port with TLS 1.3 and a certificate of each client; empty is nowhere
	Robot     string          // whose topics the users may use
	Users     map[string]Role // by common name, on ListenTLS
	Files     Files           // on ListenTLS
	Log       *slog.Logger    // hears of who is refused
}

// StartBroker listens on address alone, without TLS, and serves until Close.
func StartBroker(address string) (*Broker, error) {
	return BrokerOptions{Listen: address, Log: slog.New(slog.DiscardHandler)}.Start()
}

// Start listens and serves until Close.
func (o BrokerOptions) Start() (*Broker, error) {
	b := &Broker{server: newServer()}
	if err := b.server.AddHook(&guard{prefix: "sim2real/v1/" + o.Robot + "/", users: o.Users, log: o.Log}, nil); err != nil {
		return nil, fmt.Errorf("starting the embedded broker: %w", err)
	}
	var err error
	if b.address, err = b.listen("mqtt.listen", o.Listen, nil); err != nil {
		return nil, err
	}
	if o.ListenTLS != "" {
		if err := b.listenTLS(o); err != nil {
			return nil, errors.Join(err, b.Close())
		}
	}
	if err := b.server.Serve(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the embedded broker: %w", err), b.Close())
	}
	return b, nil
}

// never is how often the library says on $SYS how it is, in seconds: a year. For that it asks for MemStats, and Go's
// runtime stops everything, the tick among it, for up to some milliseconds; nobody here listens.
const never = 365 * 24 * 3600

func newServer() *mqtt.Server {
	capabilities := mqtt.NewDefaultServerCapabilities()
	capabilities.MaximumPacketSize = maxPayload
	capabilities.MaximumInflight = 16
	return mqtt.New(&mqtt.Options{
		Capabilities:           capabilities,
		SysTopicResendInterval: never,
		Logger:                 slog.New(slog.NewTextHandler(io.Discard, nil)), // clients that go are reported by their last wills
	})
}

func (b *Broker) listenTLS(o BrokerOptions) (err error) {
	config, err := o.Files.config(o.Log, time.Now())
	if err != nil {
		return err
	}
	config.ClientAuth = tls.RequireAndVerifyClientCert
	b.secured, err = b.listen("mqtt.listen_tls", o.ListenTLS, config)
	return err
}

// listen binds here first: the library reports a port in use only after its own retries, and not by name.
func (b *Broker) listen(key, address string, secure *tls.Config) (string, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "", fmt.Errorf("%s %s: %w; set %s to a free port, or mqtt.broker to the broker that is there", key, address, err, key)
	}
	bound := listener.Addr().String()
	if secure != nil {
		listener = tls.NewListener(listener, secure)
	}
	if err := b.server.AddListener(&closingListener{listeners.NewNet(key, listener), b.server}); err != nil {
		return "", fmt.Errorf("starting the embedded broker: %w", err)
	}
	return bound, nil
}

// Address is where it listens without TLS, host:port.
func (b *Broker) Address() string { return b.address }

// AddressTLS is where it listens with TLS, host:port, and empty where it does not.
func (b *Broker) AddressTLS() string { return b.secured }

// Close disconnects every client and stops listening.
func (b *Broker) Close() error { return b.server.Close() }

// closingListener disconnects the clients itself. The library's own way (mochi 2.7.9, Clients.GetByListener)
// takes its read lock twice, and waits for ever when a client leaves between the two.
type closingListener struct {
	*listeners.Net
	server *mqtt.Server
}

// Close stops listening and disconnects every client.
func (l *closingListener) Close(listeners.CloseFn) {
	l.Net.Close(func(string) {
		for _, client := range l.server.Clients.GetAll() {
			// A client that is gone already cannot be told.
			_ = l.server.DisconnectClient(client, packets.ErrServerShuttingDown)
		}
	})
}
