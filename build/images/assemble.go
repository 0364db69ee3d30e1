package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/ashlar-dev/ashlar/build/debian"
	"github.com/ashlar-dev/ashlar/build/gobuild"
	"github.com/ashlar-dev/ashlar/build/rootfs"
	"github.com/ashlar-dev/ashlar/build/sbom"
)

// programFolder is where an image has its program, and the driver's image the hook.
const programFolder = "/usr/bin"

var nonRootUser = fmt.Sprintf("%d:%d", rootfs.NonRoot, rootfs.NonRoot)

// builtImage is an image for one architecture.
type builtImage struct {
	architecture string
	image        v1.Image
	document     sbom.Document
}

// Builder builds images.
type Builder struct {
	Root     string // of the repository
	Compiler gobuild.Compiler
	Debian   debian.Downloader
	Source   string // address of the sources, for the label
	Created  time.Time
}

// BuildImage compiles a program and puts it into an image.
func (b Builder) BuildImage(ctx context.Context, program Program, architecture string) (*builtImage, error) {
	file, err := b.compileProgram(ctx, program, architecture)
	if err != nil {
		return nil, err
	}
	root := rootfs.Root{}
	document := sbom.Document{Name: program.Name, Version: b.Compiler.Version, Created: b.Created}
	if program.CGO {
		if document.Components, err = b.addDriverBase(ctx, root, file, architecture); err != nil {
			return nil, err
		}
	}
	root.AddAccounts() // after Debian's
	if err := root.AddCertificates(); err != nil {
		return nil, err
	}
	components, err := addProgram(root, file, b.Compiler.Version)
	if err != nil {
		return nil, err
	}
	document.Components = append(document.Components, components...)
	licence, err := os.ReadFile(filepath.Join(b.Root, "LICENSE"))
	if err != nil {
		return nil, fmt.Errorf("reading the licence: %w", err)
	}
	root.AddFile("/licenses/LICENSE", 0o644, licence)

	image, err := b.assemble(root, program, architecture)
	if err != nil {
		return nil, fmt.Errorf("assembling the image %s for %s: %w", program.Name, architecture, err)
	}
	digest, err := image.Digest()
	if err != nil {
		return nil, err
	}
	document.Digest = digest.String()
	return &builtImage{architecture: architecture, image: image, document: document}, nil
}

// addDriverBase adds the C library, with which the driver's file must agree, and the hook.
func (b Builder) addDriverBase(ctx context.Context, root rootfs.Root, file, architecture string) ([]sbom.Component, error) {
	packages, err := debian.LockedPackages(architecture)
	if err != nil {
		return nil, err
	}
	var components []sbom.Component
	for _, p := range packages {
		content, err := b.Debian.FetchPackage(ctx, p)
		if err != nil {
			return nil, err
		}
		if err := debian.Unpack(ctx, p, content, root); err != nil {
			return nil, err
		}
		if p.Name == "libc6" {
			if err := checkGLIBC(file, p.Version); err != nil {
				return nil, err
			}
		}
		components = append(components, sbom.Component{Name: p.Name, Version: p.Version, PURL: p.PURL()})
	}
	version, err := b.hookVersion(ctx)
	if err != nil {
		return nil, err
	}
	hook, err := b.compileHook(ctx, architecture, version)
	if err != nil {
		return nil, err
	}
	added, err := addProgram(root, hook, version)
	return append(components, added...), err
}

// addProgram adds a program to a root and returns what it consists of.
func addProgram(root rootfs.Root, file, version string) ([]sbom.Component, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the program: %w", err)
	}
	root.AddFile(filepath.Join(programFolder, filepath.Base(file)), 0o755, content)
	return sbom.ProgramComponents(file, version)
}

// assemble makes an image of one layer.
func (b Builder) assemble(root rootfs.Root, program Program, architecture string) (v1.Image, error) {
	var stream bytes.Buffer
	if err := root.WriteTar(&stream, b.Created); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(stream.Bytes())), nil },
		tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.Append(image, mutate.Addendum{Layer: layer, MediaType: types.OCILayer,
		History: v1.History{Created: v1.Time{Time: b.Created.UTC()}, CreatedBy: "make images", Comment: program.Name}})
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", architecture, v1.Time{Time: b.Created.UTC()}
	config.Config = v1.Config{
		User: program.User, WorkingDir: "/", Entrypoint: []string{filepath.Join(programFolder, program.Name)},
		Env: []string{"PATH=/usr/bin:/bin", "SSL_CERT_FILE=/" + rootfs.CertificateFile},
		Labels: map[string]string{
			"org.opencontainers.image.title": program.Name, "org.opencontainers.image.description": descriptions[program.Name],
			"org.opencontainers.image.version": b.Compiler.Version, "org.opencontainers.image.revision": b.Compiler.Commit,
			"org.opencontainers.image.source": b.Source, "org.opencontainers.image.licenses": "Apache-2.0",
			"org.opencontainers.image.created": b.Created.UTC().Format(time.RFC3339), "dev.ashlar.toolchain": runtime.Version(),
		},
	}
	return mutate.ConfigFile(image, config)
}
