package topic

import (
	"crypto/tls"
	"log/slog"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// guard lets clients in and says what they may do. Who comes without TLS comes from this host, and may everything; who
// comes with TLS is the user that the certificate names.
type guard struct {
	mqtt.HookBase
	prefix string
	users  map[string]Role
	log    *slog.Logger
}

// ID names the hook.
func (g *guard) ID() string { return "guard" }

// Provides lists what the hook is asked.
func (g *guard) Provides(b byte) bool {
	return b == mqtt.OnConnectAuthenticate || b == mqtt.OnACLCheck || b == mqtt.OnPublish
}

// OnConnectAuthenticate also looks at the last will, which the library publishes without asking any more.
func (g *guard) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) bool {
	name, secured := identity(cl)
	if !secured {
		return true
	}
	role, known := g.users[name]
	if !known {
		g.log.Warn("mqtt client refused: its certificate is nobody's in mqtt.users", "name", name, "remote", cl.Net.Remote)
		return false
	}
	if pk.Connect.WillFlag && !role.may(g.prefix, pk.Connect.WillTopic, true) {
		g.log.Warn("mqtt client refused: its last will is on a topic that it may not write", "name", name, "role", role, "topic", pk.Connect.WillTopic)
		return false
	}
	return true
}

// OnACLCheck is asked about every publish, every subscription and every delivery.
func (g *guard) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	name, secured := identity(cl)
	return !secured || g.users[name].may(g.prefix, topic, write)
}

// OnPublish drops what is larger than anything that a topic has.
func (g *guard) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	_, secured := identity(cl)
	if secured && len(pk.Payload) > largest(pk.TopicName[min(len(g.prefix), len(pk.TopicName)):]) {
		return pk, packets.ErrRejectPacket
	}
	return pk, nil
}

// identity is the common name of a client's certificate, and whether it came with TLS at all. The library has read the
// CONNECT by then, and so the handshake is done.
func identity(cl *mqtt.Client) (string, bool) {
	secured, ok := cl.Net.Conn.(*tls.Conn)
	if !ok {
		return "", false
	}
	if chain := secured.ConnectionState().PeerCertificates; len(chain) > 0 {
		return chain[0].Subject.CommonName, true
	}
	return "", true
}
