package mps

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// Processes are control daemons as processes of this machine, which outlive the one that
// starts them. They have the machine's shared memory.
type Processes struct {
	root    string
	program string
	clock   clock.Clock
	locks   sync.Map // UUID to *sync.Mutex
}

// ProcessOptions are how Processes are run; the zero value is that of a machine where the
// driver is installed.
type ProcessOptions struct {
	// Root has the daemons' directories; "" means DefaultRoot.
	Root string
	// Program is nvidia-cuda-mps-control; "" means that of PATH.
	Program string
	// Clock measures how long a daemon takes; nil means the real one.
	Clock clock.Clock
}

// NewProcesses manages daemons as processes.
func NewProcesses(options ProcessOptions) *Processes {
	p := &Processes{root: options.Root, program: options.Program, clock: options.Clock}
	if p.root == "" {
		p.root = DefaultRoot
	}
	if p.program == "" {
		p.program = controlProgram
	}
	if p.clock == nil {
		p.clock = clock.RealClock{}
	}
	return p
}

const (
	// startTime is how long a daemon may take to answer after its start.
	startTime = 30 * time.Second
	pollTime  = 50 * time.Millisecond
)

// Paths are the directories of a daemon, for its clients.
func (p *Processes) Paths(uuid string) Paths {
	paths := pathsOf(p.root, uuid)
	paths.Shm = "/dev/shm"
	return paths
}

func (p *Processes) lock(uuid string) func() {
	mutex, _ := p.locks.LoadOrStore(uuid, &sync.Mutex{})
	mutex.(*sync.Mutex).Lock()
	return mutex.(*sync.Mutex).Unlock
}

// Ensure starts the daemon, or finds it.
func (p *Processes) Ensure(ctx context.Context, spec Spec) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("start the MPS control daemon of %s: %w", spec.UUID, err)
		}
	}()
	if err := spec.check(); err != nil {
		return err
	}
	defer p.lock(spec.UUID)()
	paths := pathsOf(p.root, spec.UUID)
	if _, err := tellDaemon(ctx, p.program, paths, question, answerTime); err == nil {
		if readSettings(paths) == spec {
			return nil
		}
		klog.FromContext(ctx).Info("Replacing an MPS control daemon of other settings", "device", spec.UUID)
	}
	if err := p.end(ctx, paths); err != nil {
		return err
	}
	if err := paths.create(); err != nil {
		return err
	}
	process, err := startProcess(p.program, spec.UUID, paths)
	if err != nil {
		_ = os.RemoveAll(paths.directory)
		return err
	}
	if err := p.setUp(ctx, process, paths, spec); err != nil {
		process.kill()
		_ = os.RemoveAll(paths.directory)
		return err
	}
	return nil
}

// setUp waits until the daemon answers, and tells it its settings. They are noted last: a
// daemon without them was not set up, and is replaced.
func (p *Processes) setUp(ctx context.Context, process *process, paths Paths, spec Spec) error {
	deadline := p.clock.Now().Add(startTime)
	for {
		_, err := tellDaemon(ctx, p.program, paths, question, answerTime)
		if err == nil {
			break
		}
		select {
		case <-process.ended:
			return fmt.Errorf("%s ended: %w: %s", p.program, process.err, lastLines(process.output(paths)))
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w", err)
		case <-p.clock.After(pollTime):
		}
		if p.clock.Now().After(deadline) {
			return fmt.Errorf("it does not answer after %s: %w: see its logs in %s", startTime, err, paths.Logs)
		}
	}
	for _, command := range spec.settings() {
		if _, err := tellDaemon(ctx, p.program, paths, command, answerTime); err != nil {
			return err
		}
	}
	return writeSettings(paths, spec)
}

// Remove ends the daemon and removes its directories.
func (p *Processes) Remove(ctx context.Context, uuid string) error {
	if err := checkUUID(uuid); err != nil {
		return fmt.Errorf("end an MPS control daemon: %w", err)
	}
	defer p.lock(uuid)()
	if err := p.end(ctx, pathsOf(p.root, uuid)); err != nil {
		return fmt.Errorf("end the MPS control daemon of %s: %w", uuid, err)
	}
	return nil
}

// end ends a daemon, if there is one: by its command, or, where it does not answer, by its process.
func (p *Processes) end(ctx context.Context, paths Paths) error {
	if _, err := os.Stat(paths.directory); os.IsNotExist(err) {
		return nil
	}
	quit := fmt.Sprintf("quit -t %d", quitTime/time.Second)
	_, quitErr := tellDaemon(ctx, p.program, paths, quit, quitTime+answerTime)
	deadline := p.clock.Now().Add(answerTime)
	for pid := findProcess(paths); pid != 0; pid = findProcess(paths) {
		if quitErr != nil || p.clock.Now().After(deadline) {
			klog.FromContext(ctx).Info("Killing an MPS control daemon that does not quit", "pid", pid, "pipes", paths.Pipes, "err", quitErr)
			killProcess(pid)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("process %d still runs: %w", pid, ctx.Err())
		case <-p.clock.After(pollTime):
		}
	}
	return os.RemoveAll(paths.directory)
}

// List returns the UUIDs that have a daemon's directory.
func (p *Processes) List(context.Context) ([]string, error) { return listDirectories(p.root) }

func settingsPath(paths Paths) string { return filepath.Join(paths.directory, "settings.json") }

func readSettings(paths Paths) Spec {
	var spec Spec
	text, err := os.ReadFile(settingsPath(paths))
	if err != nil || json.Unmarshal(text, &spec) != nil {
		return Spec{}
	}
	return spec
}

func writeSettings(paths Paths, spec Spec) error {
	text, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	draft := settingsPath(paths) + ".tmp"
	if err := os.WriteFile(draft, text, 0o644); err != nil {
		return err
	}
	return os.Rename(draft, settingsPath(paths))
}
