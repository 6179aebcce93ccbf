package supervisor

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestMain adds a flag: go test ./daemon/control/supervisor -update.
func TestMain(m *testing.M) {
	flag.Bool("update", false, "write CAUSES.md from the table of causes")
	os.Exit(m.Run())
}

// TestCausesFile holds the table that people read equal to the one that decides.
func TestCausesFile(t *testing.T) {
	const file = "CAUSES.md"
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(file, []byte(document()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != document() {
		t.Errorf("%s is not the table of causes; run go test ./daemon/control/supervisor -update and review the difference", file)
	}
}

func document() string {
	var b strings.Builder
	b.WriteString(`# What holds the arm

Every cause, in the words of status, events and logs. Written from the table in ` + "`table.go`" + ` by a test; edit it there.

A **passing** cause (A) holds the arm and is over after 1 s without it, when the arm stands; after 30 s the daemon disarms.
An **operator** cause (B) faults until a person acknowledges that fault by its id. A **reload** cause (C) is acknowledged
only while the bundle at the controls fits the rig again. A **restart** cause (D) ends with the process. An acknowledgement
never moves the arm: it disarms. Bounds are counted from the moment at which the watched thing went wrong, plus one tick.

| cause | class | watches | found within | what to do |
|---|---|---|---|---|
`)
	for c := range causes {
		f := c.Fact()
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", f.Name, f.Class, f.Watches, f.Bound, f.Remedy)
	}
	return b.String()
}

func TestFactsAreWhole(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	seen := map[string]bool{}
	for c := range causes {
		f := c.Fact()
		if !name.MatchString(f.Name) || seen[f.Name] || f.Watches == "" || f.Bound == "" || f.Remedy == "" {
			t.Errorf("cause %d: %+v", c, f)
		}
		seen[f.Name] = true
		if c.String() != f.Name || c.Remedy() != f.Remedy || c.Class() != f.Class {
			t.Errorf("cause %d says %s, %s, %s", c, c, c.Remedy(), c.Class())
		}
	}
	for c := range classes {
		if len(c.String()) < 3 || c.String()[1] != ' ' || c.String()[0] != "ABCD"[c] {
			t.Errorf("class %d is called %q", c, c)
		}
	}
}
