// Package topic is the daemon's side of the bridge contract (robot/bridge/CONTRACT.md): its messages, the gate
// that drops what must not be trusted, the MQTT client, and the broker that can run inside the daemon.
//
// What belongs here: the wire. What does not: when to move (daemon/control) and how fast (robot/limit).
package topic
