package launch_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// run is a container without image that runs one command line, quoted as in a shell.
func run(t *testing.T, line string) launch.Container {
	t.Helper()
	words, err := launch.SplitWords(line)
	if err != nil {
		t.Fatal(err)
	}
	return launch.Container{Name: "main", Command: words}
}

func mustRead(t *testing.T, c launch.Container) launch.Reading {
	t.Helper()
	r, err := launch.Read(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// unknown are the fields that a reading leaves open, sorted, except the version: no
// command line states it.
func unknown(r launch.Reading) []string {
	var fields []string
	for _, u := range r.Unknown {
		if name := u.Field.String(); u.Field != launch.FieldVersion && !slices.Contains(fields, name) {
			fields = append(fields, name)
		}
	}
	slices.Sort(fields)
	return fields
}

func wantLaunch(t *testing.T, want memory.Launch, got memory.Launch) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("launch (-want +got):\n%s", diff)
	}
}

// wantError checks an error's words and that no mark of unknown text shows in it.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if got := err.Error(); !strings.Contains(got, want) {
		t.Fatalf("%q does not contain %q", got, want)
	}
	if !utf8.ValidString(err.Error()) {
		t.Fatalf("%q shows the mark of unknown text", err.Error())
	}
}

// flagCase is one command line and what it comes to.
type flagCase struct {
	line    string
	env     []launch.EnvVar
	gpus    int64
	image   string
	want    memory.Launch
	model   string
	unknown []string // beside the version
}

func (tc flagCase) check(t *testing.T) {
	t.Helper()
	c := run(t, tc.line)
	c.Env, c.GPUs, c.Image = tc.env, tc.gpus, tc.image
	r := mustRead(t, c)
	wantLaunch(t, tc.want, r.Launch)
	if diff := cmp.Diff(tc.unknown, unknown(r)); diff != "" {
		t.Fatalf("%v: unknown(r) (-want +got):\n%s", r.Unknown, diff)
	}
	if tc.model != "" {
		if r.Model != tc.model {
			t.Fatalf("r.Model = %q, want %q", r.Model, tc.model)
		}
	}
}
