//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// enterNode runs a command on a node as if it had been started there, passes signals on
// to it, and ends as it does. The command ends with this process, however that ends.
func enterNode(args []string) error {
	if len(args) < 2 {
		return errUsage
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	text, err := os.ReadFile(pidFile(args[0]))
	if err != nil {
		return fmt.Errorf("finding the node's first process: %w", err)
	}
	if err := enterNamespaces(strings.TrimSpace(string(text))); err != nil {
		return err
	}
	command := exec.Command(program, append([]string{"bound"}, args[1:]...)...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting %s on the node: %w", args[1], err)
	}
	go func() {
		for s := range signals {
			_ = command.Process.Signal(s) // fails only if it has ended
		}
	}()
	err = command.Wait()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		os.Exit(max(ended.ExitCode(), 1))
	}
	return err
}

// enterNamespaces moves the calling thread into those of a process.
func enterNamespaces(pid string) error {
	var files []*os.File
	for _, name := range []string{"pid", "net", "uts", "ipc", "mnt"} {
		file, err := os.Open(filepath.Join("/proc", pid, "ns", name))
		if err != nil {
			return fmt.Errorf("finding the node's namespaces: %w", err)
		}
		defer file.Close()
		files = append(files, file)
	}
	// A thread can change its mounts only if it shares its working directory with none.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("preparing to enter the node: %w", err)
	}
	for _, file := range files {
		if err := unix.Setns(int(file.Fd()), 0); err != nil {
			return fmt.Errorf("entering %s: %w", file.Name(), err)
		}
	}
	return nil
}

// becomeCommand ties this process's life to its parent's and becomes the command.
func becomeCommand(args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	// Not by SysProcAttr.Pdeathsig: the parent lies outside of the PID namespace, which
	// the Go runtime takes for one that has ended.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("tying the command to its parent: %w", err)
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		return fmt.Errorf("finding %s on the node: %w", args[0], err)
	}
	return fmt.Errorf("starting %s on the node: %w", path, syscall.Exec(path, args, os.Environ()))
}
