//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/ashlar-dev/ashlar/test/cluster/cgroups"
)

const (
	// namespaces are those that a node has to itself.
	namespaces = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC
	// cgroupPatience is how long control groups may take to become empty.
	cgroupPatience = 10 * time.Second
)

// runNode starts a node and waits until it is asked to end it, or until the node ends.
func runNode(args []string) (err error) {
	options, err := parseOptions(args)
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	// Before anything is started: if the port is taken, another one is tried.
	outside, err := listenOutside(options.kubeletPort)
	if err != nil {
		return err
	}
	defer outside.Close()
	if err := cgroups.Make(options.cgroup); err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), cgroupPatience)
		defer cancel()
		err = errors.Join(err, cgroups.Remove(ctx, options.cgroup))
	}()

	// Process 1 waits for this pipe to end before it starts anything.
	ready, begin, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making a pipe to the node: %w", err)
	}
	defer begin.Close()
	first := exec.Command(program, append([]string{"init"}, args...)...)
	first.Stdin, first.Stdout, first.Stderr = ready, os.Stdout, os.Stderr
	first.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Pdeathsig: syscall.SIGKILL}
	if err := first.Start(); err != nil {
		return fmt.Errorf("starting the node's first process: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- first.Wait() }()
	endFirst := func() {
		_ = first.Process.Kill() // fails only if it has ended
		<-ended
	}
	if err := openGates(first.Process.Pid, options, outside); err != nil {
		endFirst()
		return err
	}
	if err := os.WriteFile(pidFile(options.dir), []byte(strconv.Itoa(first.Process.Pid)), 0o600); err != nil {
		endFirst()
		return fmt.Errorf("noting the node's first process: %w", err)
	}
	if err := begin.Close(); err != nil {
		endFirst()
		return fmt.Errorf("letting the node begin: %w", err)
	}
	select {
	case err := <-ended:
		return fmt.Errorf("the node ended: %w", err)
	case <-ctx.Done():
		endFirst()
		return nil
	}
}
