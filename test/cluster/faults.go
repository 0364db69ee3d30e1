package cluster

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"syscall"
)

// Pause stops the process where it is, as a machine that hangs would, until Resume.
func (p *Process) Pause() error { return p.sendSignal(syscall.SIGSTOP) }

// Resume lets a paused process go on.
func (p *Process) Resume() error { return p.sendSignal(syscall.SIGCONT) }

// AllowEnd makes it no failure if the process ends by itself: somebody starts it again.
func (p *Process) AllowEnd() { p.stopped.Store(true) }

// Ended returns a channel that is closed once the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.done }

// CrashProcess kills the newest process of a name, -9, and starts the same command again. For
// the API server and etcd it returns once the API server is ready. All that they had
// acknowledged is still there.
func (c *Cluster) CrashProcess(ctx context.Context, name string) error {
	c.mu.Lock()
	at := -1
	for i, p := range c.processes {
		if p.Name() == name {
			at = i
		}
	}
	if at < 0 || c.ended {
		c.mu.Unlock()
		return fmt.Errorf("crashing %s: the cluster has no such process", name)
	}
	old := c.processes[at]
	c.mu.Unlock()
	if err := old.Kill(); err != nil {
		return fmt.Errorf("crashing %s: %w", name, err)
	}
	command := exec.Command(old.command.Path, slices.Clone(old.command.Args[1:])...)
	command.Dir, command.Env = old.command.Dir, old.command.Env
	p, err := launchProcess(name, old.log, old.grace, command)
	if err != nil {
		return fmt.Errorf("starting %s again: %w", name, err)
	}
	c.mu.Lock()
	c.processes[at] = p
	c.mu.Unlock()
	if name != apiServer && name != etcd {
		return nil
	}
	for _, other := range c.Processes() {
		if other.Name() == apiServer {
			return c.checkHealth(ctx, other, c.server+"/readyz")
		}
	}
	return nil
}
