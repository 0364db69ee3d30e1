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

// checkMachine prints why no node can run on this machine, or nothing if one can.
func checkMachine() error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	if missing := missingSupport(program); missing != nil {
		_, err = fmt.Println(missing)
	}
	return err
}

// missingSupport tries what a node needs: root, namespaces with mounts of their own, and
// control groups.
func missingSupport(program string) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("a real node needs root, this is user %d", os.Geteuid())
	}
	command := exec.Command(program, "check-inside")
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
