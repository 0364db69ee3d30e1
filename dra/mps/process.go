package mps

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// process is a daemon that this process has started.
type process struct {
	pid   int
	ended chan struct{}
	err   error // of its end, once ended is closed
}

func pidPath(paths Paths) string    { return filepath.Join(paths.directory, "pid") }
func outputPath(paths Paths) string { return filepath.Join(paths.Logs, "output.log") }

// startProcess starts a daemon in a session of its own, so that signals to the driver do not reach
// it, with its output in a file, so that it does not need the driver to read it.
func startProcess(program, uuid string, paths Paths) (*process, error) {
	output, err := os.OpenFile(outputPath(paths), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer func() { _ = output.Close() }()
	command := exec.Command(program, "-f")
	command.Env = append(paths.environment(), "CUDA_VISIBLE_DEVICES="+uuid)
	command.Stdout, command.Stderr = output, output
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("%w: see that the GPU driver's MPS is installed", err)
	}
	started := &process{pid: command.Process.Pid, ended: make(chan struct{})}
	go func() {
		if started.err = command.Wait(); started.err == nil {
			started.err = errors.New("exit status 0")
		}
		close(started.ended)
	}()
	if err := os.WriteFile(pidPath(paths), []byte(strconv.Itoa(started.pid)), 0o644); err != nil {
		started.kill()
		return nil, err
	}
	return started, nil
}

func (p *process) output(paths Paths) string {
	text, err := os.ReadFile(outputPath(paths))
	if err != nil {
		return ""
	}
	return string(text)
}

func (p *process) kill() {
	killProcess(p.pid)
	<-p.ended
}

// killProcess kills a daemon and what is in its session: its servers.
func killProcess(pid int) {
	_ = syscall.Kill(-pid, syscall.SIGKILL)
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

// findProcess returns the pid of the daemon of these directories, 0 if it does not run. A
// number that has passed to another process meanwhile is told by its environment.
func findProcess(paths Paths) int {
	text, err := os.ReadFile(pidPath(paths))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid < 2 {
		return 0
	}
	environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil || !slices.Contains(strings.Split(string(environment), "\x00"), "CUDA_MPS_PIPE_DIRECTORY="+paths.Pipes) {
		return 0
	}
	return pid
}
