package chart

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/ashlar-dev/ashlar/test/cluster"
)

const (
	release   = "ashlar"
	namespace = "ashlar-system"
)

// helmBuild is how long building helm may take, which is done once.
const helmBuild = 9 * time.Minute

// builtHelm returns the programs of the checkout, helm among them.
var builtHelm = sync.OnceValues(func() (*cluster.Binaries, error) {
	ctx, cancel := context.WithTimeout(context.Background(), helmBuild)
	defer cancel()
	binaries, err := cluster.FindBinaries()
	if err != nil {
		return nil, err
	}
	return binaries, binaries.EnsureHelm(ctx, func(what string) { println(what) })
})

// chartFolder is the folder of the chart.
func chartFolder(t *testing.T) string {
	t.Helper()
	folder, err := filepath.Abs(filepath.Join("..", "..", "manifests", "chart"))
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// templateChart is what helm template prints for the values in set, key=value.
func templateChart(t *testing.T, set ...string) (string, error) {
	t.Helper()
	binaries, err := builtHelm()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"template", release, chartFolder(t), "--namespace", namespace}
	for _, value := range set {
		args = append(args, "--set", value)
	}
	return binaries.RunHelm(t.Context(), t.TempDir(), args...)
}

// chartDocument is one object that the chart renders.
type chartDocument struct {
	source string // template file, relative to templates
	text   string
}

func renderDocuments(t *testing.T, set ...string) []chartDocument {
	t.Helper()
	text, err := templateChart(t, set...)
	if err != nil {
		t.Fatal(err)
	}
	var documents []chartDocument
	for part := range strings.SplitSeq("\n"+text, "\n---\n") {
		line, rest, _ := strings.Cut(part, "\n")
		source, named := strings.CutPrefix(line, "# Source: ashlar/templates/")
		if !named || strings.TrimSpace(rest) == "" {
			if strings.TrimSpace(part) != "" {
				t.Fatalf("no source is named of:\n%s", part)
			}
			continue
		}
		documents = append(documents, chartDocument{source: source, text: strings.TrimRight(rest, "\n") + "\n"})
	}
	return documents
}

// objectsByName are objects by kind, namespace and name.
type objectsByName map[string]map[string]any

func (o objectsByName) addDocument(t *testing.T, text string) {
	t.Helper()
	object := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	metadata, _ := object["metadata"].(map[string]any)
	kind, _ := object["kind"].(string)
	space, _ := metadata["namespace"].(string)
	name, _ := metadata["name"].(string)
	key := strings.Join([]string{kind, space, name}, "/")
	if _, twice := o[key]; twice {
		t.Errorf("%s is there twice", key)
	}
	o[key] = object
}

func renderObjects(t *testing.T, set ...string) objectsByName {
	t.Helper()
	objects := objectsByName{}
	for _, document := range renderDocuments(t, set...) {
		objects.addDocument(t, document.text)
	}
	return objects
}

// readText reads a file of the repository.
func readText(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
