package buildinfo

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// Stamped by the linker, see the package comment. Empty where nothing was.
var version, commit string

// Info is what a program was built from.
type Info struct {
	// Version is that of the release, such as v0.3.0, or "devel".
	Version string `json:"version"`
	// Commit is the commit's full hash, with "-dirty" behind it where files differed from
	// it, or "unknown".
	Commit string `json:"commit"`
	// Kubernetes is the version of Kubernetes whose libraries the program has, empty where
	// it has none.
	Kubernetes string `json:"kubernetes,omitempty"`
	// Go is the version of the Go toolchain, such as go1.26.8.
	Go string `json:"go"`
	// Platform is the system and the processor, such as linux/amd64.
	Platform string `json:"platform"`
}

const (
	develVersion  = "devel"
	unknownCommit = "unknown"
	dirtySuffix   = "-dirty"
	// shortHash is how much of a commit's hash a line shows.
	shortHash = 12
)

// ReadInfo returns what this program was built from.
func ReadInfo() Info {
	recorded, _ := debug.ReadBuildInfo()
	return infoFrom(recorded, version, commit)
}

// infoFrom puts together what the linker stamped and what the toolchain recorded, which may
// be nil. What is stamped counts first.
func infoFrom(recorded *debug.BuildInfo, version, commit string) Info {
	info := Info{Version: version, Commit: commit, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if recorded != nil {
		if info.Version == "" {
			info.Version = strings.TrimSuffix(strings.Trim(recorded.Main.Version, "()"), "+dirty") // "(devel)", v0.3.0+dirty
		}
		if info.Commit == "" {
			info.Commit = recordedCommit(recorded.Settings)
		}
		info.Kubernetes = kubernetesVersion(recorded.Deps)
	}
	if info.Version == "" {
		info.Version = develVersion
	}
	if info.Commit == "" {
		info.Commit = unknownCommit
	}
	return info
}

// recordedCommit is the commit that the toolchain recorded, "" if none.
func recordedCommit(settings []debug.BuildSetting) string {
	var revision, suffix string
	for _, setting := range settings {
		switch {
		case setting.Key == "vcs.revision":
			revision = setting.Value
		case setting.Key == "vcs.modified" && setting.Value == "true":
			suffix = dirtySuffix
		}
	}
	if revision == "" {
		return ""
	}
	return revision + suffix
}

// kubernetesVersion is that of the Kubernetes among a program's modules, "" if none is.
func kubernetesVersion(modules []*debug.Module) string {
	for _, module := range modules {
		if module.Path == "k8s.io/kubernetes" {
			return module.Version
		}
	}
	for _, module := range modules {
		if minor, ok := strings.CutPrefix(module.Version, "v0."); ok && module.Path == "k8s.io/client-go" {
			return "v1." + minor
		}
	}
	return ""
}

// Describe returns the one line that --version prints of a program of that name.
func (i Info) Describe(program string) string {
	built := []string{"commit " + i.shortCommit()}
	if i.Kubernetes != "" {
		built = append(built, "Kubernetes "+i.Kubernetes)
	}
	return fmt.Sprintf("%s %s (%s)", program, i.Version, strings.Join(append(built, i.Go, i.Platform), ", "))
}

func (i Info) shortCommit() string {
	hash, dirty := strings.CutSuffix(i.Commit, dirtySuffix)
	if len(hash) > shortHash {
		hash = hash[:shortHash]
	}
	if dirty {
		hash += dirtySuffix
	}
	return hash
}
