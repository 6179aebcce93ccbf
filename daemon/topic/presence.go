package topic

import (
	"encoding/json"
	"fmt"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// attendance is how often the bridge is asked for an echo and for the lease.
const attendance = 100 * time.Millisecond

// onDaemon hears this daemon's own last will: somebody took its client id, or the broker took its old session for
// lost only now. It says online again, so that what is retained is true.
func (l *Link) onDaemon(m received) {
	var c Connection
	if m.retained || decode(m.payload, &c) != nil || c.Epoch != l.epoch || c.State != "offline" || l.closing.Load() {
		return
	}
	l.opts.Log.Warn("a last will of this daemon was published while it is here: the broker lost a session of it, or another client took its id")
	notify(l.disowned)
}

// session begins a session in the client's options: a client id that no session had before, so that who loses its
// id to somebody does not take it back and forth, and a last will with the seq before the session's online.
func (l *Link) session(_ mqtt.Client, o *mqtt.ClientOptions) {
	l.sessions++
	o.SetClientID(fmt.Sprintf("sim2reald-%s-%d", l.epoch, l.sessions))
	o.SetBinaryWill(l.prefix+"daemon/connection", l.connection("offline"), 1, true)
	online := l.connection("online")
	l.online.Store(&online)
}

func (l *Link) sayOnline() { l.client.Publish(l.prefix+"daemon/connection", 1, true, *l.online.Load()) }

func (l *Link) connection(state string) []byte {
	b, err := json.Marshal(Connection{Envelope: l.envelope("daemon/connection", 0), State: state, Version: l.opts.Version})
	if err != nil {
		panic(err) // strings and integers always encode
	}
	return b
}

// attend asks for echo and lease until the link closes.
func (l *Link) attend(done <-chan struct{}) {
	ticker := time.NewTicker(attendance)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-l.disowned:
			l.sayOnline()
		case <-l.greeted:
		case <-ticker.C:
		}
		if l.connected() {
			l.askLease("hold")
			l.sendEcho()
		}
	}
}
