package device

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"sim2reald/camera"
)

// openEnv makes the test's own program open a source instead, so that what its libraries print can be read.
const openEnv = "SIM2REALD_TEST_OPEN"

func TestMain(m *testing.M) {
	if source := os.Getenv(openEnv); source != "" {
		err := Run(context.Background(), Options{Camera: "front", Source: source, Key: "cameras[0].source"},
			func() time.Duration { return 0 }, func(*camera.Frame) {})
		println("it says:", err.Error())
		return
	}
	os.Exit(m.Run())
}

// TestNobodyPrintsPasswords: neither this package nor OpenCV nor FFmpeg, of streams that cannot be reached, are refused
// or are none.
func TestNobodyPrintsPasswords(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/refused.mp4":
			http.Error(w, "no", http.StatusUnauthorized)
		default:
			_, _ = w.Write([]byte("not a video"))
		}
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	for name, source := range map[string]string{
		"out of reach":      "rtsp://anna:hunter2@127.0.0.1:1/x",
		"by HTTP":           "http://anna:hunter2@127.0.0.1:1/x.mp4",
		"refused":           "http://anna:hunter2@" + host + "/refused.mp4",
		"no video":          "http://anna:hunter2@" + host + "/x.mp4",
		"a token":           "http://" + host + "/x.mp4?token=hunter2",
		"numbered":          "http://anna:hunter2@" + host + "/x%03d.png",
		"an unknown scheme": "hunter://anna:hunter2@" + host + "/x",
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), openEnv+"="+source)
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "it says: camera front: opening ") {
				t.Fatalf("%v: %s", err, out)
			}
			if strings.Contains(string(out), "hunter2") {
				t.Errorf("the password stands in what is printed: %s", out)
			}
		})
	}
}
