package topic

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"sim2reald/robot"
)

// Options say where the bridge is and who listens. Callbacks run on one goroutine, in the order of arrival. While one
// blocks, pictures queue up and then drop; the connection, the echo, the lease and, in real time, the measurements go
// on.
type Options struct {
	Broker  string               // host:port
	Robot   string               // name in the topic prefix
	Version string               // of this daemon
	Clock   func() time.Duration // monotonic, since process start
	Log     *slog.Logger

	Files          Files  // of a broker with TLS; an empty CA is none
	User, Password string // at a broker that wants them

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
	who    string   // what this daemon calls itself
	seqs   sync.Map // topic -> *atomic.Uint64

	inbox    *inbox
	requests chan struct{} // one for each that is being done
	sessions int           // with the broker, so far
	online   atomic.Pointer[[]byte]
	closing  atomic.Bool
	stop     context.CancelFunc
	workers  sync.WaitGroup

	Dropped DropCounts

	mu         sync.Mutex
	factsheet  Factsheet
	known      bool // a factsheet has arrived
	state      robot.State
	measured   bool     // a state of the factsheet's epoch has arrived
	complaints []string // the last errors of joint_states
	episode    episodes // of joint_states
	gates      map[string]*gate
	retired    []string // epochs of the bridge that others have followed
	echoes     echoes
	lease      lease

	disowned         chan struct{} // capacity 1: our last will was heard
	greeted          chan struct{} // capacity 1: a factsheet has come, and may want a lease
	leaseHeard       chan struct{} // capacity 1
	subscribed       chan struct{} // capacity 1
	factsheetArrived chan struct{} // capacity 1
	stateArrived     chan struct{} // capacity 1
}

// answerPatience is how long the broker may take to answer.
const answerPatience = 5 * time.Second

// requestsAtOnce is how many requests are done at a time, but for stop and hold.
const requestsAtOnce = 16

// Dial connects and subscribes: what is said after it returns is heard. It fails when the broker does not answer
// within five seconds; a connection lost later is made again by itself, at most two seconds apart.
func Dial(ctx context.Context, opts Options) (*Link, error) {
	l := &Link{
		opts: opts, prefix: "sim2real/v1/" + opts.Robot + "/", epoch: newEpoch(), gates: map[string]*gate{},
		inbox: newInbox(), requests: make(chan struct{}, requestsAtOnce),
		disowned: make(chan struct{}, 1), greeted: make(chan struct{}, 1), leaseHeard: make(chan struct{}, 1),
		subscribed: make(chan struct{}, 1), factsheetArrived: make(chan struct{}, 1), stateArrived: make(chan struct{}, 1),
	}
	l.who = whoWeAre(opts.Version)
	o := l.clientOptions()
	if opts.Files.CA != "" {
		secure, err := opts.Files.config(opts.Log, time.Now())
		if err != nil {
			return nil, err
		}
		o.Servers = nil
		o.AddBroker("ssl://" + opts.Broker).SetTLSConfig(secure)
	}
	l.client = mqtt.NewClient(o)
	if err := l.connect(ctx); err != nil {
		return nil, err
	}
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = stop
	l.workers.Go(func() { l.inbox.drain(working, l.inTurn) })
	l.workers.Go(func() { l.attend(working.Done()) })
	return l, nil
}

func (l *Link) connect(ctx context.Context) error {
	token := l.client.Connect()
	select {
	case <-token.Done():
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := token.Error(); err != nil {
		return fmt.Errorf("mqtt.broker %s: %w; start that broker, or set mqtt.broker to embedded", l.opts.Broker, err)
	}
	select {
	case <-l.subscribed:
		return nil
	case <-time.After(answerPatience):
		l.client.Disconnect(0)
		return fmt.Errorf("mqtt.broker %s: no answer to the subscriptions within %v; check that broker, or set mqtt.broker to embedded", l.opts.Broker, answerPatience)
	case <-ctx.Done():
		l.client.Disconnect(0)
		return ctx.Err()
	}
}

// whoWeAre is what people read when another daemon has the lease.
func whoWeAre(version string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "a host without a name"
	}
	return fmt.Sprintf("sim2reald %s on %s, process %d", version, host, os.Getpid())
}

// clientOptions replaces the library's defaults where they are wrong for motion: a write that never ends, a
// keep-alive of half a minute, a reconnect after ten. Messages stay in order. With OrderMatters false, each would run
// on a goroutine of its own, and the sequence gate would drop the good ones that were overtaken. What false would gain,
// that a handler which blocks stalls no ping, onMessage has as well: it never blocks.
func (l *Link) clientOptions() *mqtt.ClientOptions {
	o := mqtt.NewClientOptions().AddBroker("tcp://" + l.opts.Broker)
	l.session(nil, o)
	o.SetReconnectingHandler(l.session)
	o.SetUsername(l.opts.User).SetPassword(l.opts.Password)
	o.SetCleanSession(true).SetOrderMatters(true).SetStore(mqtt.NewMemoryStore())
	o.SetConnectTimeout(answerPatience).SetWriteTimeout(200 * time.Millisecond)
	o.SetKeepAlive(2 * time.Second).SetPingTimeout(time.Second)
	o.SetAutoReconnect(true).SetMaxReconnectInterval(2 * time.Second)
	o.SetOnConnectHandler(l.subscribe)
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) { l.opts.Log.Warn("broker lost", "cause", err) })
	return o
}

// subscribe runs after every connection, on a goroutine of its own. All filters go out at once, and the daemon
// says online when they hold, so that no answer to it can come too early.
func (l *Link) subscribe(c mqtt.Client) {
	filters := map[string]byte{}
	for _, topic := range []string{
		"factsheet", "joint_states", "camera/+", "expert", "episode/state", "request",
		"echo/answer", "lease/state", "daemon/connection",
	} {
		filters[l.prefix+topic] = quality(topic)
	}
	token := c.SubscribeMultiple(filters, l.onMessage)
	if !token.WaitTimeout(answerPatience) || token.Error() != nil {
		l.opts.Log.Error("not subscribed", "cause", token.Error())
		return
	}
	l.sayOnline()
	notify(l.subscribed)
	notify(l.greeted)
}

// quality is a topic's QoS: what happens once must arrive, and motion is worth nothing late.
func quality(topic string) byte {
	if topic == "factsheet" || strings.HasPrefix(topic, "episode/") || strings.HasSuffix(topic, "/connection") {
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

// Close gives the lease back, tells the bridge that the daemon goes, and disconnects.
func (l *Link) Close() {
	l.closing.Store(true)
	l.stop()
	l.workers.Wait()
	l.askLease("release")
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
