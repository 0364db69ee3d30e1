package cluster

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
)

// Images of a real node, which are there without a registry: say imagePullPolicy Never,
// or nothing, as their tag is not latest.
const (
	// ProbeImage runs the probe: a container of it prints a ProbeReport and waits to be
	// ended. With the argument "once" it ends by itself.
	ProbeImage = "ashlar.dev/probe:1"
	pauseImage = "ashlar.dev/pause:1"
)

// ProbeReport is what a container of ProbeImage prints: what it was given.
type ProbeReport struct {
	Env map[string]string `json:"env"`
	// Devices are the device nodes below /dev.
	Devices []string `json:"devices"`
	// Mounts are the places in the container where something is mounted.
	Mounts []string `json:"mounts"`
}

// Types of the OCI image format.
const (
	ociManifest = "application/vnd.oci.image.manifest.v1+json"
	ociIndex    = "application/vnd.oci.image.index.v1+json"
	ociConfig   = "application/vnd.oci.image.config.v1+json"
	ociLayer    = "application/vnd.oci.image.layer.v1.tar"
	// imageNameKey is the annotation by which containerd names an image that it imports.
	imageNameKey = "io.containerd.image.name"
)

// ociDescriptor points from one part of an image to another.
type ociDescriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// imageArchive is an OCI image layout in a tar archive.
type imageArchive struct {
	buffer bytes.Buffer
	tar    *tar.Writer
}

func (a *imageArchive) addFile(name string, mode int64, content []byte) error {
	if err := a.tar.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(content))}); err != nil {
		return err
	}
	_, err := a.tar.Write(content)
	return err
}

// addBlob adds a part of the image under its digest.
func (a *imageArchive) addBlob(mediaType string, content []byte) (ociDescriptor, error) {
	digest := fmt.Sprintf("%x", sha256.Sum256(content))
	d := ociDescriptor{MediaType: mediaType, Digest: "sha256:" + digest, Size: len(content)}
	return d, a.addFile("blobs/sha256/"+digest, 0o644, content)
}

// addJSON adds a part of the image that is JSON.
func (a *imageArchive) addJSON(mediaType string, value any) (ociDescriptor, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return ociDescriptor{}, err
	}
	return a.addBlob(mediaType, text)
}

// writeImage writes an image that holds one static program, /program, and runs it with
// these arguments, as an archive that containerd imports under that name.
func writeImage(path, name, program string, args ...string) error {
	text, err := os.ReadFile(program)
	if err != nil {
		return fmt.Errorf("reading the program of image %s: %w", name, err)
	}
	archive, err := buildImage(name, text, args)
	if err == nil {
		err = os.WriteFile(path, archive, 0o600)
	}
	if err != nil {
		return fmt.Errorf("writing image %s: %w", name, err)
	}
	return nil
}

func buildImage(name string, program []byte, args []string) ([]byte, error) {
	layer := imageArchive{}
	layer.tar = tar.NewWriter(&layer.buffer)
	if err := layer.addFile("program", 0o755, program); err != nil {
		return nil, err
	}
	if err := layer.tar.Close(); err != nil {
		return nil, err
	}

	image := imageArchive{}
	image.tar = tar.NewWriter(&image.buffer)
	layerPart, err := image.addBlob(ociLayer, layer.buffer.Bytes())
	if err != nil {
		return nil, err
	}
	configPart, err := image.addJSON(ociConfig, map[string]any{
		"os": "linux", "architecture": runtime.GOARCH,
		"config": map[string]any{"Entrypoint": append([]string{"/program"}, args...), "WorkingDir": "/"},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{layerPart.Digest}},
	})
	if err != nil {
		return nil, err
	}
	manifestPart, err := image.addJSON(ociManifest, map[string]any{
		"schemaVersion": 2, "mediaType": ociManifest, "config": configPart, "layers": []ociDescriptor{layerPart},
	})
	if err != nil {
		return nil, err
	}
	manifestPart.Annotations = map[string]string{imageNameKey: name}
	index, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": ociIndex, "manifests": []ociDescriptor{manifestPart},
	})
	if err != nil {
		return nil, err
	}
	if err := image.addFile("index.json", 0o644, index); err != nil {
		return nil, err
	}
	if err := image.addFile("oci-layout", 0o644, []byte(`{"imageLayoutVersion":"1.0.0"}`)); err != nil {
		return nil, err
	}
	if err := image.tar.Close(); err != nil {
		return nil, err
	}
	return image.buffer.Bytes(), nil
}
