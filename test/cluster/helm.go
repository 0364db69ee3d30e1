package cluster

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// helmVersion is Helm's. It is built from its own go.mod.
const helmVersion = "v4.3.1"

// HelmPath returns the path of helm. EnsureHelm builds it.
func (b *Binaries) HelmPath() string { return filepath.Join(b.dir, "helm-"+helmVersion) }

// EnsureHelm builds helm if it is missing.
func (b *Binaries) EnsureHelm(ctx context.Context, progress func(string)) error {
	return b.ensurePrograms(ctx, progress, []builtProgram{{
		title:  "Helm " + helmVersion,
		path:   b.HelmPath(),
		source: "helm.sh/helm/v4/cmd/helm@" + helmVersion,
		env:    []string{"CGO_ENABLED=0"},
		note:   "the first time this takes 2 to 5 minutes",
	}})
}

// RunHelm runs helm without a cluster and returns what it prints. What helm keeps for
// itself is below home.
func (b *Binaries) RunHelm(ctx context.Context, home string, args ...string) (string, error) {
	return b.runHelm(ctx, append(os.Environ(), "HOME="+home, "KUBECONFIG="+os.DevNull), args)
}

// RunHelm runs helm as administrator and returns what it prints.
func (c *Cluster) RunHelm(ctx context.Context, args ...string) (string, error) {
	return c.options.Binaries.runHelm(ctx, c.privateEnviron(), args)
}

func (b *Binaries) runHelm(ctx context.Context, environ, args []string) (string, error) {
	command := exec.CommandContext(ctx, b.HelmPath(), args...)
	command.Env = environ
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return stdout.String(), fmt.Errorf("helm %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}
