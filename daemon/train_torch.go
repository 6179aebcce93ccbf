package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"sim2reald/model/base"
	"sim2reald/model/bundle"
	"sim2reald/model/dataset"
	"sim2reald/model/train"
)

// Programs that train.
const (
	trainerGorgonia = "gorgonia"
	trainerTorch    = "torch"
)

// torchFlags say which program trains, and how PyTorch does.
type torchFlags struct {
	trainer, python, device, trained string
	tf32, bf16, eager, show          bool
}

func (t *torchFlags) set(fs *flag.FlagSet) {
	fs.StringVar(&t.trainer, "trainer", trainerGorgonia, "`program` that trains: gorgonia, or torch, which is PyTorch with model/torch, for a GPU. It keeps no checkpoint and no cache")
	fs.StringVar(&t.python, "python", "python3", "`interpreter` with PyTorch and timm, for -trainer torch")
	fs.StringVar(&t.device, "torch-device", "auto", "where PyTorch computes, `one` of auto, cpu, cuda")
	fs.BoolVar(&t.eager, "torch-eager", false, "launch every kernel by itself, where -trainer torch replays a recorded step on a GPU")
	fs.BoolVar(&t.tf32, "tf32", false, "let a GPU round the factors of products to 10 bits, for -trainer torch")
	fs.BoolVar(&t.bf16, "bf16", false, "let a CPU compute the model in bfloat16, of 8 bits, for -trainer torch: twice as fast where it has AMX")
	fs.BoolVar(&t.show, "torch-print", false, "print PyTorch's command line instead of running it; it writes to OUT.torch")
	fs.StringVar(&t.trained, "torch-trained", "", "`folder` OUT.torch that this command line left elsewhere; it is taken instead of training")
}

func (t *torchFlags) check() error {
	if t.trainer != trainerGorgonia && t.trainer != trainerTorch {
		return fmt.Errorf("-trainer %q is neither %s nor %s", t.trainer, trainerGorgonia, trainerTorch)
	}
	if t.trainer == trainerGorgonia && (t.tf32 || t.bf16 || t.eager || t.show || t.trained != "") {
		return fmt.Errorf("-tf32, -bf16, -torch-eager, -torch-print and -torch-trained are for -trainer %s; add it, or leave them out", trainerTorch)
	}
	return nil
}

// Names of what PyTorch leaves in the folder OUT.torch, beside the epochs' files.
const (
	torchBundle = "trained.safetensors"
	torchReport = "report.json"
)

// torchPatience is how long PyTorch has to save what it learned, after an interrupt.
const torchPatience = 2 * time.Minute

var errTorchInterrupted = errors.New("train: interrupted; the bundle holds what PyTorch learned so far, and the same command begins anew")

// trainTorch trains in PyTorch, and ends with what train.Run would leave.
func trainTorch(ctx context.Context, on *base.Base, file string, data *dataset.Dataset, f trainFlags) error {
	if err := f.fitsTorch(data); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	dir := f.out + ".torch"
	args := f.torchArgs(file, dir)
	if err := f.tellLabels(data); err != nil {
		return err
	}
	if f.torch.show {
		fmt.Println(quoted(append([]string{f.torch.python}, args...)))
		return nil
	}
	if f.torch.trained != "" {
		if err := f.takeOver(on, data, f.torch.trained); err != nil {
			return err
		}
		return f.forgetLabels()
	}
	if err := freshFolder(dir); err != nil {
		return err
	}
	if err := runTorch(ctx, f.torch.python, args); err != nil {
		if _, missing := os.Stat(filepath.Join(dir, torchReport)); missing != nil {
			return errors.Join(fmt.Errorf("train: PyTorch ended (%w); it said why above. -python names an interpreter with torch and timm", err), os.RemoveAll(dir), f.forgetLabels())
		}
	}
	err := f.takeOver(on, data, dir)
	if errors.Is(err, errInterrupted) {
		err = errTorchInterrupted
	} else if err != nil {
		return fmt.Errorf("%w; what PyTorch trained is kept in %s, for -torch-trained", err, dir)
	}
	return errors.Join(err, os.RemoveAll(dir), f.forgetLabels())
}

// fitsTorch refuses what the package cannot train, before an interpreter starts.
func (f *trainFlags) fitsTorch(data *dataset.Dataset) error {
	o := &f.opt
	net, err := o.Network(&data.Meta)
	if err != nil {
		return err
	}
	places, err := net.Places()
	if err != nil {
		return err
	}
	trained := slices.Collect(maps.Values(places))
	for _, place := range slices.Sorted(maps.Keys(o.Rates)) {
		if !slices.Contains(trained, place) {
			return fmt.Errorf("a learning rate of %s, where nothing is trained; leave it out", place)
		}
	}
	if err := o.BegunFits(&data.Meta); err != nil {
		return fmt.Errorf("%s: %w; name one of this kind", f.begins(), err)
	}
	return nil
}

// freshFolder makes an empty folder. What an earlier run could not hand over is not thrown away.
func freshFolder(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, torchReport)); err == nil {
		return fmt.Errorf("train: %s holds what PyTorch trained before; take it with -torch-trained, or delete it", dir)
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.MkdirAll(dir, 0o755)
}

// torchPackage is where this repository has the Python package.
const torchPackage = "model/torch"

// runTorch runs the interpreter to its end. An interrupt is passed on, and it has time to save.
func runTorch(ctx context.Context, python string, args []string) error {
	cmd := exec.CommandContext(ctx, python, args...)
	cmd.Stdout, cmd.Stderr, cmd.Env = os.Stderr, os.Stderr, os.Environ()
	if folder, err := filepath.Abs(torchPackage); err == nil {
		if _, err := os.Stat(filepath.Join(folder, "sim2real_torch")); err == nil {
			path := strings.TrimSuffix(folder+string(os.PathListSeparator)+os.Getenv("PYTHONPATH"), string(os.PathListSeparator))
			cmd.Env = append(cmd.Env, "PYTHONPATH="+path)
		}
	}
	cmd.Cancel, cmd.WaitDelay = func() error { return cmd.Process.Signal(os.Interrupt) }, torchPatience
	// Its own group: Ctrl-C in a terminal reaches it once, by way of this process. It ends with this process.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	runtime.LockOSThread() // Pdeathsig is about the thread that starts it
	defer runtime.UnlockOSThread()
	return cmd.Run()
}

// takeOver makes bundles and report of what PyTorch left in the folder.
func (f *trainFlags) takeOver(on *base.Base, data *dataset.Dataset, dir string) error {
	report, err := readTorchReport(filepath.Join(dir, torchReport))
	if err != nil {
		return err
	}
	if f.shown, err = train.ShownIn(data); err != nil {
		return err
	}
	b, err := f.imported(filepath.Join(dir, torchBundle))
	if err != nil {
		return err
	}
	digest, err := data.Digest()
	if err != nil {
		return err
	}
	if got := b.Manifest.Training.DataDigest; got != digest {
		return fmt.Errorf("train: PyTorch was shown dataset %s, %s is %s; name the one that it trained on with -data", got, f.data, digest)
	}
	snaps := snapshots{f.out, f.keep, f.opt.Every, f.opt.Epochs}
	if err := f.takeSnapshots(dir, snaps); err != nil {
		return err
	}
	if err := b.Save(f.out); err != nil {
		return err
	}
	if err := on.Unchanged(); err != nil {
		return err
	}
	return errors.Join(tellTraining(b, report, f.out), writeTraining(*f, b, report, snaps))
}

// takeSnapshots imports the bundles of single epochs.
func (f *trainFlags) takeSnapshots(dir string, snaps snapshots) error {
	left := snaps
	left.out = filepath.Join(dir, torchBundle)
	for epoch := snaps.every; snaps.every > 0 && epoch <= snaps.epochs; epoch += snaps.every {
		b, err := f.imported(left.path(epoch))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := snaps.save(epoch, b); err != nil {
			return err
		}
	}
	return nil
}

// imported reads one file, which must be what the command line asks for.
func (f *trainFlags) imported(path string) (*bundle.Bundle, error) {
	b, err := bundle.ImportFile(path, f.opt.Base)
	if err != nil {
		return nil, err
	}
	o, r := &f.opt, b.Manifest.Training.Recipe
	if r == nil {
		return nil, fmt.Errorf("importing %s: it does not say how it was trained; train it with the package of this release", path)
	}
	asked := []any{o.Arm, o.Adapters.String(), o.Full, o.Batch, o.Rates, o.Seed, o.Tool}
	got := []any{r.Arm, b.Manifest.Adapters.Placement, b.Manifest.Kind == bundle.KindFull, r.Batch, r.Rates, b.Manifest.Training.Seed, toolOf(&b.Manifest.Action)}
	if !reflect.DeepEqual(asked, got) {
		return nil, fmt.Errorf("importing %s: arm, placement, full, batch, rates, seed and tool are %v, the command line asks for %v; give the one that trained it", path, got, asked)
	}
	return shownBy(b, f.shown)
}

// toolOf is whose motion an action is; nil for the joints' velocities.
func toolOf(a *bundle.Action) *train.Tool {
	if a.Cartesian == nil {
		return nil
	}
	return &train.Tool{Dimensions: a.Dimensions, Chain: a.Cartesian.Chain, Point: a.Cartesian.Tool}
}

// torchTold is what the package says that it did.
type torchTold struct {
	Schema      string         `json:"schema"`
	Method      string         `json:"method"`
	Computer    string         `json:"computer"`
	Episodes    int            `json:"episodes"`
	HeldOut     int            `json:"held_out"`
	Excluded    int            `json:"excluded"`
	Frames      int            `json:"frames"`
	Examples    int            `json:"examples"`
	Epochs      int            `json:"epochs"`
	Steps       int            `json:"steps"`
	Cancelled   bool           `json:"cancelled"`
	Losses      []float64      `json:"losses"`
	Validations []float64      `json:"validations"`
	HeadLosses  []float64      `json:"head_losses"`
	Trained     map[string]int `json:"trained_parameters"`
	Minutes     float64        `json:"minutes"`
}

const torchReportSchema = "sim2reald.torch.training/1"

func readTorchReport(path string) (*train.Report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("train: what PyTorch did: %w; it did not end", err)
	}
	var t torchTold
	if err := json.Unmarshal(text, &t); err != nil || t.Schema != torchReportSchema || len(t.Losses) == 0 {
		return nil, fmt.Errorf("train: %s: schema %.80q, %d losses (%v): not a report of this release's package; train again", path, t.Schema, len(t.Losses), err)
	}
	r := &train.Report{Episodes: t.Episodes, HeldOut: t.HeldOut, Excluded: t.Excluded, Frames: t.Frames, Examples: t.Examples,
		Epochs: t.Epochs, Steps: t.Steps, Losses: t.Losses, Validations: t.Validations, HeadLosses: t.HeadLosses, Trained: t.Trained,
		FirstLoss: t.Losses[0], LastLoss: t.Losses[len(t.Losses)-1], ValidationLoss: math.NaN(), Cancelled: t.Cancelled,
		Method: t.Method, Features: t.Computer, BLAS: "PyTorch's", Elapsed: time.Duration(t.Minutes * float64(time.Minute))}
	if n := len(t.Validations); n > 0 {
		r.ValidationLoss = t.Validations[n-1]
	}
	return r, nil
}
