package cgroups

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ashlar-dev/ashlar/test/cluster/mark"
)

// mountPoint is where Linux distributions mount control groups.
const mountPoint = "/sys/fs/cgroup"

// needed are the controllers without which a kubelet does not start.
var needed = []string{"cpu", "cpuset", "memory", "pids"}

// RunGroup names the group that holds all groups of the run with this mark.
func RunGroup(m mark.Mark) string { return "ashlar-" + string(m) }

// singleHierarchy reports whether the machine has one hierarchy (version 2) rather than one
// per controller (version 1).
func singleHierarchy() bool {
	_, err := os.Stat(filepath.Join(mountPoint, "cgroup.controllers"))
	return err == nil
}

// hierarchyFolders are the folders in each of which a group exists or not.
func hierarchyFolders() ([]string, error) {
	if singleHierarchy() {
		return []string{mountPoint}, nil
	}
	entries, err := os.ReadDir(mountPoint)
	if err != nil {
		return nil, fmt.Errorf("listing control groups: %w", err)
	}
	var found []string
	for _, entry := range entries {
		if entry.IsDir() { // what two names share is mounted once: the other is a link
			found = append(found, filepath.Join(mountPoint, entry.Name()))
		}
	}
	return found, nil
}

// Make makes a group, such as "run/node", in every hierarchy, with all controllers for
// the groups below it.
func Make(name string) error {
	roots, err := hierarchyFolders()
	if err != nil {
		return err
	}
	if err := checkControllers(roots); err != nil {
		return err
	}
	for _, root := range roots {
		folder := root
		for part := range strings.SplitSeq(name, "/") {
			parent := folder
			folder = filepath.Join(folder, part)
			if singleHierarchy() {
				if err := delegateControllers(parent); err != nil {
					return err
				}
			}
			if err := os.MkdirAll(folder, 0o755); err != nil {
				return fmt.Errorf("making a control group: %w", err)
			}
			if filepath.Base(root) == "cpuset" {
				if err := copySets(parent, folder); err != nil {
					return err
				}
			}
		}
		if singleHierarchy() {
			if err := delegateControllers(folder); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkControllers says which controller is not there, if one is not.
func checkControllers(roots []string) error {
	var have []string
	if singleHierarchy() {
		text, err := os.ReadFile(filepath.Join(mountPoint, "cgroup.controllers"))
		if err != nil {
			return fmt.Errorf("reading the controllers of control groups: %w", err)
		}
		have = strings.Fields(string(text))
	}
	for _, root := range roots {
		have = append(have, strings.Split(filepath.Base(root), ",")...) // such as cpu,cpuacct
	}
	for _, controller := range needed {
		if !slices.Contains(have, controller) {
			return fmt.Errorf("there is no %s controller for control groups in %s: a kubelet needs it", controller, mountPoint)
		}
	}
	return nil
}

// delegateControllers lets the groups below a folder use every controller that it has.
func delegateControllers(folder string) error {
	text, err := os.ReadFile(filepath.Join(folder, "cgroup.controllers"))
	if err != nil {
		return fmt.Errorf("reading the controllers of a control group: %w", err)
	}
	for _, controller := range strings.Fields(string(text)) {
		err := os.WriteFile(filepath.Join(folder, "cgroup.subtree_control"), []byte("+"+controller), 0o600)
		if err != nil && slices.Contains(needed, controller) {
			return fmt.Errorf("handing controller %s on to the groups below %s: %w", controller, folder, err)
		}
	}
	return nil
}

// copySets gives a group the processors and memory of the one above: a new group of
// version 1 has none, and no process can enter it.
func copySets(parent, folder string) error {
	for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
		text, err := os.ReadFile(filepath.Join(parent, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), bytes.TrimSpace(text), 0o600)
		}
		if err != nil {
			return fmt.Errorf("giving a control group processors and memory: %w", err)
		}
	}
	return nil
}

// removeEvery is the pause between two tries to remove a group.
const removeEvery = 20 * time.Millisecond

// Remove ends every process in a group and in those below it, and removes the groups.
// One that does not exist is no error.
func Remove(ctx context.Context, name string) error {
	roots, err := hierarchyFolders()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a machine without control groups
	}
	if err != nil {
		return err
	}
	for _, root := range roots {
		folder := filepath.Join(root, name)
		for {
			left := removeTree(folder)
			if left == nil {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("removing control group %s: %w; at last: %w", folder, ctx.Err(), left)
			case <-time.After(removeEvery):
			}
		}
	}
	return nil
}

// removeTree tries once to remove a folder and those below it, the innermost first.
func removeTree(folder string) error {
	var folders []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			folders = append(folders, path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, path := range slices.Backward(folders) {
		endProcesses(path)
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// endProcesses kills the processes in a group. Whether that was possible shows when the
// group is removed.
func endProcesses(folder string) {
	text, err := os.ReadFile(filepath.Join(folder, "cgroup.procs"))
	if err != nil {
		return
	}
	for field := range strings.FieldsSeq(string(text)) {
		if pid, err := strconv.Atoi(field); err == nil && pid > 1 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}
