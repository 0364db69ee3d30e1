package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// writeImage writes into the folder out: NAME/, an OCI layout with all architectures, and for
// each of them NAME_linux_ARCH.tar, which `docker load` and `ctr images import` read, and
// NAME_linux_ARCH.spdx.json. It returns the digest of the whole.
func writeImage(out, programName, repository, version string, images []*builtImage) (v1.Hash, error) {
	tag, err := name.NewTag(repository + "/" + programName + ":" + imageTag(version))
	if err != nil {
		return v1.Hash{}, fmt.Errorf("naming the image %s: %w", programName, err)
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, built := range images {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: built.image,
			Descriptor: v1.Descriptor{MediaType: types.OCIManifestSchema1, Platform: &v1.Platform{OS: "linux", Architecture: built.architecture}}})
		file := filepath.Join(out, programName+"_linux_"+built.architecture)
		if err := tarball.WriteToFile(file+".tar", tag, built.image); err != nil {
			return v1.Hash{}, fmt.Errorf("writing %s.tar: %w", file, err)
		}
		text, err := json.MarshalIndent(built.document, "", "  ")
		if err != nil {
			return v1.Hash{}, err
		}
		if err := os.WriteFile(file+".spdx.json", append(text, '\n'), 0o644); err != nil {
			return v1.Hash{}, err
		}
	}
	folder := filepath.Join(out, programName)
	if err := os.RemoveAll(folder); err != nil {
		return v1.Hash{}, err
	}
	path, err := layout.Write(folder, empty.Index)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("writing the image %s: %w", programName, err)
	}
	if err := path.AppendIndex(
		index,
		layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": tag.TagStr()}),
	); err != nil {
		return v1.Hash{}, fmt.Errorf("writing the image %s: %w", programName, err)
	}
	return index.Digest()
}

// imageTag is a version as a tag, which has no plus.
func imageTag(version string) string {
	tag := []byte(version)
	for i, c := range tag {
		if c == '+' {
			tag[i] = '-'
		}
	}
	return string(tag)
}
