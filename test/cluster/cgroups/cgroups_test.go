package cgroups

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/test/cluster/mark"
)

// A process in an inner group does not keep the groups from being removed.
func TestRemoveEndsProcesses(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root makes control groups")
	}
	run := RunGroup(mark.New())
	t.Cleanup(func() { _ = Remove(context.Background(), run) })
	if err := Make(run + "/node"); err != nil {
		t.Skipf("no control groups can be made here: %v", err)
	}
	roots, err := hierarchyFolders()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("sleep", "600")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	for _, root := range roots {
		inner := filepath.Join(root, run, "node", "pod")
		if err := os.Mkdir(inner, 0o755); err != nil {
			t.Fatal(err)
		}
		if filepath.Base(root) == "cpuset" {
			if err := copySets(filepath.Dir(inner), inner); err != nil {
				t.Fatal(err)
			}
		}
		procs := filepath.Join(inner, "cgroup.procs")
		if err := os.WriteFile(procs, []byte(strconv.Itoa(command.Process.Pid)), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	if err := Remove(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the process in the group still runs")
	}
	for _, root := range roots {
		if _, err := os.Stat(filepath.Join(root, run)); !os.IsNotExist(err) {
			t.Errorf("%s is left in %s: %v", run, root, err)
		}
	}
	if err := Remove(t.Context(), run); err != nil {
		t.Errorf("removing what is not there: %v", err)
	}
}
