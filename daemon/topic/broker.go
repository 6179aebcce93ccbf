package topic

import (
	"fmt"
	"io"
	"log/slog"
	"net"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

// Broker is an MQTT broker inside the daemon's process, for a rig that has none. It allows every client, so
// it belongs on a loopback address.
type Broker struct {
	server  *mqtt.Server
	address string
}

// StartBroker listens on address (host:port; port 0 picks a free one) and serves until Close.
func StartBroker(address string) (*Broker, error) {
	// Bound here first: the library reports a port in use only after its own retries, and not by name.
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("mqtt.listen %s: %w; set mqtt.listen to a free port, or mqtt.broker to the broker that is there", address, err)
	}
	capabilities := mqtt.NewDefaultServerCapabilities()
	capabilities.MaximumPacketSize = maxPayload
	capabilities.MaximumInflight = 16
	server := mqtt.New(&mqtt.Options{
		Capabilities: capabilities,
		Logger:       slog.New(slog.NewTextHandler(io.Discard, nil)), // clients that go are reported by their last wills
	})
	if err := server.AddHook(new(auth.AllowHook), nil); err != nil {
		return nil, fmt.Errorf("starting the embedded broker: %w", err)
	}
	if err := server.AddListener(&closingListener{listeners.NewNet("tcp", listener), server}); err != nil {
		return nil, fmt.Errorf("starting the embedded broker: %w", err)
	}
	if err := server.Serve(); err != nil {
		return nil, fmt.Errorf("starting the embedded broker: %w", err)
	}
	return &Broker{server: server, address: listener.Addr().String()}, nil
}

// Address is where it listens, host:port.
func (b *Broker) Address() string { return b.address }

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
