//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	containerdSocket = "/run/containerd/containerd.sock"
	// imagesNamespace is where containerd keeps what a kubelet sees.
	imagesNamespace = "k8s.io"
	// socketLimit is far more than containerd takes to start on a busy machine.
	socketLimit = time.Minute
	socketEvery = 20 * time.Millisecond
)

// initNode is the node's first process. It ends when one of the node's programs does.
func initNode(args []string) error {
	options, err := parseOptions(args)
	if err != nil {
		return err
	}
	// The owner opens the gates first: the pipe ends when they are open.
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return fmt.Errorf("waiting for the network: %w", err)
	}
	if err := syscall.Sethostname([]byte(options.name)); err != nil {
		return fmt.Errorf("setting the host name: %w", err)
	}
	if err := options.mountFiles(); err != nil {
		return err
	}
	if err := os.Setenv("PATH", options.programs+":"+os.Getenv("PATH")); err != nil {
		return err
	}
	programs := map[int]string{} // by process id
	containerd, err := options.startProgram("containerd", "-c", filepath.Join(options.dir, "containerd.toml"))
	if err != nil {
		return err
	}
	programs[containerd] = "containerd"
	if err := options.waitContainerd(containerd); err != nil {
		return err
	}
	for _, image := range options.images {
		command := exec.Command("ctr", "--address", containerdSocket, "--namespace", imagesNamespace, "images", "import", image)
		if output, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("importing %s: %w: %s", image, err, strings.TrimSpace(string(output)))
		}
	}
	kubelet, err := options.startProgram(options.kubelet, options.kubeletFlags...)
	if err != nil {
		return err
	}
	programs[kubelet] = "kubelet"
	return options.collectProcesses(programs)
}

// startProgram starts a program that writes to its log, and returns its process id.
func (o nodeOptions) startProgram(program string, args ...string) (int, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return 0, fmt.Errorf("finding %s: %w", program, err)
	}
	log, err := os.OpenFile(o.logFile(programName(program)), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return 0, fmt.Errorf("opening a log: %w", err)
	}
	defer log.Close()
	process, err := os.StartProcess(path, append([]string{path}, args...), &os.ProcAttr{
		Dir: "/", Files: []*os.File{os.Stdin, log, log},
	})
	if err != nil {
		return 0, fmt.Errorf("starting %s: %w", program, err)
	}
	return process.Pid, nil
}

// programName is the name of a program whose file carries a version.
func programName(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), "-")
	return name
}

// waitContainerd waits until containerd takes connections.
func (o nodeOptions) waitContainerd(pid int) error {
	for deadline := time.Now().Add(socketLimit); ; time.Sleep(socketEvery) {
		connection, err := net.Dial("unix", containerdSocket)
		if err == nil {
			return connection.Close()
		}
		var status syscall.WaitStatus
		if ended, _ := syscall.Wait4(pid, &status, syscall.WNOHANG, nil); ended == pid {
			return o.endedEarly("containerd", status)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("containerd takes no connections after %s: %w", socketLimit, err)
		}
	}
}

// collectProcesses collects ended processes, as process 1 has to, until one of the
// programs is among them.
func (o nodeOptions) collectProcesses(programs map[int]string) error {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("waiting for processes: %w", err)
		}
		if name := programs[pid]; name != "" {
			return o.endedEarly(name, status)
		}
	}
}

// endedEarly is the error for a program that has ended, with the last line of its log.
func (o nodeOptions) endedEarly(name string, status syscall.WaitStatus) error {
	how := fmt.Sprintf("exit status %d", status.ExitStatus())
	if status.Signaled() {
		how = status.Signal().String()
	}
	text, err := os.ReadFile(o.logFile(name))
	if err != nil {
		return fmt.Errorf("%s ended (%s), and its log cannot be read: %w", name, how, err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return fmt.Errorf("%s ended (%s): %s", name, how, lines[len(lines)-1])
}
