package cameratest

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Codecs, by the names that the peers share.
const (
	H264  = "h264"
	MJPEG = "mjpeg"
)

// Need skips a test that lacks a program, or fails it where the environment says that nothing may be missing.
func Need(t testing.TB, program, remedy string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		lacking(t, program+" is missing: "+remedy)
	}
}

func lacking(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("SIM2REALD_ALL") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// Process is a peer that a test started. It ends with the test at the latest.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	said *strings.Builder
}

// run starts a program.
func run(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{cmd: cmd, done: make(chan struct{}), said: &strings.Builder{}}
	if cmd.Stderr == nil {
		cmd.Stderr = p.said
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // how it ended is seen in what came of it
		close(p.done)
	}()
	t.Cleanup(p.Kill)
	return p
}

// Kill ends the process at once and waits for it.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.done
}

// PID is its process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Said is what it wrote to stderr; only after Kill.
func (p *Process) Said() string { return p.said.String() }

// encoding is how ffmpeg makes each codec: H264 as a camera's, a keyframe each second, no B-frames.
func encoding(codec string, rateHz int) []string {
	if codec == MJPEG {
		return []string{"-c:v", "mjpeg", "-q:v", "4", "-pix_fmt", "yuvj420p", "-huffman", "default", "-force_duplicated_matrix", "1"}
	}
	return []string{"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", fmt.Sprint(rateHz), "-pix_fmt", "yuv420p"}
}

// Push lets ffmpeg publish its moving test picture at that rate until it is killed.
func Push(t testing.TB, url, codec, size string, rateHz int, flags ...string) *Process {
	t.Helper()
	Need(t, "ffmpeg", "apt-get install ffmpeg")
	args := []string{"-hide_banner", "-loglevel", "error", "-nostdin", "-re", "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%s:rate=%d", size, rateHz)}
	args = append(append(args, flags...), encoding(codec, rateHz)...)
	args = append(args, "-f", "rtsp", "-rtsp_transport", "tcp", url)
	return run(t, exec.Command("ffmpeg", args...))
}

// PushRaw lets ffmpeg publish the pictures that are written to it, RGB, 8 bit. Closing it ends the stream.
func PushRaw(t testing.TB, url, codec, size string, rateHz int) io.WriteCloser {
	t.Helper()
	Need(t, "ffmpeg", "apt-get install ffmpeg")
	args := []string{"-hide_banner", "-loglevel", "error", "-probesize", "32", "-fflags", "nobuffer", "-f", "rawvideo", "-pix_fmt", "rgb24",
		"-video_size", size, "-framerate", fmt.Sprint(rateHz), "-i", "-"}
	// With threads, its encoder of motion JPEG holds a picture back until the next one is there.
	args = append(append(args, encoding(codec, rateHz)...), "-threads", "1", "-fps_mode", "passthrough", "-f", "rtsp", "-rtsp_transport", "tcp", url)
	cmd := exec.Command("ffmpeg", args...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	run(t, cmd)
	return in
}

// Patience is how long tests wait for a peer: other programs share the machine.
const Patience = 30 * time.Second

// Stop lets the process exist and do nothing, as one that hangs.
func (p *Process) Stop(t testing.TB) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
}
