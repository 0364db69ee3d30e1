package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Process is one child process of a cluster. It is safe for concurrent use.
type Process struct {
	name string
	log  string
	from int64 // where this process's lines begin in the log
	// grace is how long Stop waits between asking and killing.
	grace   time.Duration
	command *exec.Cmd
	stopped atomic.Bool   // Stop was called: ending is no failure
	done    chan struct{} // closed once the process has ended
	ended   error         // how it ended; set before done is closed
}

// launchProcess starts a process that appends its output to a log file. It has no
// terminal and its own session, so that Ctrl-C reaches the owner alone.
func launchProcess(name, log string, grace time.Duration, command *exec.Cmd) (*Process, error) {
	if err := os.MkdirAll(filepath.Dir(log), 0o700); err != nil {
		return nil, fmt.Errorf("making room for the log of %s: %w", name, err)
	}
	file, err := os.OpenFile(log, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log of %s: %w", name, err)
	}
	defer file.Close() // the child has its own copy
	from, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("opening the log of %s: %w", name, err)
	}
	command.Stdout, command.Stderr = file, file
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	p := &Process{name: name, log: log, from: from, grace: grace, command: command, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.ended = command.Wait()
	}()
	return p, nil
}

// Name returns the name under which the process was started.
func (p *Process) Name() string { return p.name }

// PID returns the process id.
func (p *Process) PID() int { return p.command.Process.Pid }

// Logs returns the path of the file with the process's output.
func (p *Process) Logs() string { return p.log }

// Err says how the process ended and why, by its log, if it ended although
// nobody called Stop. It is nil before, and after Stop.
func (p *Process) Err() error {
	select {
	case <-p.done:
	default:
		return nil
	}
	if p.stopped.Load() {
		return nil
	}
	how := "exit status 0"
	if p.ended != nil {
		how = p.ended.Error()
	}
	output, err := p.lastOutput()
	if err != nil {
		return fmt.Errorf("%s ended early (%s), and its log cannot be read: %w", p.name, how, err)
	}
	return fmt.Errorf("%s ended early (%s): %s", p.name, how, firstComplaint(output))
}

// outputLimit bounds how much of a log is read to find out why its writer ended.
const outputLimit = 64 << 10

// lastOutput returns the end of what this process has written.
func (p *Process) lastOutput() (string, error) {
	file, err := os.Open(p.log)
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	from := max(p.from, info.Size()-outputLimit)
	text, err := io.ReadAll(io.NewSectionReader(file, from, info.Size()-from))
	return string(text), err
}

// lostPort reports whether the process ended because its port was taken.
func (p *Process) lostPort() bool {
	select {
	case <-p.done:
	default:
		return false
	}
	output, err := p.lastOutput()
	return err == nil && strings.Contains(output, "address already in use")
}

// Stop asks the process to end, kills it if it takes too long, and returns once
// it has ended. Stopping a process that has ended does nothing.
func (p *Process) Stop() error {
	p.stopped.Store(true)
	if err := p.sendSignal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(p.grace):
	}
	if err := p.sendSignal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}

// Kill ends the process at once, without asking, as a crash would, and returns once it has
// ended. Err is nil afterwards.
func (p *Process) Kill() error {
	p.stopped.Store(true)
	if err := p.sendSignal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}

func (p *Process) sendSignal(s syscall.Signal) error {
	err := p.command.Process.Signal(s)
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("sending %s to %s: %w", s, p.name, err)
	}
	return nil
}

// Until calls ready until it returns nil. It gives up when the process ends or
// the context does; what says in the error what was waited for.
func (p *Process) Until(ctx context.Context, what string, ready func(context.Context) error) error {
	return waitUntil(ctx, what, p.Err, ready)
}

const (
	// readyEvery is the pause between two questions whether something is ready. A
	// question that takes longer is asked less often, within readySeldom.
	readyEvery  = 30 * time.Millisecond
	readySeldom = 250 * time.Millisecond
	// firstPatience bounds the first question: a server that has only just opened
	// its port may never answer. Each later one may take twice as long as the one
	// before, up to lastPatience, since a busy machine may need that.
	firstPatience = time.Second
	lastPatience  = 15 * time.Second
	// failedEvery is how often a long question is interrupted for a failure.
	failedEvery = 100 * time.Millisecond
)

// waitUntil calls ready until it returns nil, failed returns an error, or ctx ends.
func waitUntil(ctx context.Context, what string, failed func() error, ready func(context.Context) error) error {
	for patience := firstPatience; ; patience = min(2*patience, lastPatience) {
		start := time.Now()
		question, cancel := context.WithTimeout(ctx, patience)
		last, failure := askOnce(question, failed, ready)
		cancel()
		switch {
		case failure != nil:
			return fmt.Errorf("waiting for %s: %w", what, failure)
		case last == nil:
			return nil
		}
		pause := min(max(readyEvery, time.Since(start)), readySeldom)
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w; at last: %w", what, context.Cause(ctx), last)
		case <-time.After(pause):
		}
	}
}

// askOnce calls ready once, and returns what it says unless failed reports a failure.
func askOnce(ctx context.Context, failed func() error, ready func(context.Context) error) (answer, failure error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan error, 1)
	go func() { answers <- ready(ctx) }()
	for {
		select {
		case answer := <-answers:
			if answer == nil {
				return nil, nil
			}
			return answer, failed()
		case <-time.After(failedEvery):
			if failure := failed(); failure != nil {
				cancel()
				return <-answers, failure
			}
		}
	}
}
