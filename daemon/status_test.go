package main

import (
	"strings"
	"testing"
)

func TestComplaints(t *testing.T) {
	long := strings.Repeat("ä", 200)
	for _, c := range []struct {
		errs []string
		want string
	}{
		{nil, `the bridge says ""; `},
		{[]string{"cartesian_reflex", "power_limit_violation"}, `the bridge says "cartesian_reflex, power_limit_violation"; `},
		{[]string{"two\nlines"}, `the bridge says "two\nlines"; `},
		{[]string{"a" + long}, `the bridge says "a` + strings.Repeat("ä", 99) + `..."; `},
	} {
		if got := complaintsOf(c.errs); got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}
