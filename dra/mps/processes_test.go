package mps

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/klog/v2/ktesting"

	"github.com/ashlar-dev/ashlar/topology"
)

const (
	gpu0 = "GPU-8f6b2a1c-0000-4000-8000-000000000000"
	gpu1 = "GPU-8f6b2a1c-0000-4000-8000-000000000001"
	mig0 = "MIG-8f6b2a1c-0000-5000-8000-000000000002"
)

// newProcesses manages fake daemons below a directory with a short name: sockets lie in it.
func newProcesses(t *testing.T, mode string) (context.Context, *Processes, string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(fakeMode, mode)
	root, err := os.MkdirTemp("", "mps")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	_, ctx := ktesting.NewTestContext(t)
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	t.Cleanup(cancel)
	return ctx, NewProcesses(ProcessOptions{Root: root, Program: program}), root
}

func ensure(t *testing.T, ctx context.Context, daemons Daemons, spec Spec) { //nolint:revive // t comes first in tests
	t.Helper()
	if err := daemons.Ensure(ctx, spec); err != nil {
		t.Fatal(err)
	}
}

func wantDaemons(t *testing.T, ctx context.Context, daemons Daemons, want ...string) { //nolint:revive // t comes first in tests
	t.Helper()
	got, err := daemons.List(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("daemons (-want +got):\n%s", diff)
	}
}

func wantCommands(t *testing.T, daemons *Processes, uuid string, want ...string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(daemons.Paths(uuid).Logs, "commands"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, strings.Split(strings.TrimSpace(string(text)), "\n")); diff != "" {
		t.Errorf("what the daemon was told (-want +got):\n%s", diff)
	}
}

func TestProcessesAreSetUp(t *testing.T) {
	ctx, daemons, _ := newProcesses(t, slow)
	ensure(t, ctx, daemons, Spec{UUID: gpu0})
	ensure(t, ctx, daemons, Spec{UUID: mig0, ActiveThreadPercentage: 30, PinnedMemory: 8 * topology.GiB})
	wantCommands(t, daemons, gpu0, "device "+gpu0)
	wantCommands(t, daemons, mig0, "device "+mig0, "set_default_active_thread_percentage 30", "set_default_device_pinned_mem_limit 0 8192M")
	wantDaemons(t, ctx, daemons, gpu0, mig0)
	if err := daemons.Remove(ctx, gpu0); err != nil {
		t.Fatal(err)
	}
	wantDaemons(t, ctx, daemons, mig0)
	if err := daemons.Remove(ctx, gpu0); err != nil {
		t.Errorf("a daemon that is removed already: %v", err)
	}
	if err := daemons.Remove(ctx, mig0); err != nil {
		t.Fatal(err)
	}
	wantDaemons(t, ctx, daemons)
}

// Another process of the driver finds the daemons of the former and leaves them.
func TestProcessesOutliveDriver(t *testing.T) {
	ctx, daemons, root := newProcesses(t, good)
	spec := Spec{UUID: gpu0, ActiveThreadPercentage: 30}
	ensure(t, ctx, daemons, spec)
	first := findProcess(pathsOf(root, gpu0))
	if first == 0 {
		t.Fatal("the daemon's process is not found")
	}
	later := NewProcesses(ProcessOptions{Root: root, Program: daemons.program})
	wantDaemons(t, ctx, later, gpu0)
	ensure(t, ctx, later, spec)
	if got := findProcess(pathsOf(root, gpu0)); got != first {
		t.Errorf("process %d, want the first, %d", got, first)
	}
	wantCommands(t, later, gpu0, "device "+gpu0, "set_default_active_thread_percentage 30")
	// Settings of another claim take a daemon of their own.
	ensure(t, ctx, later, Spec{UUID: gpu0, ActiveThreadPercentage: 50})
	if got := findProcess(pathsOf(root, gpu0)); got == first || got == 0 {
		t.Errorf("process %d has other settings, want another than %d", got, first)
	}
	wantCommands(t, later, gpu0, "device "+gpu0, "set_default_active_thread_percentage 50")
	if err := later.Remove(ctx, gpu0); err != nil {
		t.Fatal(err)
	}
}

// A driver that was killed before it had set the daemon up leaves one of unknown settings.
func TestProcessesReplaceHalfOfADaemon(t *testing.T) {
	ctx, daemons, root := newProcesses(t, good)
	spec := Spec{UUID: gpu0, PinnedMemory: topology.GiB}
	ensure(t, ctx, daemons, spec)
	paths := pathsOf(root, gpu0)
	first := findProcess(paths)
	for _, lost := range []string{settingsPath(paths), pidPath(paths)} {
		if err := os.Remove(lost); err != nil {
			t.Fatal(err)
		}
		ensure(t, ctx, daemons, spec)
		wantCommands(t, daemons, gpu0, "device "+gpu0, "set_default_device_pinned_mem_limit 0 1024M")
	}
	if got := findProcess(paths); got == first {
		t.Errorf("process %d was not replaced", got)
	}
	if err := daemons.Remove(ctx, gpu0); err != nil {
		t.Fatal(err)
	}
}

func TestProcessThatDiedIsReplaced(t *testing.T) {
	ctx, daemons, root := newProcesses(t, good)
	ensure(t, ctx, daemons, Spec{UUID: gpu0})
	first := findProcess(pathsOf(root, gpu0))
	killProcess(first)
	for findProcess(pathsOf(root, gpu0)) != 0 {
		time.Sleep(time.Millisecond)
	}
	ensure(t, ctx, daemons, Spec{UUID: gpu0})
	if got := findProcess(pathsOf(root, gpu0)); got == first || got == 0 {
		t.Errorf("process %d, want a new one", got)
	}
	if err := daemons.Remove(ctx, gpu0); err != nil {
		t.Fatal(err)
	}
}

func TestStubbornProcessIsKilled(t *testing.T) {
	ctx, daemons, root := newProcesses(t, stubborn)
	ensure(t, ctx, daemons, Spec{UUID: gpu0})
	paths := pathsOf(root, gpu0)
	if err := daemons.Remove(ctx, gpu0); err != nil {
		t.Fatal(err)
	}
	if pid := findProcess(paths); pid != 0 {
		t.Errorf("process %d still runs", pid)
	}
	wantDaemons(t, ctx, daemons)
}

// A daemon that does not come up leaves nothing behind.
func TestProcessesFail(t *testing.T) {
	for name, tc := range map[string]struct {
		mode string
		spec Spec
		want string
	}{
		"it ends":            {dying, Spec{UUID: gpu0}, "ended: exit status 3: Cannot find a CUDA device"},
		"it does not answer": {mute, Spec{UUID: gpu0}, "it does not answer: "},
		"it refuses a setting": {
			picky,
			Spec{UUID: gpu0, ActiveThreadPercentage: 7},
			"set_default_active_thread_percentage 7: exit status 1: Invalid command",
		},
		"no UUID": {good, Spec{UUID: "../x"}, `"../x" is no UUID of a GPU or MIG instance: want one that begins with GPU- or MIG-`},
		"a percentage too large": {
			good,
			Spec{UUID: gpu0, ActiveThreadPercentage: 101},
			"the active thread percentage is 101: want 1 to 100, or 0 for all",
		},
		"hardly any memory": {
			good,
			Spec{UUID: gpu0, PinnedMemory: 5},
			"the pinned memory limit is 5B: want at least 1MiB, or 0 for none",
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, daemons, _ := newProcesses(t, tc.mode)
			ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
			defer cancel()
			err := daemons.Ensure(ctx, tc.spec)
			const prefix = "start the MPS control daemon of "
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), prefix) {
				t.Errorf("got %v, want %q in it", err, tc.want)
			}
			wantDaemons(t, context.Background(), daemons)
		})
	}
}

func TestProgramIsMissing(t *testing.T) {
	ctx, daemons, _ := newProcesses(t, good)
	daemons.program = "/nonexistent/nvidia-cuda-mps-control"
	err := daemons.Ensure(ctx, Spec{UUID: gpu0})
	const want = "no such file or directory: see that the GPU driver's MPS is installed"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q in it", err, want)
	}
	wantDaemons(t, ctx, daemons)
}
