package cluster

import (
	"context"
	"path/filepath"
	"strings"
)

// What runs the containers of a real node. Each is built from its own go.mod, as it was
// released.
const (
	containerdVersion = "v2.4.2"
	runcVersion       = "v1.5.3"
)

func (b *Binaries) nodePath() string    { return filepath.Join(b.dir, "node") }
func (b *Binaries) probePath() string   { return filepath.Join(b.dir, "probe") }
func (b *Binaries) kubeletPath() string { return filepath.Join(b.dir, "kubelet-"+KubernetesVersion) }

// containerFolders hold containerd, its shim and ctr, and runc, under the names by which
// they call one another.
func (b *Binaries) containerFolders() (containerd, runc string) {
	return filepath.Join(b.dir, "containerd-"+containerdVersion), filepath.Join(b.dir, "runc-"+runcVersion)
}

// EnsureNode builds what StartNode needs beyond Ensure. StartNode calls it; doing it
// first keeps the time that it takes out of a test's limit.
func (b *Binaries) EnsureNode(ctx context.Context, progress func(string)) error {
	return b.ensurePrograms(ctx, progress, b.nodePrograms())
}

// nodePrograms are the programs of a real node.
func (b *Binaries) nodePrograms() []builtProgram {
	folder := filepath.Join(b.root, "test", "cluster")
	containerd, runc := b.containerFolders()
	const firstTime = "the first time this takes 2 to 5 minutes"
	programs := []builtProgram{b.nodeProgram(), {
		title:  "the program in a real node's images",
		path:   b.probePath(),
		source: "./test/cluster/probe",
		env:    []string{"CGO_ENABLED=0"}, // there is no library in the images
		inputs: []string{filepath.Join(folder, "probe", "*.go")},
	}, {
		title:  "the Kubernetes " + KubernetesVersion + " kubelet",
		path:   b.kubeletPath(),
		source: "k8s.io/kubernetes/cmd/kubelet", // a tool of go.mod
		inputs: []string{filepath.Join(b.root, "go.sum")},
		note:   firstTime,
	}, {
		title:  "runc " + runcVersion,
		path:   filepath.Join(runc, "runc"),
		source: "github.com/opencontainers/runc@" + runcVersion,
		env:    []string{"CGO_ENABLED=1"}, // it enters namespaces in C, before Go's threads start
	}}
	for _, name := range []string{"containerd", "containerd-shim-runc-v2", "ctr"} {
		programs = append(programs, builtProgram{
			title:  strings.Join([]string{name, containerdVersion}, " "),
			path:   filepath.Join(containerd, name),
			source: "github.com/containerd/containerd/v2/cmd/" + name + "@" + containerdVersion,
			note:   firstTime,
		})
	}
	return programs
}

// nodeProgram is the program that gives a real node its namespaces.
func (b *Binaries) nodeProgram() builtProgram {
	folder := filepath.Join(b.root, "test", "cluster")
	return builtProgram{
		title:  "the program that runs real nodes",
		path:   b.nodePath(),
		source: "./test/cluster/node",
		inputs: []string{filepath.Join(folder, "node", "*.go"), filepath.Join(folder, "mark", "*.go"),
			filepath.Join(folder, "cgroups", "*.go")},
	}
}
