package cluster

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHostPath(t *testing.T) {
	n := &Node{dir: "/state/nodes/a"}
	for path, want := range map[string]string{
		CDIFolder + "/x.json":  "/state/nodes/a/run/cdi/x.json",
		"/var/run":             "/state/nodes/a/run",
		"/run/containerd":      "/state/nodes/a/run/containerd",
		KubeletFolder:          "/state/nodes/a/var/lib/kubelet",
		"/var/running":         "/state/nodes/a/var/running",
		"/variety":             "/variety",
		"/etc/cdi":             "/etc/cdi",
		"/var/lib/../../etc/x": "/etc/x",
	} {
		if got := n.HostPath(path); got != want {
			t.Errorf("HostPath(%s) = %s, want %s", path, got, want)
		}
	}
}

// What the index names is in the archive under its digest, down to the program.
func TestBuildImage(t *testing.T) {
	program := []byte("\x7fELF and so on")
	archive, err := buildImage("example.com/x:1", program, []string{"once"})
	if err != nil {
		t.Fatal(err)
	}
	files := untar(t, archive)
	var index, manifest struct {
		Manifests, Layers []ociDescriptor
		Config            ociDescriptor
	}
	var config struct {
		Config struct{ Entrypoint []string }
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		} `json:"rootfs"`
	}
	part := func(d ociDescriptor) []byte {
		t.Helper()
		text, ok := files["blobs/sha256/"+d.Digest[len("sha256:"):]]
		if sum := fmt.Sprintf("sha256:%x", sha256.Sum256(text)); !ok || sum != d.Digest || len(text) != d.Size {
			t.Fatalf("%s: %d bytes of digest %s in the archive", d.Digest, len(text), sum)
		}
		return text
	}
	decode := func(text []byte, value any) {
		t.Helper()
		if err := json.Unmarshal(text, value); err != nil {
			t.Fatal(err)
		}
	}
	decode(files["index.json"], &index)
	if got := index.Manifests[0].Annotations[imageNameKey]; got != "example.com/x:1" {
		t.Errorf("the image is named %q", got)
	}
	decode(part(index.Manifests[0]), &manifest)
	decode(part(manifest.Config), &config)
	if diff := cmp.Diff([]string{"/program", "once"}, config.Config.Entrypoint); diff != "" {
		t.Errorf("entry point (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{manifest.Layers[0].Digest}, config.RootFS.DiffIDs); diff != "" {
		t.Errorf("layers (-want +got):\n%s", diff)
	}
	if got := untar(t, part(manifest.Layers[0]))["program"]; !bytes.Equal(got, program) {
		t.Errorf("the program is %q, want %q", got, program)
	}
}

// untar returns the files of an archive by name.
func untar(t *testing.T, archive []byte) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for reader := tar.NewReader(bytes.NewReader(archive)); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(reader); err != nil {
			t.Fatal(err)
		}
	}
}
