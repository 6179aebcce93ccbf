package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// goTest runs tests of a package, which must be there and pass, and gives what they printed.
func goTest(ctx context.Context, pkg, pattern string, environment ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-v", "-timeout", "30m", "-run", pattern, pkg)
	cmd.Env = append(os.Environ(), environment...)
	text, err := cmd.CombinedOutput()
	said := string(text)
	if err != nil {
		return said, fmt.Errorf("go test -run '%s' %s: %w: %s", pattern, pkg, err, lastOf(said, 5))
	}
	if !strings.Contains(said, "\n--- PASS: ") && !strings.HasPrefix(said, "--- PASS: ") {
		return said, fmt.Errorf("go test -run '%s' %s: no test of that name ran", pattern, pkg)
	}
	return said, nil
}

func lastOf(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], " | ")
}

// ran lists the tests, not their parts, that passed.
func ran(said string) string {
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^--- PASS: (\S+)`).FindAllStringSubmatch(said, -1) {
		names = append(names, m[1])
	}
	return strings.Join(names, ", ")
}

// partsOf counts the parts of tests that passed.
func partsOf(said string) int {
	return len(regexp.MustCompile(`(?m)^\s+--- PASS: `).FindAllString(said, -1))
}

// beside adds tests of one package to what a case measured with processes, where a figure can only be had inside.
func beside(ctx context.Context, o outcome, pkg, pattern, what string) outcome {
	if o.Verdict != passed {
		return o
	}
	said, err := goTest(ctx, pkg, pattern)
	if err != nil {
		return broken(err)
	}
	o.Measured += "; " + what + " (" + ran(said) + ")"
	return o
}
