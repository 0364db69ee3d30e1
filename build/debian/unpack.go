package debian

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/ashlar-dev/ashlar/build/rootfs"
)

// leftOut are folders of packages that no program in an image opens.
var leftOut = []string{"usr/share/doc/", "usr/share/man/", "usr/share/lintian/", "usr/share/locale/", "usr/share/info/", "etc/default/",
	"usr/lib/x86_64-linux-gnu/gconv/", "usr/lib/aarch64-linux-gnu/gconv/", "etc/update-motd.d/", "usr/share/dict/", "var/"}

// Unpack adds a package's files to a root, and its record to /var/lib/dpkg/status.d, where
// scanners look in an image that has no dpkg.
func Unpack(ctx context.Context, p Package, content []byte, root rootfs.Root) error {
	file, err := os.CreateTemp("", p.Name+"-*.deb")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(content)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("writing package %s: %w", p.Name, err)
	}
	stream, err := dpkgOutput(ctx, "--fsys-tarfile", file.Name())
	if err != nil {
		return err
	}
	if err := root.AddTar(stream, keepFile); err != nil {
		return fmt.Errorf("unpacking package %s: %w", p.Name, err)
	}
	record, err := dpkgOutput(ctx, "--field", file.Name())
	if err != nil {
		return err
	}
	text, err := io.ReadAll(record)
	if err != nil {
		return err
	}
	root.AddFile("var/lib/dpkg/status.d/"+p.Name, 0o644, text)
	return nil
}

func dpkgOutput(ctx context.Context, args ...string) (io.Reader, error) {
	var problems bytes.Buffer
	command := exec.CommandContext(ctx, "dpkg-deb", args...)
	command.Stderr = &problems
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("dpkg-deb %s: %w: %s", args[0], err, strings.TrimSpace(problems.String()))
	}
	return bytes.NewReader(output), nil
}

// keepFile is whether a package's file belongs into an image. Licences do.
func keepFile(name string) bool {
	if strings.HasPrefix(name, "usr/share/doc/") && strings.HasSuffix(name, "/copyright") {
		return true
	}
	for _, folder := range leftOut {
		if strings.HasPrefix(name+"/", folder) {
			return false
		}
	}
	return true
}
