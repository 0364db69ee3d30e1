//go:build linux

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBundleFolder(t *testing.T) {
	cases := map[string]struct {
		args []string
		want string
	}{
		"create":           {[]string{"--root", "/r", "create", "--bundle", "/b", "id"}, "/b"},
		"in one word":      {[]string{"create", "--bundle=/b", "id"}, "/b"},
		"another command":  {[]string{"--root", "/r", "delete", "id"}, ""},
		"cut off":          {[]string{"create", "--bundle"}, ""},
		"no arguments":     {nil, ""},
		"a container's id": {[]string{"start", "bundle"}, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := bundleFolder(tc.args); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// Numbers that a float64 cannot hold stay as they are.
func TestDropFilterLeavesAllElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	const before = `{"process":{"rlimits":[{"hard":18446744073709551615}]},"linux":{"seccomp":{"a":1},"devices":[{"minor":3}]}}`
	if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := dropFilter(path); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"linux":{"devices":[{"minor":3}]},"process":{"rlimits":[{"hard":18446744073709551615}]}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := os.WriteFile(path, []byte(`{"linux":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := dropFilter(path); err == nil {
		t.Error("half a specification is taken")
	}
}

func TestPodAddress(t *testing.T) {
	seen := map[string]bool{}
	for _, pod := range []string{"", "a", "b", "494127a60da62bead0a8598e0b898979"} {
		address := podAddress(pod)
		if !podAddresses.Contains(address) {
			t.Errorf("the address of pod %q, %s, is not in %s", pod, address, podAddresses)
		}
		seen[address.String()] = true
	}
	if len(seen) != 4 {
		t.Errorf("4 pods have %d addresses", len(seen))
	}
}

func TestIsHidden(t *testing.T) {
	for path, want := range map[string]bool{"/var/tmp/x": true, "/run/x": true, "/variety/x": false, "/home/var/x": false, "/var": false} {
		if got := isHidden(path); got != want {
			t.Errorf("isHidden(%s) = %v, want %v", path, got, want)
		}
	}
}
