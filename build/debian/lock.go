package debian

import (
	_ "embed"
	"fmt"
	"strings"
)

// Release is the release of Debian that the packages are of.
const Release = "bookworm"

// Names are the packages of the driver's image: the C library, and the files by which a
// scanner knows whose packages these are.
var Names = []string{"base-files", "libc6"}

// Package is one package for one architecture.
type Package struct {
	Name, Version string
	// Architecture is Debian's word for it, which is Go's too for amd64 and arm64.
	Architecture string
	// SHA256 is the digest of the .deb file.
	SHA256 string
}

//go:embed packages.lock
var lockText string

// LockedPackages returns the packages for an architecture, as packages.lock pins them.
func LockedPackages(architecture string) ([]Package, error) {
	return parseLock(lockText, architecture)
}

func parseLock(text, architecture string) ([]Package, error) {
	var found []Package
	for number, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) != 4 || len(fields[3]) != 64 {
			return nil, fmt.Errorf("packages.lock:%d: %q: want name, architecture, version and SHA-256", number+1, line)
		}
		if fields[1] == architecture {
			found = append(found, Package{Name: fields[0], Architecture: fields[1], Version: fields[2], SHA256: fields[3]})
		}
	}
	if len(found) != len(Names) {
		return nil, fmt.Errorf("packages.lock pins %d packages for %s, want %s: write it anew with `make image-packages`",
			len(found), architecture, strings.Join(Names, " and "))
	}
	return found, nil
}

// FormatLock is the text of packages.lock.
func FormatLock(packages []Package) string {
	var out strings.Builder
	fmt.Fprintf(&out, "# Packages of Debian %s in the driver's image: name, architecture, version, SHA-256.\n"+
		"# Written by `make image-packages`.\n", Release)
	for _, p := range packages {
		fmt.Fprintf(&out, "%s %s %s %s\n", p.Name, p.Architecture, p.Version, p.SHA256)
	}
	return out.String()
}

// PURL identifies the package in an SBOM.
func (p Package) PURL() string {
	return fmt.Sprintf("pkg:deb/debian/%s@%s?arch=%s&distro=%s", p.Name, strings.ReplaceAll(p.Version, "+", "%2B"), p.Architecture, Release)
}
