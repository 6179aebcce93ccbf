package opencv

import (
	"fmt"
	"image"
	_ "image/jpeg"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sim2reald/calibration"
	"sim2reald/calibration/calibrationtest"
)

// samples reads OpenCV's own chessboard pictures, left01 to left14 (there is no tenth), that .ci/setup.sh test fetches.
func samples(t *testing.T) map[string]calibration.Picture {
	t.Helper()
	files, _ := filepath.Glob("../../build/chessboard/left*.jpg")
	if len(files) != 13 {
		if os.Getenv("SIM2REALD_ALL") != "" {
			t.Fatalf("%d of OpenCV's 13 pictures are in build/chessboard; run .ci/setup.sh test", len(files))
		}
		t.Skip("OpenCV's pictures are not in build/chessboard; .ci/setup.sh test fetches them")
	}
	out := map[string]calibration.Picture{}
	for _, f := range files {
		out[filepath.Base(f)] = grey(t, f)
	}
	return out
}

func grey(t *testing.T, path string) calibration.Picture {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	g, ok := img.(*image.Gray)
	if !ok || g.Stride != g.Rect.Dx() {
		t.Fatalf("%s is not grey", path)
	}
	return calibration.Picture{Width: g.Rect.Dx(), Height: g.Rect.Dy(), Grey: g.Pix}
}

// TestPublicPictures calibrates on OpenCV's pictures. Its own program's result lies beside them, made with one
// focal length: 535.9 px, rms 0.393 px over all 13 views.
func TestPublicPictures(t *testing.T) {
	b := calibration.Board{Pattern: calibration.Chessboard, Cols: 9, Rows: 6, Square: 0.025}
	var views []calibration.View
	pictures := samples(t)
	for _, name := range slices.Sorted(maps.Keys(pictures)) {
		p := pictures[name]
		corners, err := Find(p, b)
		if err != nil {
			t.Fatal(err)
		}
		v := calibration.View{Name: name, Corners: corners}
		if reason := calibration.DefaultCriteria().Usable(v, calibration.EdgeWidth(p, v)); reason != "" {
			t.Errorf("%s: %s", name, reason)
		}
		views = append(views, v)
	}
	raw, err := Solver{}.Solve(b, views, 640, 480, calibration.PlumbBob)
	if err != nil {
		t.Fatal(err)
	}
	got, used, out, err := calibration.FitLens(Solver{}, b, views, 640, 480, calibration.PlumbBob, calibration.DefaultCriteria())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("OpenCV on all: %.4f px; ours on %d: %.4f px, f %.2f, %.2f; left out %v", raw.RMS, len(used), got.RMS, got.Lens.Fx, got.Lens.Fy, out)
	if got.RMS > raw.RMS+1e-9 || raw.RMS > 0.393 {
		t.Errorf("reprojection error %.4f px, OpenCV's %.4f px", got.RMS, raw.RMS)
	}
	theirs, err := ReadMatrix("testdata/left_intrinsics.yml", "camera_matrix")
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(got.Lens.Fx/theirs[0]-1) > 0.01 || math.Abs(got.Lens.Cx-theirs[2]) > 4 || math.Abs(got.Lens.Cy-theirs[5]) > 4 {
		t.Errorf("lens %+v, OpenCV's program has %v", got.Lens, theirs)
	}
	// OpenCV's own lens is what the Go model computes with: the same corners give the same error.
	sum, n := 0.0, 0
	for i, v := range views {
		e := calibration.ReprojectionRMS(raw.Lens, raw.TCameraBoard[i], b, v)
		sum, n = sum+e*e*float64(len(v.Corners)), n+len(v.Corners)
	}
	if rms := math.Sqrt(sum / float64(n)); math.Abs(rms-raw.RMS) > 1e-4 {
		t.Errorf("rms in Go %.6f px, in OpenCV %.6f px", rms, raw.RMS)
	}
}

// TestRendered holds the focal length within 0.2 % on rendered pictures of each pattern and lens.
func TestRendered(t *testing.T) {
	chess := calibration.Board{Pattern: calibration.Chessboard, Cols: 7, Rows: 5, Square: 0.03}
	charuco := calibration.Board{Pattern: calibration.Charuco, Cols: 8, Rows: 6, Square: 0.03, Marker: 0.022, Dictionary: "4X4_50"}
	circles := calibration.Board{Pattern: calibration.Circles, Cols: 7, Rows: 5, Square: 0.03}
	shifted := calibration.Board{Pattern: calibration.Asymmetric, Cols: 4, Rows: 9, Square: 0.02}
	printed, err := Draw(charuco, 1600, 1200)
	if err != nil {
		t.Fatal(err)
	}
	fisheye := calibration.Lens{
		Intrinsics: calibration.Intrinsics{Width: 640, Height: 480, Fx: 330, Fy: 331, Cx: 322, Cy: 238},
		Model:      calibration.Equidistant, D: []float64{0.02, -0.005, 0.002, 0},
	}
	pinhole := calibrationtest.Default(calibration.EyeInHand).Lens
	for _, c := range []struct {
		name    string
		board   calibration.Board
		lens    calibration.Lens
		texture calibrationtest.Texture
		near    float64
	}{
		{"chessboard", chess, pinhole, calibrationtest.ChessTexture(chess), 0.35},
		{"charuco", charuco, pinhole, calibrationtest.PictureTexture(printed, 8*0.03), 0.35},
		{"circles", circles, pinhole, calibrationtest.CircleTexture(circles), 0.35},
		{"acircles", shifted, pinhole, calibrationtest.CircleTexture(shifted), 0.35},
		{"fisheye", chess, fisheye, calibrationtest.ChessTexture(chess), 0.2},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, views := rendered(t, c.board, c.lens, c.texture, c.near)
			t.Logf("%d views, rms %.4f px, f %.3f of %.3f (sd %.3f), %.3f of %.3f", views, got.RMS, got.Lens.Fx, c.lens.Fx, got.SD[0], got.Lens.Fy, c.lens.Fy)
			if math.Abs(got.Lens.Fx/c.lens.Fx-1) > 0.002 || math.Abs(got.Lens.Fy/c.lens.Fy-1) > 0.002 {
				t.Errorf("focal lengths %.3f and %.3f px, want %.3f and %.3f within 0.2 %%", got.Lens.Fx, got.Lens.Fy, c.lens.Fx, c.lens.Fy)
			}
			if got.RMS > 0.2 || views < 9 {
				t.Errorf("%d views, rms %.3f px", views, got.RMS)
			}
		})
	}
}

func rendered(t *testing.T, b calibration.Board, l calibration.Lens, texture calibrationtest.Texture, near float64) (calibration.Solution, int) {
	t.Helper()
	w := calibrationtest.Truth{Lens: l, Board: b, Near: near, Far: 1.5 * near, MaxTilt: 0.7, MaxSpin: 1.5}
	rays, r := calibrationtest.NewRays(l), rand.New(rand.NewPCG(4, 4))
	var views []calibration.View
	for i := range 12 {
		p := rays.Render(w.BoardSeen(r), texture)
		corners, err := Find(p, b)
		if err != nil {
			t.Fatal(err)
		}
		v := calibration.View{Name: fmt.Sprint(i), Corners: corners}
		if calibration.DefaultCriteria().Usable(v, calibration.EdgeWidth(p, v)) == "" {
			views = append(views, v)
		}
	}
	got, used, _, err := calibration.FitLens(Solver{}, b, views, l.Width, l.Height, l.Model, calibration.DefaultCriteria())
	if err != nil {
		t.Fatal(err)
	}
	return got, len(used)
}

// TestProject holds the Go lens against OpenCV's own models.
func TestProject(t *testing.T) {
	k := calibration.Intrinsics{Width: 640, Height: 480, Fx: 500, Fy: 510, Cx: 321, Cy: 239}
	points := []calibration.Vec{{0, 0, 1}, {0.3, -0.2, 1}, {-0.5, 0.4, 0.9}, {0.1, 0.6, 2}}
	for _, l := range []calibration.Lens{
		{Intrinsics: k, Model: calibration.PlumbBob, D: []float64{-0.2, 0.1, 0.002, -0.003, 0.01}},
		{Intrinsics: k, Model: calibration.Rational, D: []float64{0.2, 0.1, 0.002, -0.003, 0.01, 0.3, 0.05, 0.01}},
		{Intrinsics: k, Model: calibration.Equidistant, D: []float64{0.05, -0.01, 0.02, -0.004}},
	} {
		uv, err := Project(l, points)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range points {
			u, v, ok := l.Project(p)
			if !ok || math.Abs(u-uv[2*i]) > 1e-9 || math.Abs(v-uv[2*i+1]) > 1e-9 {
				t.Errorf("%s: %v is at %v, %v; OpenCV has %v", l.Model, p, u, v, uv[2*i:2*i+2])
			}
		}
	}
}

// TestFileStorageForOpenCV: OpenCV's own reader reads what the Go writer writes.
func TestFileStorageForOpenCV(t *testing.T) {
	l := calibrationtest.Default(calibration.EyeInHand).Lens
	data, err := calibration.FileStorage(calibration.LensResult{Name: "wrist", Lens: l, SD: make([]float64, 9)})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "lens.yml")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	k, err := ReadMatrix(path, "camera_matrix")
	if err != nil || !slices.Equal(k, []float64{l.Fx, 0, l.Cx, 0, l.Fy, l.Cy, 0, 0, 1}) {
		t.Errorf("%v: camera_matrix %v", err, k)
	}
	if d, err := ReadMatrix(path, "distortion_coefficients"); err != nil || !slices.Equal(d, l.D) {
		t.Errorf("%v: distortion_coefficients %v", err, d)
	}
	if _, err := ReadMatrix(filepath.Join(t.TempDir(), "none.yml"), "k"); err == nil {
		t.Error("a file that is not there was read")
	}
}

// TestDeviations holds the standard deviations against OpenCV's, which are too large by a factor that is known, and
// against how far results really scatter.
func TestDeviations(t *testing.T) {
	w := calibrationtest.Default(calibration.EyeInHand)
	w.Near, w.Far = 0.3, 0.6
	const runs, n = 15, 10
	r := rand.New(rand.NewPCG(5, 5))
	inside, points := 0, n*len(w.Board.Points())
	for range runs {
		var views []calibration.View
		for range n {
			v, _ := w.View("", w.BoardSeen(r), r)
			views = append(views, v)
		}
		got, raw, err := Solver{}.solve(w.Board, views, 640, 480, calibration.PlumbBob)
		if err != nil {
			t.Fatal(err)
		}
		params := float64(9 + 6*n)
		want := math.Sqrt((float64(points) - params) / (2*float64(points) - params))
		for i := range got.SD {
			if ratio := got.SD[i] / raw[i]; math.Abs(ratio/want-1) > 0.02 {
				t.Fatalf("%s: standard deviation %g, OpenCV %g: ratio %g, want %g", got.Lens.Names()[i], got.SD[i], raw[i], ratio, want)
			}
			if math.Abs(got.Lens.Parameters()[i]-w.Lens.Parameters()[i]) < 1.96*got.SD[i] {
				inside++
			}
		}
	}
	// The nine parameters of a run hang together, so the count scatters more than that of as many throws.
	if share := float64(inside) / (9 * runs); share < 0.88 || share > 0.99 {
		t.Errorf("the truth is within 1.96 standard deviations in %.3f of all", share)
	}
}

func TestFindRefuses(t *testing.T) {
	chess := calibration.Board{Pattern: calibration.Chessboard, Cols: 7, Rows: 5, Square: 0.03}
	blank := calibration.Picture{Width: 64, Height: 48, Grey: make([]byte, 64*48)}
	if corners, err := Find(blank, chess); err != nil || len(corners) != 0 {
		t.Errorf("a blank picture: %v, %v", corners, err)
	}
	if _, err := Find(calibration.Picture{Width: 64, Height: 48}, chess); err == nil {
		t.Error("a picture without pixels was looked at")
	}
	bad := calibration.Board{Pattern: calibration.Charuco, Cols: 7, Rows: 5, Square: 0.03, Marker: 0.02, Dictionary: "4X4_51"}
	if _, err := Find(blank, bad); err == nil || !strings.Contains(err.Error(), `dictionary "4X4_51" is not known`) {
		t.Error(err)
	}
}
