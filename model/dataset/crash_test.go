package dataset

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sim2reald/model/dataset/lerobot"
)

// A process of its own plays what cannot be borne by the one that runs the tests: it is this test again, told by the
// environment which part to play and where.
const (
	partOf = "DATASET_TEST_PART"
	dirOf  = "DATASET_TEST_DIR"
)

// playing reports whether this process plays a part.
func playing(part string) (dir string, yes bool) { return os.Getenv(dirOf), os.Getenv(partOf) == part }

func player(t *testing.T, part, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	cmd.Env = append(os.Environ(), partOf+"="+part, dirOf+"="+dir)
	return cmd
}

// killed starts the part and kills it some time after it said a line that begins with told.
func killed(t *testing.T, cmd *exec.Cmd, told string, after time.Duration) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines, heard := bufio.NewScanner(out), false
	for !heard && lines.Scan() {
		heard = strings.HasPrefix(lines.Text(), told)
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if _, err := io.Copy(io.Discard, out); err != nil && !errors.Is(err, fs.ErrClosed) {
		t.Log(err)
	}
	err = cmd.Wait()
	if state, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !heard || !ok || !state.Signaled() {
		t.Fatalf("the process was not killed: heard %v, %v", heard, err)
	}
}

// TestKilledWriting kills a process that writes episodes without a pause, at many moments: whatever is there is whole,
// nothing else is left once the dataset is opened to go on, and it goes on.
func TestKilledWriting(t *testing.T) {
	if dir, yes := playing("writer"); yes {
		d := created(t, dir)
		for seed := int64(len(d.Seeds())); ; seed++ {
			fmt.Println("writing", seed)
			write(t, d, seed)
		}
	}
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(5, 5))
	have := 0
	for range 12 {
		told := "writing " + strconv.Itoa(have+r.IntN(3))
		killed(t, player(t, "writer", dir), told, time.Duration(r.IntN(4000))*time.Microsecond)
		d := created(t, dir)
		if len(d.Seeds()) < have {
			t.Fatalf("%d episodes, had %d", len(d.Seeds()), have)
		}
		have = len(d.Seeds())
		for i, seed := range d.Seeds() {
			if seed != int64(i) {
				t.Fatalf("seeds %v", d.Seeds())
			}
		}
		entries, err := os.ReadDir(filepath.Join(dir, episodesDir))
		if err != nil || len(entries) != have {
			t.Fatalf("%d files for %d episodes, %v", len(entries), have, err)
		}
	}
	if have == 0 {
		t.Error("nothing was ever written")
	}
}

// TestKilledExporting kills an export at many moments: the folder is there whole or not at all, and the next export
// needs no help.
func TestKilledExporting(t *testing.T) {
	if dir, yes := playing("exporter"); yes {
		d, err := Open(filepath.Join(dir, "native"))
		if err != nil {
			t.Fatal(err)
		}
		for {
			fmt.Println("exporting")
			opt := ExportOptions{Images: lerobot.Video, Replace: true, Progress: func(done, _ int) { fmt.Println("done", done) }}
			if _, err := d.Export(context.Background(), filepath.Join(dir, "out"), opt); err != nil {
				t.Fatal(err)
			}
		}
	}
	dir := t.TempDir()
	write(t, created(t, filepath.Join(dir, "native")), 2, 4, 6, 8)
	r := rand.New(rand.NewPCG(6, 6))
	for i := range 8 {
		told := []string{"exporting", "done 1", "done 3", "done 4"}[i%4]
		killed(t, player(t, "exporter", dir), told, time.Duration(r.IntN(30))*time.Millisecond)
		e, err := Open(filepath.Join(dir, "out"))
		if err == nil {
			_, err = e.Digest()
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("half an export: %v", err)
		}
	}
	d, err := Open(filepath.Join(dir, "native"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Export(t.Context(), filepath.Join(dir, "out"), ExportOptions{Images: lerobot.Video, Replace: true}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	unlock, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(dir); !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), dir) {
		t.Errorf("locked twice: %v", err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
	if unlock, err = Lock(dir); err != nil {
		t.Fatal(err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
}

// TestFullDiskKeepsEarlierEpisodes plays a full disk by a limit on the size of files.
func TestFullDiskKeepsEarlierEpisodes(t *testing.T) {
	if dir, yes := playing("writer"); yes {
		signal.Ignore(syscall.SIGXFSZ)
		d := created(t, dir)
		var old syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 2048, Max: old.Max}); err != nil {
			t.Fatal(err)
		}
		err := d.Write(testEpisode(t, 2, 30))
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil { // the test binary writes its coverage
			t.Fatal(err)
		}
		if err == nil || !strings.Contains(err.Error(), "the 1 episodes before it are kept") || !strings.Contains(err.Error(), d.path(2)) ||
			strings.Contains(err.Error(), "\n") || d.Has(2) {
			t.Fatalf("%v", err)
		}
		return
	}
	dir := t.TempDir()
	write(t, created(t, dir), 1)
	if out, err := player(t, "writer", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	d := created(t, dir)
	left, err := os.ReadDir(filepath.Join(dir, episodesDir))
	if err != nil || len(left) != 1 || !slices.Equal(d.Seeds(), []int64{1}) {
		t.Fatalf("%d files left (%v), seeds %v", len(left), err, d.Seeds())
	}
}

// TestFullDisk fills a real file system of 96 KiB, in a process with mounts of its own: a dataset that cannot begin, one
// that is full after some episodes, and an export, each refused in one line that names the path, and nothing half
// written is left.
func TestFullDisk(t *testing.T) {
	if dir, yes := playing("filler"); yes {
		if err := syscall.Mount("small", dir, "tmpfs", 0, "size=96k"); err != nil {
			fmt.Println("no mounts here:", err)
			return
		}
		fillWithEpisodes(t, dir)
		fillWithExport(t, dir)
		fillAtOnce(t, dir)
		fmt.Println("filled")
		return
	}
	cmd := player(t, "filler", t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}, GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || strings.Contains(string(out), "no mounts here"):
		t.Skipf("this machine lets no process have mounts of its own (%v, %s); TestFullDiskKeepsEarlierEpisodes plays it", err, out)
	case err != nil || !strings.Contains(string(out), "filled"):
		t.Fatalf("%v\n%s", err, out)
	}
}

func fillWithEpisodes(t *testing.T, dir string) {
	d := created(t, filepath.Join(dir, "native"))
	for seed := int64(0); ; seed += 2 {
		err := d.Write(testEpisode(t, seed, 20))
		if err == nil && seed < 1000 {
			continue
		}
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), d.path(seed)) || !strings.Contains(err.Error(), "free space") || seed == 0 {
			t.Fatalf("seed %d: %v", seed, err)
		}
		break
	}
	again := created(t, filepath.Join(dir, "native")) // a full disk can still be read, and gone on with
	if len(again.Seeds()) != len(d.Seeds()) || len(again.Seeds()) == 0 {
		t.Fatalf("%d episodes, had %d", len(again.Seeds()), len(d.Seeds()))
	}
}

func fillWithExport(t *testing.T, dir string) {
	d := created(t, filepath.Join(dir, "native"))
	for _, images := range []string{lerobot.Video, lerobot.Image} {
		_, err := d.Export(t.Context(), filepath.Join(dir, "out"), ExportOptions{Images: images})
		if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), filepath.Join(dir, "out")) || !strings.Contains(err.Error(), "nothing of it is left") ||
			!strings.Contains(err.Error(), "free space") {
			t.Fatalf("%s: %v", images, err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 1 {
			t.Fatalf("%s: %v, %v", images, entries, err)
		}
	}
}

// fillAtOnce leaves no room for dataset.json.
func fillAtOnce(t *testing.T, dir string) {
	if err := os.WriteFile(filepath.Join(dir, "other"), make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the file system takes more than its size: %v", err)
	}
	_, err := Create(filepath.Join(dir, "late"), testMeta())
	if !errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), filepath.Join(dir, "late")) {
		t.Fatalf("%v", err)
	}
	if _, err := os.Stat(metaPath(filepath.Join(dir, "late"))); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("half a dataset.json: %v", err)
	}
}
