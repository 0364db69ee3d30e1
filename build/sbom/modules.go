package sbom

import (
	"debug/buildinfo"
	"fmt"
	"runtime/debug"
	"strings"
)

// ProgramComponents lists the modules of a Go program, and the toolchain's library, as the
// program itself records them. Version is what the main module's is called: a checkout's has
// none.
func ProgramComponents(path, version string) ([]Component, error) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading of which modules %s was built: %w", path, err)
	}
	return moduleComponents(info, version), nil
}

func moduleComponents(info *debug.BuildInfo, version string) []Component {
	goVersion, _, _ := strings.Cut(strings.TrimPrefix(info.GoVersion, "go"), " ")
	components := []Component{{Name: "stdlib", Version: goVersion, PURL: "pkg:golang/stdlib@" + goVersion}}
	if main := info.Main; main.Path != "" {
		if strings.HasPrefix(main.Version, "(") || main.Version == "" {
			main.Version = version
		}
		components = append(components, moduleComponent(main.Path, main.Version))
	}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		components = append(components, moduleComponent(module.Path, module.Version))
	}
	return components
}

func moduleComponent(path, version string) Component {
	return Component{Name: path, Version: version, PURL: "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")}
}
