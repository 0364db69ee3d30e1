package gobuild

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// crossCompilers are Debian's C compilers for other architectures, with their packages.
var crossCompilers = map[string]struct{ program, packages string }{
	"amd64": {"x86_64-linux-gnu-gcc", "gcc-x86-64-linux-gnu libc6-dev-amd64-cross"},
	"arm64": {"aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"},
}

// stampPackage has the variables version and commit.
const stampPackage = "github.com/ashlar-dev/ashlar/internal/buildinfo"

// Compiler builds Go programs.
type Compiler struct {
	// Version and Commit are what the programs of this repository print.
	Version, Commit string
	// Scratch is the folder for what is built.
	Scratch string
}

// Job is one program to be built.
type Job struct {
	// Folder has the module, Source is the package in it.
	Folder, Source string
	// System and Architecture are Go's words, such as linux and arm64.
	System, Architecture string
	// CGO says that it links C; ExtraLink is then for the C linker.
	CGO       bool
	ExtraLink string
	// Tags are build constraints that are fulfilled, Variables what is stamped besides.
	Tags, Variables []string
}

// Compile builds a program and returns its file.
func (c Compiler) Compile(ctx context.Context, job Job) (string, error) {
	name := filepath.Base(job.Source)
	out, err := filepath.Abs(filepath.Join(c.Scratch, job.System+"-"+job.Architecture, name))
	if err != nil {
		return "", err
	}
	flags := []string{"-s", "-w", "-buildid="}
	for _, variable := range append([]string{stampPackage + ".version=" + c.Version, stampPackage + ".commit=" + c.Commit}, job.Variables...) {
		flags = append(flags, "-X", variable)
	}
	environment := append(os.Environ(), "GOOS="+job.System, "GOARCH="+job.Architecture, "CGO_ENABLED=0", "GOFLAGS=")
	if job.CGO {
		compiler, err := compilerFor(job.Architecture)
		if err != nil {
			return "", fmt.Errorf("building %s for %s/%s: %w", name, job.System, job.Architecture, err)
		}
		environment = append(append(environment, "CGO_ENABLED=1"), compiler...)
		flags = append(flags, "-linkmode", "external", "-extldflags", "'"+strings.TrimSpace(job.ExtraLink+" -Wl,--build-id=none")+"'")
	}
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", strings.Join(job.Tags, ","),
		"-ldflags", strings.Join(flags, " "), "-o", out, job.Source)
	command.Dir, command.Env = job.Folder, environment
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s for %s/%s: %w\n%s", name, job.System, job.Architecture, err, output)
	}
	return out, nil
}

// compilerFor is what Go's environment needs for C of an architecture.
func compilerFor(architecture string) ([]string, error) {
	if architecture == runtime.GOARCH {
		return nil, nil
	}
	cross, known := crossCompilers[architecture]
	if !known {
		return nil, fmt.Errorf("no C compiler is known for it")
	}
	if _, err := exec.LookPath(cross.program); err != nil {
		return nil, fmt.Errorf("a C compiler is missing: apt-get install %s, or leave this platform out", cross.packages)
	}
	return []string{"CC=" + cross.program}, nil
}
