//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/ashlar-dev/ashlar/test/cluster/cgroups"
	"github.com/ashlar-dev/ashlar/test/cluster/mark"
)

// checkMachine says why no node can run on this machine, if so. It tries what a node
// needs: root, namespaces with mounts of their own, and control groups.
func checkMachine() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("a real node needs root, this is user %d", os.Geteuid())
	}
	command := exec.Command("/proc/self/exe", "check-inside")
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces}
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("a real node needs namespaces and mounts of its own: %w %s", err,
			strings.TrimPrefix(strings.TrimSpace(string(output)), "Error: "))
	}
	group := cgroups.RunGroup(mark.New())
	ctx, cancel := context.WithTimeout(context.Background(), cgroupPatience)
	defer cancel()
	if err := errors.Join(cgroups.Make(group), cgroups.Remove(ctx, group)); err != nil {
		return fmt.Errorf("a real node needs control groups: %w", err)
	}
	for _, program := range []string{"mount", "umount"} { // a kubelet runs them for volumes
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("a real node needs the program %s: %w", program, err)
		}
	}
	return nil
}
