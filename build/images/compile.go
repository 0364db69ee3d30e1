package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/ashlar-dev/ashlar/build/gobuild"
)

// hookModule has NVIDIA's program for the hooks of containers, which comes with the driver.
const (
	hookModule = "github.com/NVIDIA/nvidia-container-toolkit"
	hookName   = "nvidia-cdi-hook"
)

// compileProgram builds one of our programs and returns its file.
func (b Builder) compileProgram(ctx context.Context, program Program, architecture string) (string, error) {
	return b.Compiler.Compile(ctx, gobuild.Job{Folder: b.Root, Source: "./cmd/" + program.Name, System: "linux", Architecture: architecture,
		CGO: program.CGO, ExtraLink: "-Wl,-z,lazy"})
}

// compileHook builds NVIDIA's hook. It runs on hosts of all kinds, and so has its own C
// library in it; nothing that it does there loads another.
func (b Builder) compileHook(ctx context.Context, architecture, version string) (string, error) {
	return b.Compiler.Compile(ctx, gobuild.Job{Folder: filepath.Join(b.Root, "build"), Source: hookModule + "/cmd/" + hookName,
		System: "linux", Architecture: architecture, CGO: true, ExtraLink: "-static -Wl,-z,lazy", Tags: []string{"netgo", "osusergo"},
		Variables: []string{hookModule + "/internal/info.version=" + strings.TrimPrefix(version, "v")}})
}

// hookVersion is that of the toolkit in build/go.mod.
func (b Builder) hookVersion(ctx context.Context) (string, error) {
	command := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Version}}", hookModule)
	command.Dir = filepath.Join(b.Root, "build")
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("asking for the version of %s: %w", hookModule, err)
	}
	return strings.TrimSpace(string(output)), nil
}
