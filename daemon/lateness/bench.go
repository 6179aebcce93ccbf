package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"sim2reald/daemon/control"
	"sim2reald/daemon/topic"
)

// bench is everything that a run has.
type bench struct {
	set     settings
	errs    io.Writer
	clock   func() time.Duration
	broker  *topic.Broker
	bridge  *process
	rig     *rig
	brain   *brain // nil where there is none
	noBrain string // why
	program string // the C loop
	cc      string
	journal *journal
	cells   map[place]*cell
	before  ticks // when it began
}

// The contenders.
const (
	contenderGo = iota
	contenderC
)

func openBench(s settings, errs io.Writer) (*bench, error) {
	began := time.Now()
	b := &bench{
		set: s, errs: errs, clock: func() time.Duration { return time.Since(began) },
		cells: map[place]*cell{}, before: readTicks(),
	}
	if err := b.open(); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *bench) open() (err error) {
	if b.journal, err = openJournal(b.set.json); err != nil {
		return err
	}
	if core := b.set.kept(); core != nil {
		if err := leave(*core); err != nil {
			return err
		}
	}
	if b.program, b.cc, err = compile(b.set.scratch); err != nil {
		return err
	}
	if b.broker, err = topic.StartBroker("127.0.0.1:0"); err != nil {
		return err
	}
	if b.bridge, err = b.start("bridge"); err != nil {
		return err
	}
	if b.rig, err = openRig(b.broker.Address(), b.clock); err != nil {
		return err
	}
	select {
	case <-b.rig.first:
	case <-time.After(patience):
		return fmt.Errorf("the bridge sent no measurement within %v", patience)
	}
	if b.brain, err = openBrain(b.set.base, b.set.library, b.clock); err != nil {
		b.brain, b.noBrain = nil, strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return nil
}

// leave keeps a core from this process and its children, so that both contenders find it alike.
func leave(core int) error {
	var may unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		return fmt.Errorf("asking which cores there are: %w", err)
	}
	if !may.IsSet(core) {
		return fmt.Errorf("-core %d is none of the %d that this process may use; see taskset -cp", core, may.Count())
	}
	return control.LeaveCore(core)
}

// run goes through all places in an order that is drawn anew for each round, both contenders one after the other.
func (b *bench) run(ctx context.Context) error {
	for round := range b.set.rounds {
		all := b.set.places()
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for i, p := range all {
			if p.load.inference && b.brain == nil {
				continue
			}
			fmt.Fprintf(b.errs, "\rround %d of %d, %d of %d: %-30s", round+1, b.set.rounds, i+1, len(all), p)
			if err := b.visit(ctx, round, p); err != nil {
				fmt.Fprintln(b.errs)
				return err
			}
		}
	}
	fmt.Fprintf(b.errs, "\r%60s\r", "")
	return nil
}

func (b *bench) visit(ctx context.Context, round int, p place) error {
	if b.cells[p] == nil {
		b.cells[p] = new(cell)
	}
	order := []int{contenderGo, contenderC}
	if rand.IntN(2) == 0 {
		order[0], order[1] = order[1], order[0]
	}
	for _, contender := range order {
		t, err := b.turn(ctx, contender, p)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", contenderNames()[contender], p, err)
		}
		if err := b.journal.write("turn", rowOf(contender, p, t, round)); err != nil {
			return err
		}
		turns := &b.cells[p].turns[contender]
		*turns = append(*turns, t)
	}
	return ctx.Err()
}

func contenderNames() [2]string { return [2]string{"Go", "C"} }

// turn is one contender's, with the load beside it.
func (b *bench) turn(ctx context.Context, contender int, p place) (t *tally, err error) {
	var flood *process
	if p.load.flood {
		if flood, err = b.start("flood"); err != nil {
			return nil, err
		}
		if _, err := flood.line(); err != nil {
			return nil, errors.Join(err, flood.stop())
		}
	}
	turn := p.turn()
	if contender == contenderGo {
		t, err = b.runGo(ctx, p, turn)
	} else {
		t, err = b.besideC(ctx, p, turn)
	}
	if flood == nil {
		return t, err
	}
	rate, floodErr := flood.rate()
	if err = errors.Join(err, floodErr); err == nil {
		t.flood = rate
	}
	return t, err
}

// besideC keeps the inference going that the Go loop would ask for.
func (b *bench) besideC(ctx context.Context, p place, turn time.Duration) (*tally, error) {
	thinking, stop := context.WithCancel(ctx)
	defer stop()
	thought := make(chan error, 1)
	if p.load.inference {
		go func() { thought <- b.brain.think(thinking) }()
	} else {
		thought <- nil
	}
	t, err := b.runC(ctx, p, turn)
	stop()
	if err := errors.Join(err, <-thought); err != nil {
		return nil, err
	}
	if p.load.inference {
		b.brain.taken() // these led to no command
	}
	return t, nil
}

func (b *bench) close() error {
	var errs []error
	if b.rig != nil {
		b.rig.close()
	}
	if b.bridge != nil {
		errs = append(errs, b.bridge.stop())
	}
	errs = append(errs, b.brain.close())
	if b.broker != nil {
		errs = append(errs, b.broker.Close())
	}
	return errors.Join(append(errs, b.journal.close())...)
}

// process is a child, which ends when its input does.
type process struct {
	cmd *exec.Cmd
	in  io.Closer
	out *bufio.Reader
}

func (b *bench) start(as string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "-as", as, "-broker", b.broker.Address())
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the %s: %w", as, err)
	}
	return &process{cmd, in, bufio.NewReader(out)}, nil
}

func (p *process) line() (string, error) { return p.out.ReadString('\n') }

// rate ends a flood and returns what it says.
func (p *process) rate() (rate float64, err error) {
	if err := p.in.Close(); err != nil {
		return 0, err
	}
	text, err := p.line()
	if err == nil {
		_, err = fmt.Sscan(text, &rate)
	}
	return rate, errors.Join(err, p.cmd.Wait())
}

func (p *process) stop() error { return errors.Join(p.in.Close(), p.cmd.Wait()) }
