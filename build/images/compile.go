package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// hookModule has NVIDIA's program for the hooks of containers, which comes with the driver.
const (
	hookModule  = "github.com/NVIDIA/nvidia-container-toolkit"
	hookName    = "nvidia-cdi-hook"
	versionPath = "github.com/ashlar-dev/ashlar/internal/buildinfo"
)

// crossCompilers are Debian's C compilers for other architectures, with their packages.
var crossCompilers = map[string]struct{ program, packages string }{
	"amd64": {"x86_64-linux-gnu-gcc", "gcc-x86-64-linux-gnu libc6-dev-amd64-cross"},
	"arm64": {"aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"},
}

// Compiler builds Go programs for Linux that are the same whenever their sources are.
type Compiler struct {
	Root            string // of the repository
	Version, Commit string // stamped into our programs
	Scratch         string // folder for what is built
}

// CompileProgram builds one of our programs and returns its file.
func (c Compiler) CompileProgram(ctx context.Context, program Program, architecture string) (string, error) {
	flags := fmt.Sprintf("-s -w -buildid= -X %s.version=%s -X %s.commit=%s", versionPath, c.Version, versionPath, c.Commit)
	if program.CGO {
		flags += " -linkmode external -extldflags '-Wl,--build-id=none -Wl,-z,lazy'"
	}
	return c.compile(ctx, c.Root, "./cmd/"+program.Name, program.Name, architecture, program.CGO, "-ldflags", flags)
}

// CompileHook builds NVIDIA's hook. It runs on hosts of all kinds, and so has its own C
// library in it; nothing that it does there loads another.
func (c Compiler) CompileHook(ctx context.Context, architecture, version string) (string, error) {
	flags := "-s -w -buildid= -X " + hookModule + "/internal/info.version=" + strings.TrimPrefix(version, "v") +
		" -linkmode external -extldflags '-static -Wl,--build-id=none -Wl,-z,lazy'"
	return c.compile(ctx, filepath.Join(c.Root, "build"), hookModule+"/cmd/"+hookName, hookName, architecture, true, "-tags", "netgo,osusergo", "-ldflags", flags)
}

// hookVersion is that of the toolkit in build/go.mod.
func (c Compiler) hookVersion(ctx context.Context) (string, error) {
	command := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Version}}", hookModule)
	command.Dir = filepath.Join(c.Root, "build")
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("asking for the version of %s: %w", hookModule, err)
	}
	return strings.TrimSpace(string(output)), nil
}

func (c Compiler) compile(ctx context.Context, folder, source, name, architecture string, cgo bool, flags ...string) (string, error) {
	out, err := filepath.Abs(filepath.Join(c.Scratch, architecture, name))
	if err != nil {
		return "", err
	}
	environment := append(os.Environ(), "GOOS=linux", "GOARCH="+architecture, "CGO_ENABLED=0", "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0")
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-o", out}, flags...)
	if cgo {
		environment = append(environment, "CGO_ENABLED=1")
		if architecture != runtime.GOARCH {
			cross, known := crossCompilers[architecture]
			if !known {
				return "", fmt.Errorf("building %s for %s: no C compiler is known for it", name, architecture)
			}
			if _, err := exec.LookPath(cross.program); err != nil {
				return "", fmt.Errorf("building %s for %s needs a C compiler: apt-get install %s, or leave it out with -platforms linux/%s",
					name, architecture, cross.packages, runtime.GOARCH)
			}
			environment = append(environment, "CC="+cross.program)
		}
	}
	command := exec.CommandContext(ctx, "go", append(args, source)...)
	command.Dir, command.Env = folder, environment
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s for linux/%s: %w\n%s", name, architecture, err, output)
	}
	return out, nil
}
