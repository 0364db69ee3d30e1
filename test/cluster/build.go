package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	// reminderEvery is how often a long build says that it is still going on.
	reminderEvery = 30 * time.Second
	// quietBuild is how long a build may take before it is worth a line at all:
	// a program that is current takes a second or two to be found so.
	quietBuild = 3 * time.Second
	// scratchPrefix begins the name of a folder that a build works in.
	scratchPrefix = "build-"
)

var (
	errNoGo = errors.New("the Go toolchain is not on the PATH: install Go 1.26 or newer, see https://go.dev/doc/install")
	errNoC  = errors.New("there is no working C compiler: install one with its headers, for example `apt-get install gcc libc6-dev`")
)

// buildProgram builds one program next to its place and then moves it there, so that
// nobody ever starts half a file.
func (b *Binaries) buildProgram(ctx context.Context, p builtProgram, progress func(string)) error {
	if _, err := exec.LookPath("go"); err != nil {
		return errNoGo
	}
	stamp, err := p.sourceStamp()
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp(b.dir, scratchPrefix)
	if err != nil {
		return fmt.Errorf("making room for the result: %w", err)
	}
	defer os.RemoveAll(scratch)
	defer remindOfBuild(p, progress)()

	result := filepath.Join(scratch, filepath.Base(p.path))
	flags := linkerFlags(cmp.Or(p.kubernetes, KubernetesVersion))
	command := exec.CommandContext(ctx, "go", "build", "-ldflags="+flags, "-o", result, p.source)
	if name, _, versioned := strings.Cut(p.source, "@"); versioned {
		result = filepath.Join(scratch, filepath.Base(name))
		command = exec.CommandContext(ctx, "go", "install", "-ldflags=-s -w", p.source)
		command.Env = []string{"GOBIN=" + scratch}
	} else if err := os.Link(p.path, result); err != nil && !errors.Is(err, os.ErrNotExist) {
		// With the earlier result in its place, the toolchain skips linking if that
		// is current. It replaces the file, it does not write into it.
		return fmt.Errorf("offering the earlier result: %w", err)
	}
	command.Env = slices.Concat(os.Environ(), command.Env, p.env)
	command.Dir = filepath.Join(b.root, p.folder)
	// Interrupted, the toolchain ends its compilers and removes its scratch files.
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGINT) }
	command.WaitDelay = 10 * time.Second
	output, err := command.CombinedOutput()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return buildError(string(output), err)
	}
	if err := os.MkdirAll(filepath.Dir(p.path), 0o700); err != nil {
		return fmt.Errorf("making room for the result: %w", err)
	}
	if err := os.Rename(result, p.path); err != nil {
		return fmt.Errorf("putting the result in its place: %w", err)
	}
	if err := os.WriteFile(p.stampPath(), []byte(stamp), 0o600); err != nil {
		return fmt.Errorf("noting what it was built from: %w", err)
	}
	return nil
}

// linkerFlags leave debug information out and, as Kubernetes' own build does,
// put its version in: without it the API server reports v0.0.0.
func linkerFlags(version string) string {
	parts := strings.Split(strings.TrimPrefix(version, "v"), ".")
	flags := []string{"-s", "-w"}
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		flags = append(flags,
			"-X", pkg+".gitVersion="+version,
			"-X", pkg+".gitMajor="+parts[0],
			"-X", pkg+".gitMinor="+parts[1])
	}
	return strings.Join(flags, " ")
}

// remindOfBuild tells that a program is being built, if that takes time, and that it
// still is. The caller calls the function it returns when it is done.
func remindOfBuild(p builtProgram, progress func(string)) func() {
	done, ended := make(chan struct{}), make(chan struct{})
	start := time.Now()
	go func() {
		defer close(ended)
		for pause := quietBuild; ; pause = reminderEvery {
			select {
			case <-done:
				return
			case <-time.After(pause):
			}
			switch {
			case pause == reminderEvery:
				progress(fmt.Sprintf("still building %s (%s)", p.title, time.Since(start).Round(time.Second)))
			case p.note != "":
				progress(fmt.Sprintf("building %s; %s", p.title, p.note))
			default:
				progress("building " + p.title)
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// buildError says why the Go toolchain failed, in one line where the reason is
// something that is not installed.
func buildError(output string, err error) error {
	for _, sign := range []string{
		"C compiler", // cgo: C compiler "gcc" not found
		"build constraints exclude all Go files in",     // cgo switched itself off for want of a compiler
		"fatal error: stdlib.h", "fatal error: errno.h", // a compiler without its library's headers
	} {
		if strings.Contains(output, sign) {
			return fmt.Errorf("%w (%s)", errNoC, strings.TrimSpace(lastLine(output, sign)))
		}
	}
	return fmt.Errorf("go: %w\n%s", err, strings.TrimSpace(output))
}

// lastLine returns the last line that contains a string.
func lastLine(text, sign string) string {
	found := ""
	for line := range strings.Lines(text) {
		if strings.Contains(line, sign) {
			found = line
		}
	}
	return found
}
