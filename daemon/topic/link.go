package topic

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"sim2reald/robot"
)

// Options say where the bridge is and who listens. Callbacks run on the client's receiving goroutine, in
// the order of arrival, and must not block.
type Options struct {
	Broker  string               // host:port
	Robot   string               // name in the topic prefix
	Version string               // of this daemon
	Clock   func() time.Duration // monotonic, since process start
	Log     *slog.Logger

	OnFrame   func(*CameraFrame, time.Duration) // pictures, with their arrival
	OnExpert  func(*Expert)                     // a teacher's advice
	OnEpisode func(EpisodeState)
	OnRequest func(Request) Reply // runs on its own goroutine
}

// Link is the daemon's connection to one bridge. Its methods may be called from any goroutine.
type Link struct {
	opts   Options
	client mqtt.Client
	prefix string
	epoch  string
	seqs   sync.Map // topic -> *atomic.Uint64

	Dropped DropCounts

	mu        sync.Mutex
	factsheet Factsheet
	known     bool // a factsheet has arrived
	state     robot.State
	measured  bool // a state of the factsheet's epoch has arrived
	gates     map[string]*gate

	subscribed       chan struct{} // capacity 1
	factsheetArrived chan struct{} // capacity 1
	stateArrived     chan struct{} // capacity 1
}

// answerPatience is how long the broker may take to answer.
const answerPatience = 5 * time.Second

// Dial connects and subscribes: what is said after it returns is heard. It fails when the broker does not answer
// within five seconds; a connection lost later is made again by itself, at most two seconds apart.
func Dial(ctx context.Context, opts Options) (*Link, error) {
	l := &Link{
		opts: opts, prefix: "sim2real/v1/" + opts.Robot + "/", epoch: newEpoch(), gates: map[string]*gate{},
		subscribed: make(chan struct{}, 1), factsheetArrived: make(chan struct{}, 1), stateArrived: make(chan struct{}, 1),
	}
	l.client = mqtt.NewClient(l.clientOptions())
	token := l.client.Connect()
	select {
	case <-token.Done():
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := token.Error(); err != nil {
		return nil, fmt.Errorf("mqtt.broker %s: %w; start that broker, or set mqtt.broker to embedded", opts.Broker, err)
	}
	select {
	case <-l.subscribed:
		return l, nil
	case <-time.After(answerPatience):
		l.client.Disconnect(0)
		return nil, fmt.Errorf("mqtt.broker %s: no answer to the subscriptions within %v; check that broker, or set mqtt.broker to embedded", opts.Broker, answerPatience)
	case <-ctx.Done():
		l.client.Disconnect(0)
		return nil, ctx.Err()
	}
}

// clientOptions replaces the library's defaults where they are wrong for motion: a write that never ends, a
// keep-alive of half a minute, a reconnect after ten. Messages stay in order: handlers here do not block,
// and out of order the sequence gate would drop good ones.
func (l *Link) clientOptions() *mqtt.ClientOptions {
	o := mqtt.NewClientOptions().AddBroker("tcp://" + l.opts.Broker)
	o.SetClientID("sim2reald-" + l.epoch)
	o.SetCleanSession(true).SetOrderMatters(true).SetStore(mqtt.NewMemoryStore())
	o.SetConnectTimeout(answerPatience).SetWriteTimeout(200 * time.Millisecond)
	o.SetKeepAlive(2 * time.Second).SetPingTimeout(time.Second)
	o.SetAutoReconnect(true).SetMaxReconnectInterval(2 * time.Second)
	o.SetBinaryWill(l.prefix+"daemon/connection", l.connection("offline"), 1, true)
	o.SetOnConnectHandler(l.subscribe)
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) { l.opts.Log.Warn("broker lost", "cause", err) })
	return o
}

func (l *Link) connection(state string) []byte {
	b, err := json.Marshal(Connection{Envelope: l.envelope("daemon/connection", 0), State: state, Version: l.opts.Version})
	if err != nil {
		panic(err) // strings and integers always encode
	}
	return b
}

// subscribe runs after every connection, on a goroutine of its own. All filters go out at once, and the daemon
// says online when they hold, so that no answer to it can come too early.
func (l *Link) subscribe(c mqtt.Client) {
	handlers := map[string]func(mqtt.Message){
		"factsheet": l.onFactsheet, "joint_states": l.onState, "camera/+": l.onFrame, "expert": l.onExpert,
		"episode/state": l.onEpisode, "request": l.onRequest,
	}
	filters := map[string]byte{}
	for topic := range handlers {
		filters[l.prefix+topic] = quality(topic)
	}
	token := c.SubscribeMultiple(filters, func(_ mqtt.Client, m mqtt.Message) {
		name := strings.TrimPrefix(m.Topic(), l.prefix)
		if strings.HasPrefix(name, "camera/") {
			name = "camera/+"
		}
		handlers[name](m)
	})
	if !token.WaitTimeout(answerPatience) || token.Error() != nil {
		l.opts.Log.Error("not subscribed", "cause", token.Error())
		return
	}
	c.Publish(l.prefix+"daemon/connection", 1, true, l.connection("online"))
	notify(l.subscribed)
}

// quality is a topic's QoS: what happens once must arrive, and motion is worth nothing late.
func quality(topic string) byte {
	if topic == "factsheet" || strings.HasPrefix(topic, "episode/") {
		return 1
	}
	return 0
}

// newEpoch draws 16 hex digits.
func newEpoch() string {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err) // documented never to fail
	}
	return hex.EncodeToString(b[:])
}

func (l *Link) envelope(topic string, stamp time.Duration) Envelope {
	counter, _ := l.seqs.LoadOrStore(topic, new(atomic.Uint64))
	return Envelope{Epoch: l.epoch, Seq: counter.(*atomic.Uint64).Add(1), Stamp: StampOf(stamp)}
}

// Close tells the bridge that the daemon goes and disconnects.
func (l *Link) Close() {
	l.client.Publish(l.prefix+"daemon/connection", 1, true, l.connection("offline")).WaitTimeout(200 * time.Millisecond)
	l.client.Disconnect(100)
}

// publish sends and does not wait: silence is found by the age of what comes back.
func (l *Link) publish(topic string, message any) error {
	b, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", topic, err)
	}
	l.client.Publish(l.prefix+topic, quality(topic), false, b)
	return nil
}
