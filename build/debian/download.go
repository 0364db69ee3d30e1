package debian

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Downloader gets packages with apt-get, which checks the archive's signature.
type Downloader struct {
	// Folder keeps the lists and the packages.
	Folder string
}

// FetchPackage returns a package's .deb file. A file that is there already is not
// downloaded; one whose digest is not that of p is an error.
func (d Downloader) FetchPackage(ctx context.Context, p Package) ([]byte, error) {
	path := filepath.Join(d.Folder, "debs", p.SHA256+".deb")
	content, err := os.ReadFile(path)
	if err != nil {
		file, err := d.download(ctx, p.Architecture, p.Name+"="+p.Version)
		if err != nil {
			return nil, fmt.Errorf("%w; if Debian %s no longer serves this version, pin the present ones with `make image-packages`", err, Release)
		}
		if content, err = os.ReadFile(file); err != nil {
			return nil, fmt.Errorf("reading the package %s: %w", p.Name, err)
		}
	}
	if got := fmt.Sprintf("%x", sha256.Sum256(content)); got != p.SHA256 {
		return nil, fmt.Errorf(
			"package %s %s for %s has the SHA-256 %s, but packages.lock says %s",
			p.Name,
			p.Version,
			p.Architecture,
			got,
			p.SHA256,
		)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return content, os.WriteFile(path, content, 0o644)
}

// LatestPackage returns the newest version of a package that the release has.
func (d Downloader) LatestPackage(ctx context.Context, name, architecture string) (Package, error) {
	file, err := d.download(ctx, architecture, name)
	if err != nil {
		return Package{}, err
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return Package{}, err
	}
	version, err := exec.CommandContext(ctx, "dpkg-deb", "--field", file, "Version").Output()
	if err != nil {
		return Package{}, fmt.Errorf("asking %s for its version: %w", file, err)
	}
	return Package{Name: name, Architecture: architecture, Version: strings.TrimSpace(string(version)),
		SHA256: fmt.Sprintf("%x", sha256.Sum256(content))}, nil
}

// download has apt-get download a package, by name or name=version, and returns its file.
func (d Downloader) download(ctx context.Context, architecture, name string) (string, error) {
	state, err := filepath.Abs(filepath.Join(d.Folder, "apt-"+architecture))
	if err != nil {
		return "", err
	}
	target := filepath.Join(state, "download")
	if err := os.RemoveAll(target); err != nil {
		return "", err
	}
	for _, folder := range []string{target, filepath.Join(state, "lists", "partial"), filepath.Join(state, "cache", "archives", "partial")} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return "", err
		}
	}
	sources := ""
	for _, suite := range []string{"debian " + Release, "debian-security " + Release + "-security"} {
		sources += "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/" + suite + " main\n"
	}
	for file, text := range map[string]string{"sources.list": sources, "status": ""} {
		if err := os.WriteFile(filepath.Join(state, file), []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	run := func(args ...string) error {
		command := exec.CommandContext(ctx, "apt-get", append([]string{"-q",
			"-o", "APT::Architecture=" + architecture, "-o", "APT::Architectures=" + architecture, "-o", "APT::Sandbox::User=root",
			"-o", "Dir::State::status=" + filepath.Join(state, "status"), "-o", "Dir::State::lists=" + filepath.Join(state, "lists"),
			"-o", "Dir::Etc::sourcelist=" + filepath.Join(state, "sources.list"), "-o", "Dir::Etc::sourceparts=-",
			"-o", "Dir::Cache=" + filepath.Join(state, "cache"), "-o", "Acquire::Languages=none"}, args...)...)
		command.Dir = target
		if output, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf(
				"apt-get %s for %s: %w: %s",
				strings.Join(args, " "),
				architecture,
				err,
				strings.Join(strings.Fields(string(output)), " "),
			)
		}
		return nil
	}
	if err := run("update"); err != nil {
		return "", err
	}
	if err := run("download", name); err != nil {
		return "", err
	}
	files, err := filepath.Glob(filepath.Join(target, "*.deb"))
	if err != nil || len(files) != 1 {
		return "", fmt.Errorf("apt-get download %s left %d packages, want 1", name, len(files))
	}
	return files[0], nil
}
