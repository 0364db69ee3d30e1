package buildinfo

import (
	"bytes"
	"encoding/json"
	"errors"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestDescribe(t *testing.T) {
	const hash = "0123456789abcdef0123456789abcdef01234567"
	built := ", " + runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH + ")"
	revision := debug.BuildSetting{Key: "vcs.revision", Value: hash}
	modified := debug.BuildSetting{Key: "vcs.modified", Value: "true"}
	for name, tc := range map[string]struct {
		recorded        *debug.BuildInfo
		version, commit string // stamped
		want            string
	}{
		"nothing known": {want: "ashlar devel (commit unknown"},
		"a checkout": {
			recorded: &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{revision}},
			want:     "ashlar devel (commit 0123456789ab",
		},
		"a changed checkout": {
			recorded: &debug.BuildInfo{Main: debug.Module{Version: "v0.3.0+dirty"}, Settings: []debug.BuildSetting{revision, modified}},
			want:     "ashlar v0.3.0 (commit 0123456789ab-dirty",
		},
		"changes of no commit": {
			recorded: &debug.BuildInfo{Settings: []debug.BuildSetting{modified}},
			want:     "ashlar devel (commit unknown",
		},
		"go install": {
			recorded: &debug.BuildInfo{Main: debug.Module{Version: "v0.3.0"}},
			want:     "ashlar v0.3.0 (commit unknown",
		},
		"stamped": {
			recorded: &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{revision, modified}},
			version:  "v0.4.0", commit: "fedcba9876543210fedcba9876543210fedcba98-dirty",
			want: "ashlar v0.4.0 (commit fedcba987654-dirty",
		},
		"with Kubernetes": {
			recorded: &debug.BuildInfo{Deps: []*debug.Module{
				{Path: "k8s.io/client-go", Version: "v0.37.2"}, {Path: "k8s.io/kubernetes", Version: "v1.37.3"},
			}},
			version: "v0.4.0", commit: "fedcba987654",
			want: "ashlar v0.4.0 (commit fedcba987654, Kubernetes v1.37.3",
		},
		"with a client only": {
			recorded: &debug.BuildInfo{Deps: []*debug.Module{{Path: "k8s.io/client-go", Version: "v0.37.2"}}},
			version:  "v0.4.0", commit: "fedcba987654",
			want: "ashlar v0.4.0 (commit fedcba987654, Kubernetes v1.37.2",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := infoFrom(tc.recorded, tc.version, tc.commit).Describe("ashlar"); got != tc.want+built {
				t.Errorf("got %q, want %q", got, tc.want+built)
			}
		})
	}
}

func TestAddVersion(t *testing.T) {
	wantLine := ReadInfo().Describe("example") + "\n"
	marked := errors.New("marked")
	for name, tc := range map[string]struct {
		args      []string
		want      string // printed; for JSON, see below
		wantError string
	}{
		"the flag":          {args: []string{"--version"}, want: wantLine},
		"the command":       {args: []string{"version"}, want: wantLine},
		"an argument":       {args: []string{"version", "1"}, wantError: `unexpected argument "1": version takes none`},
		"an unknown format": {args: []string{"version", "-o", "xml"}, wantError: "--output xml: want json, or nothing for a line of text"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := runExample(tc.args, func(err error) error { return errors.Join(marked, err) })
			if got != tc.want || (err != nil) != (tc.wantError != "") {
				t.Fatalf("printed %q, %v; want %q, error %q", got, err, tc.want, tc.wantError)
			}
			if err != nil && (!errors.Is(err, marked) || !strings.Contains(err.Error(), tc.wantError)) {
				t.Errorf("error %v, want %q, marked", err, tc.wantError)
			}
		})
	}
	got, err := runExample([]string{"version", "-o", "json"}, nil)
	var info Info
	if err != nil || json.Unmarshal([]byte(got), &info) != nil || info != ReadInfo() {
		t.Errorf("-o json printed %q, %v, want %+v", got, err, ReadInfo())
	}
}

func runExample(args []string, wrapUsage func(error) error) (string, error) {
	root := &cobra.Command{Use: "example", SilenceErrors: true, SilenceUsage: true, RunE: func(*cobra.Command, []string) error {
		return errors.New("it ran")
	}}
	AddVersion(root, wrapUsage)
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetArgs(args)
	err := root.Execute()
	return out.String(), err
}
