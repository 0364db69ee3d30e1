package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestVersionIsThatOfGoMod(t *testing.T) {
	b, err := FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	for file, version := range map[string]string{
		"go.mod":             KubernetesVersion,
		"test/compat/go.mod": EarlierKubernetesVersion,
	} {
		text, err := os.ReadFile(filepath.Join(b.root, filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		if want := "k8s.io/kubernetes " + version + "\n"; !strings.Contains(string(text), want) {
			t.Errorf("%s does not say %q", file, want)
		}
	}
}

// The earlier version replaces what stands in for the cluster's own control plane; etcd,
// kubectl and KWOK stay.
func TestForKubernetes(t *testing.T) {
	found, err := FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	earlier, err := found.ForKubernetes(EarlierKubernetesVersion)
	if err != nil {
		t.Fatal(err)
	}
	if got := earlier.Kubernetes(); got != EarlierKubernetesVersion {
		t.Errorf("got %s, want %s", got, EarlierKubernetesVersion)
	}
	for component, same := range map[string]bool{etcd: true, kwok: true, apiServer: false, controllerManager: false, scheduler: false} {
		if got := earlier.componentPath(component) == found.componentPath(component); got != same {
			t.Errorf("%s is the same program: got %v, want %v", component, got, same)
		}
	}
	if extra := len(earlier.allPrograms(nil)) - len(found.allPrograms(nil)); extra != 1 {
		t.Errorf("got %d programs more to build, want 1", extra)
	}
	if again, err := earlier.ForKubernetes(KubernetesVersion); err != nil || again.Kubernetes() != KubernetesVersion {
		t.Errorf("back to the repository's own: got %v, %v", again, err)
	}
	if _, err := found.ForKubernetes("v1.2.3"); err == nil || !strings.Contains(err.Error(), "v1.2.3") {
		t.Errorf("unknown version: got %v", err)
	}
}

func TestOutsideACheckout(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, err := FindBinaries(); err == nil || !strings.Contains(err.Error(), "not inside a checkout") {
		t.Errorf("got %v", err)
	}
}

func TestBuild(t *testing.T) {
	found, err := FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	b := &Binaries{root: found.root, dir: filepath.Join(t.TempDir(), "bin")}
	if err := os.Mkdir(b.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	watchdog := b.allPrograms(nil)[0]
	ignore := func(string) {}

	if err := b.buildProgram(t.Context(), watchdog, ignore); err != nil {
		t.Fatal(err)
	}
	if missing, err := stalePrograms([]builtProgram{watchdog}); err != nil || len(missing) > 0 {
		t.Errorf("stale right after it was built: %v, %v", missing, err)
	}
	first, err := os.Stat(watchdog.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(watchdog.stampPath(), []byte("older sources"), 0o600); err != nil {
		t.Fatal(err)
	}
	if missing, err := stalePrograms([]builtProgram{watchdog}); err != nil || len(missing) != 1 {
		t.Errorf("current although it was built from other sources: %v, %v", missing, err)
	}
	if err := b.buildProgram(t.Context(), watchdog, ignore); err != nil {
		t.Fatal(err)
	}
	if again, err := os.Stat(watchdog.path); err != nil || !os.SameFile(first, again) {
		t.Errorf("linked again although nothing has changed (%v)", err)
	}

	absent := builtProgram{title: "x", path: b.Command("x"), source: "./cmd/no-such-program"}
	if err := b.buildProgram(t.Context(), absent, ignore); err == nil || !strings.Contains(err.Error(), "no-such-program") {
		t.Errorf("the toolchain's complaint is missing: %v", err)
	}
	entries, err := os.ReadDir(b.dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("the folder holds %v, want the program and its stamp (%v)", entries, err)
	}

	t.Setenv("PATH", "")
	if err := b.buildProgram(t.Context(), watchdog, ignore); !errors.Is(err, errNoGo) {
		t.Errorf("without the toolchain: %v", err)
	}
}

func TestBuildError(t *testing.T) {
	failed := errors.New("exit status 1")
	cases := map[string]struct {
		output string
		noC    bool
	}{
		"a mistake":           {"./main.go:3:1: syntax error", false},
		"no compiler":         {"# runtime/cgo\ncgo: C compiler \"gcc\" not found: exec: \"gcc\": executable file not found in $PATH", true},
		"no headers":          {"# runtime/cgo\n_cgo_export.c:3:10: fatal error: stdlib.h: No such file or directory", true},
		"cgo is switched off": {"build constraints exclude all Go files in /go/nvml", true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			err := buildError(tc.output, failed)
			if errors.Is(err, errNoC) != tc.noC {
				t.Errorf("got %v", err)
			}
			if tc.noC && strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %v", err)
			}
			if !tc.noC && !strings.Contains(err.Error(), tc.output) {
				t.Errorf("the output is missing: %v", err)
			}
		})
	}
}

func TestOptions(t *testing.T) {
	b := &Binaries{root: "/repository", dir: "/repository/.ashlar/bin"}
	cases := map[string]struct {
		options Options
		dir     string // where the cluster goes; empty if the options are refused
	}{
		"named":              {Options{Name: "demo"}, "/repository/.ashlar/clusters/demo"},
		"elsewhere":          {Options{Dir: "/elsewhere/x"}, "/elsewhere/x"},
		"a name like a path": {Options{Name: "../demo"}, ""},
		"unknown kubelets":   {Options{Kubelets: "real"}, ""},
		"unknown scheduler":  {Options{Scheduler: "best"}, ""},
		"unknown component":  {Options{Flags: map[string][]string{"kubelet": nil}}, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			tc.options.Binaries = b
			got, err := tc.options.withDefaults()
			if (err != nil) != (tc.dir == "") {
				t.Fatalf("error: %v", err)
			}
			if err == nil && got.Dir != tc.dir {
				t.Errorf("state directory %s, want %s", got.Dir, tc.dir)
			}
		})
	}
}
