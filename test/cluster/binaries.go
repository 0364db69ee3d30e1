package cluster

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

const (
	// KubernetesVersion is the version of the control plane; go.mod says the same.
	KubernetesVersion = "v1.37.2"
	// EarlierKubernetesVersion is the version of the API server, controller-manager and
	// scheduler that test/compat builds; its go.mod says the same.
	EarlierKubernetesVersion = "v1.36.4"
	// kwokVersion is KWOK's. It is built from its own go.mod: in ours it would
	// raise gRPC, OpenTelemetry and pflag above what Kubernetes is released with.
	kwokVersion = "v0.8.0"

	modulePath = "github.com/ashlar-dev/ashlar"
	// stateFolder in the repository is for what is built and run here.
	stateFolder = ".ashlar"
)

// Binaries are the programs of a cluster and of this repository, in one folder.
type Binaries struct {
	root string // of the repository
	dir  string
	// earlier is whether kube-apiserver, kube-controller-manager and kube-scheduler are
	// those of EarlierKubernetesVersion.
	earlier bool
}

// FindBinaries returns the binaries of the checkout that the working directory
// lies in. They need not be built yet.
func FindBinaries() (*Binaries, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("finding the repository: %w", err)
	}
	root, err := findRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Binaries{root: root, dir: filepath.Join(root, stateFolder, "bin")}, nil
}

var moduleLine = regexp.MustCompile(`(?m)^module ` + regexp.QuoteMeta(modulePath) + `$`)

// findRoot walks up from a directory to the one that holds this module.
func findRoot(from string) (string, error) {
	for dir := from; ; dir = filepath.Dir(dir) {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && moduleLine.Match(text) {
			return dir, nil
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("finding the repository: %w", err)
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is not inside a checkout of %s, from whose sources a cluster is built", from, modulePath)
		}
	}
}

// ForKubernetes returns the same binaries with kube-apiserver, kube-controller-manager
// and kube-scheduler of that version, which must be KubernetesVersion or
// EarlierKubernetesVersion.
func (b *Binaries) ForKubernetes(version string) (*Binaries, error) {
	switch version {
	case KubernetesVersion, EarlierKubernetesVersion:
		return &Binaries{root: b.root, dir: b.dir, earlier: version == EarlierKubernetesVersion}, nil
	}
	return nil, fmt.Errorf("no module here builds Kubernetes %s: choose %s or %s", version, KubernetesVersion, EarlierKubernetesVersion)
}

// Kubernetes is the version of kube-apiserver, kube-controller-manager and
// kube-scheduler.
func (b *Binaries) Kubernetes() string {
	if b.earlier {
		return EarlierKubernetesVersion
	}
	return KubernetesVersion
}

// Dir returns the folder of the binaries.
func (b *Binaries) Dir() string { return b.dir }

// Command returns the path of one of the repository's programs by its folder in
// cmd/, for example ashlar-scheduler. Ensure builds it.
func (b *Binaries) Command(name string) string { return filepath.Join(b.dir, name) }

// ControlPlane returns the path of the program that is etcd, kube-apiserver,
// kube-controller-manager, kube-scheduler and kubectl.
func (b *Binaries) ControlPlane() string {
	return filepath.Join(b.dir, "controlplane-"+KubernetesVersion)
}

// Scheduler returns the path of the program that is kube-scheduler of the version that
// Kubernetes returns. The component's name is its first argument.
func (b *Binaries) Scheduler() string { return b.componentPath(scheduler) }

// componentPath returns the path of the program that is the component of that name.
func (b *Binaries) componentPath(name string) string {
	switch {
	case name == kwok:
		return b.kwokPath()
	case b.earlier && (name == apiServer || name == controllerManager || name == scheduler):
		return b.compatPath()
	}
	return b.ControlPlane()
}

func (b *Binaries) compatPath() string {
	return filepath.Join(b.dir, "compat-"+EarlierKubernetesVersion)
}
func (b *Binaries) kwokPath() string     { return filepath.Join(b.dir, "kwok-"+kwokVersion) }
func (b *Binaries) watchdogPath() string { return filepath.Join(b.dir, "watchdog") }

// Ensure builds what is missing or out of date: the programs of a cluster, and
// the named folders of cmd/. Calls from several processes at once take turns.
// Progress is told what is built; it may be nil.
func (b *Binaries) Ensure(ctx context.Context, progress func(string), commands ...string) error {
	return b.ensurePrograms(ctx, progress, b.allPrograms(commands))
}

// ensurePrograms builds those of the programs that are missing or out of date.
func (b *Binaries) ensurePrograms(ctx context.Context, progress func(string), programs []builtProgram) error {
	if progress == nil {
		progress = func(string) {}
	}
	if missing, err := stalePrograms(programs); err != nil || len(missing) == 0 {
		return err
	}
	lock, err := waitLock(ctx, filepath.Join(b.dir, "lock"), func() {
		progress("waiting for another build in " + b.dir)
	})
	if err != nil {
		return err
	}
	defer lock.Close()
	missing, err := stalePrograms(programs) // once more: another build may have made them
	if err != nil {
		return err
	}
	if err := b.removeScratch(); err != nil {
		return err
	}
	for _, p := range missing {
		if err := b.buildProgram(ctx, p, progress); err != nil {
			return fmt.Errorf("building %s: %w", p.title, err)
		}
	}
	return nil
}

// removeScratch removes what builds that were killed have left.
func (b *Binaries) removeScratch() error {
	left, err := filepath.Glob(filepath.Join(b.dir, scratchPrefix+"*"))
	if err != nil {
		return fmt.Errorf("looking for unfinished builds: %w", err)
	}
	for _, path := range left {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("removing an unfinished build: %w", err)
		}
	}
	return nil
}

// builtProgram is something that can be built.
type builtProgram struct {
	title string
	path  string
	// source is a package of this repository, or one with its version.
	source string
	// folder is where the module of source lies, relative to the repository's root.
	folder string
	// kubernetes is the version of Kubernetes in source, to be stamped into it;
	// KubernetesVersion if empty.
	kubernetes string
	// env are lines for the environment of the build.
	env []string
	// inputs are the files, as patterns, on which the result depends beyond path
	// and source.
	inputs []string
	// always leaves it to the Go toolchain whether the result is current.
	always bool
	// note is for whoever waits.
	note string
}

func (b *Binaries) allPrograms(commands []string) []builtProgram {
	folder := filepath.Join(b.root, "test", "cluster")
	programs := []builtProgram{{
		title:  "the cluster's watchdog",
		path:   b.watchdogPath(),
		source: "./test/cluster/watchdog",
		inputs: []string{filepath.Join(folder, "watchdog", "*.go"), filepath.Join(folder, "mark", "*.go"),
			filepath.Join(folder, "cgroups", "*.go")},
	}, {
		title:  "the Kubernetes " + KubernetesVersion + " control plane",
		path:   b.ControlPlane(),
		source: "./test/cluster/controlplane",
		inputs: []string{filepath.Join(b.root, "go.sum"), filepath.Join(folder, "controlplane", "*.go")},
		note:   "the first time this downloads 600 MB and takes 5 to 10 minutes",
	}, {
		title:  "KWOK " + kwokVersion,
		path:   b.kwokPath(),
		source: "sigs.k8s.io/kwok/cmd/kwok@" + kwokVersion,
		note:   "the first time this takes 3 to 5 minutes",
	}}
	if b.earlier {
		compat := filepath.Join("test", "compat")
		programs = append(programs, builtProgram{
			title:      "the Kubernetes " + EarlierKubernetesVersion + " API server",
			path:       b.compatPath(),
			source:     ".",
			folder:     compat,
			kubernetes: EarlierKubernetesVersion,
			inputs:     []string{filepath.Join(b.root, compat, "go.sum"), filepath.Join(b.root, compat, "*.go")},
			note:       "the first time this downloads 600 MB and takes 5 to 10 minutes",
		})
	}
	for _, name := range commands {
		programs = append(programs, builtProgram{
			title:  name,
			path:   b.Command(name),
			source: "./cmd/" + name,
			always: true,
		})
	}
	return programs
}

// sourceStamp is what a program was built from: its path carries the version.
func (p builtProgram) sourceStamp() (string, error) {
	hash := sha256.New()
	for _, pattern := range p.inputs {
		files, err := filepath.Glob(pattern)
		if err != nil {
			return "", fmt.Errorf("finding the sources of %s: %w", p.title, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return "", fmt.Errorf("reading the sources of %s: %w", p.title, err)
			}
			fmt.Fprintf(hash, "%s %d\n%s", filepath.Base(file), len(text), text)
		}
	}
	return fmt.Sprintf("%s %x\n", p.source, hash.Sum(nil)), nil
}

func (p builtProgram) stampPath() string { return p.path + ".stamp" }

// stalePrograms returns the programs that must be built.
func stalePrograms(programs []builtProgram) ([]builtProgram, error) {
	var missing []builtProgram
	for _, p := range programs {
		want, err := p.sourceStamp()
		if err != nil {
			return nil, err
		}
		have, err := os.ReadFile(p.stampPath())
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("reading what %s was built from: %w", p.title, err)
		}
		_, err = os.Stat(p.path)
		if p.always || err != nil || string(have) != want {
			missing = append(missing, p)
		}
	}
	return missing, nil
}
