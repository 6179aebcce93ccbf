package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDependencies holds which way the packages may point, with the reason.
func TestDependencies(t *testing.T) {
	rules := []struct{ from, not, why string }{
		{"robot/limit", "sim2reald/daemon", "a safety review is this one folder and package robot"},
		{"robot/limit", "sim2reald/model", "a safety review is this one folder and package robot"},
		{"robot/limit", "sim2reald/camera", "a safety review is this one folder and package robot"},
		{"robot/limit", "sim2reald/robot/kinematics", "each joint's limits need no geometry"},
		{"robot/limit/space", "sim2reald/daemon", "a safety review is this folder, robot/limit, robot/kinematics and package robot"},
		{"robot/limit/space", "sim2reald/model", "a safety review is this folder, robot/limit, robot/kinematics and package robot"},
		{"robot/limit/space", "sim2reald/camera", "a safety review is this folder, robot/limit, robot/kinematics and package robot"},
		{"robot/upsample", "sim2reald/daemon", "what comes between two rows does not know who asks"},
		{"robot", "sim2reald/", "robot is the vocabulary that all others import"},
		{"daemon/control/supervisor", "sim2reald/camera", "decisions are pure: no pixels"},
		{"daemon/control/supervisor", "sim2reald/daemon", "decisions are pure: no clock, no wire, no files"},
		{"daemon/control", "sim2reald/daemon/topic", "decisions do not know the wire"},
		{"daemon/control", "sim2reald/daemon/config", "decisions do not know files"},
		{"daemon/control", "sim2reald/model/train", "the robot's binary path stays free of training"},
		{"daemon/control", "sim2reald/model/engine", "the loop knows policies by their interface"},
		{"daemon/control", "gocv.io", "the loop knows no driver"},
		{"daemon/control", "gorgonia.org", "the robot's binary path stays free of training"},
		{"daemon/control", "sim2reald/model/serving", "the loop knows policies by their interface"},
		{"model/engine", "gorgonia.org", "inference needs no training library"},
		{"model/serving", "sim2reald/model/engine", "what is shared between bundles does not depend on who computes"},
		{"model/serving", "sim2reald/model/tape", "what is shared between bundles does not depend on who computes"},
		{"model/...", "sim2reald/daemon", "models do not know who runs them"},
		{"camera/...", "sim2reald/daemon", "drivers do not know who looks"},
		{"calibration", "sim2reald/daemon", "geometry does not know who asks"},
		{"calibration", "sim2reald/calibration/opencv", "geometry and its uncertainty are plain Go, to be read and tested without OpenCV"},
		{"calibration", "gocv.io", "geometry and its uncertainty are plain Go, to be read and tested without OpenCV"},
		{"calibration/opencv", "sim2reald/daemon", "solvers do not know who asks"},
	}
	for _, r := range rules {
		for _, dep := range dependencies(t, r.from) {
			if strings.HasPrefix(dep, r.not) && dep != "sim2reald/"+r.from {
				t.Errorf("%s must not import %s: %s", r.from, dep, r.why)
			}
		}
	}
}

func dependencies(t *testing.T, pkg string) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "./"+pkg).Output()
	if err != nil {
		t.Fatalf("go list %s: %v", pkg, err)
	}
	return strings.Fields(string(out))
}

// TestSourceRules holds what no linter at hand holds: no init functions, and a package doc that says what
// does not belong in the package.
func TestSourceRules(t *testing.T) {
	docs := map[string]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "build" || d.Name() == ".git") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Name.Name == "init" && f.Recv == nil {
				t.Errorf("%s has an init function; let main call what must be called", path)
			}
		}
		if dir := filepath.Dir(path); !strings.HasSuffix(path, "_test.go") {
			docs[dir] += file.Doc.Text()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, doc := range docs {
		if !strings.Contains(strings.ToLower(doc), "does not") && !strings.Contains(doc, "does\nnot") {
			t.Errorf("the package doc of %s does not say what does not belong there", dir)
		}
	}
}
