package main

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/ashlar-dev/ashlar/build/debian"
	"github.com/ashlar-dev/ashlar/build/gobuild"
)

// smallRepository is a checkout with a small program that goes by the scheduler's name.
func smallRepository(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for file, text := range map[string]string{
		"go.mod": "module github.com/ashlar-dev/ashlar\n\ngo 1.26.0\n",
		"cmd/ashlar-scheduler/main.go": "package main\n\nimport (\n\t\"fmt\"\n\t\"runtime/debug\"\n)\n\n" +
			"func main() { fmt.Println(string(debug.Stack())) }\n",
		"LICENSE": "none\n",
	} {
		path := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func buildSmall(t *testing.T, created time.Time, version string) *builtImage {
	t.Helper()
	builder := Builder{Root: smallRepository(t), Source: "https://example.com", Created: created,
		Compiler: gobuild.Compiler{Version: version, Commit: "c", Scratch: t.TempDir()}}
	built, err := builder.BuildImage(t.Context(), Program{Name: "ashlar-scheduler", User: nonRootUser}, runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// Built twice, in two places, an image is the same; with another stamp it is another.
func TestBuildImageTwice(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	first := buildSmall(t, at, "v1.0.0")
	if second := buildSmall(t, at, "v1.0.0"); first.document.Digest != second.document.Digest {
		t.Errorf("the same sources gave %s and %s", first.document.Digest, second.document.Digest)
	}
	if other := buildSmall(t, at, "v1.0.1"); first.document.Digest == other.document.Digest {
		t.Error("another version has the same digest")
	}
}

func TestWriteImage(t *testing.T) {
	built, out := buildSmall(t, time.Unix(1_700_000_000, 0), "v1.0.0+x"), t.TempDir()
	digest, err := writeImage(out, "ashlar-scheduler", "example.com/a", "v1.0.0+x", []*builtImage{built})
	if err != nil {
		t.Fatal(err)
	}
	index, err := layout.ImageIndexFromPath(filepath.Join(out, "ashlar-scheduler"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Errorf("the layout: %v", err)
	}
	if manifest, err := index.IndexManifest(); err != nil || len(manifest.Manifests) != 1 || manifest.Manifests[0].Digest != digest ||
		manifest.Manifests[0].Annotations["org.opencontainers.image.ref.name"] != "v1.0.0-x" {
		t.Errorf("the layout has %+v, %v, want %s as v1.0.0-x", manifest, err, digest)
	}
	image, err := tarball.ImageFromPath(filepath.Join(out, "ashlar-scheduler_linux_"+runtime.GOARCH+".tar"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(image); err != nil {
		t.Errorf("the archive: %v", err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.User != "65532:65532" || strings.Join(config.Config.Entrypoint, " ") != "/usr/bin/ashlar-scheduler" ||
		config.Config.Labels["org.opencontainers.image.revision"] != "c" {
		t.Errorf("configuration %+v", config.Config)
	}
	layers, err := image.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers, %v, want 1", len(layers), err)
	}
	stream, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	files := tarNames(t, stream)
	for _, want := range []string{"usr/bin/ashlar-scheduler", "etc/passwd", "etc/ssl/certs/ca-certificates.crt", "licenses/LICENSE", "tmp/"} {
		if !files[want] {
			t.Errorf("the image lacks %s: %v", want, files)
		}
	}
	text, err := os.ReadFile(filepath.Join(out, "ashlar-scheduler_linux_"+runtime.GOARCH+".spdx.json"))
	if err != nil || !strings.Contains(string(text), built.document.Digest) || !strings.Contains(string(text), "pkg:golang/stdlib@") {
		t.Errorf("the SBOM: %v, %s", err, text)
	}
}

func tarNames(t *testing.T, stream io.Reader) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	reader := tar.NewReader(stream)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names[header.Name] = true
	}
}

func TestFindPrograms(t *testing.T) {
	all, err := findPrograms("../..", nil)
	if err != nil {
		t.Fatal(err)
	}
	users := map[string]string{}
	for _, program := range all {
		users[program.Name] = program.User
		if program.CGO != (program.Name == driverName) {
			t.Errorf("%s links C: %v", program.Name, program.CGO)
		}
	}
	for name, want := range map[string]string{"ashlar": nonRootUser, "ashlar-scheduler": nonRootUser, "ashlar-dra-driver": "0:0"} {
		if users[name] != want {
			t.Errorf("%s runs as %q, want %q", name, users[name], want)
		}
	}
	if _, err := findPrograms("../..", []string{"ashlar-sheduler"}); err == nil || !strings.Contains(err.Error(), "there are ashlar, ") {
		t.Errorf("a program that is not there: %v", err)
	}
	folders, err := filepath.Glob("../../cmd/ashlar*")
	if err != nil || len(folders) != len(all) {
		t.Errorf("%d of the %d programs of cmd/ have images, %v: describe the others in descriptions", len(all), len(folders), err)
	}
}

func TestNewerVersion(t *testing.T) {
	for pair, want := range map[string]bool{
		"2.34 2.36-9+deb12u14": false, "2.36 2.36-9": false, "2.37 2.36-9": true, "2.2.5 2.36-9": false, "2.38 2.36": true, "3.0 2.36": true,
		"2.36.1 2.36": true,
	} {
		a, b, _ := strings.Cut(pair, " ")
		if got := newerVersion(a, b); got != want {
			t.Errorf("newerVersion(%s, %s) = %v, want %v", a, b, got, want)
		}
	}
}

func TestParsePlatforms(t *testing.T) {
	for list, want := range map[string]string{
		"linux/amd64": "amd64", "linux/arm64,linux/amd64,linux/arm64": "arm64 amd64", "windows/amd64": "", "linux/386": "", "": "",
	} {
		got, err := parsePlatforms(list)
		if strings.Join(got, " ") != want || (err != nil) != (want == "") {
			t.Errorf("parsePlatforms(%q) = %v, %v, want %q", list, got, err, want)
		}
	}
}

// The hook is of the version whose library the driver links, and all packages are pinned.
func TestPins(t *testing.T) {
	version, err := Builder{Root: "../.."}.hookVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../go.mod")
	if err != nil || !strings.Contains(string(text), hookModule+" "+version+"\n") {
		t.Errorf("the image has the hook of %s %s, which is not the version in go.mod: %v", hookModule, version, err)
	}
	for _, architecture := range []string{"amd64", "arm64"} {
		if _, err := debian.LockedPackages(architecture); err != nil {
			t.Error(err)
		}
	}
}
