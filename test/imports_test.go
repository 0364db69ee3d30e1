package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/ashlar-dev/ashlar"

// layers says which of our packages each folder may import. A folder stands for
// everything below it, the longest match counts. Tests are held to the same
// rules, except that they may also import what is in testOnly.
var layers = map[string][]string{
	"topology":             {},
	"topology/mig":         {"topology"},
	"topology/mig/migtest": {"topology", "topology/mig"},
	"topology/nearest":     {},
	"topology/catalogue":   {"topology", "topology/mig", "topology/nearest"},
	"topology/capture":     {"topology", "topology/mig"},
	"topology/deviceapi":   {"topology", "topology/mig"},
	"topology/memory":      {"topology", "topology/mig", "topology/memory", "topology/nearest"},
	"topology/memory/plan": {
		"topology", "topology/mig", "topology/catalogue", "topology/memory", "topology/memory/model", "topology/memory/launch",
	},
	"topology/placement": {"topology", "topology/mig", "topology/memory"},
	"topology/forecast":  {"topology", "topology/mig", "topology/placement"},
	"topology/cluster":   {"topology", "topology/mig", "topology/placement"},
	"plugins":            {"topology", "plugins", "internal", "manifests"},
	"dra":                {"topology", "dra", "internal"},
	"simulator": {
		"topology", "topology/mig", "topology/catalogue", "topology/forecast", "topology/placement", "topology/cluster",
		"topology/memory", "topology/memory/model", "topology/memory/plan", "topology/nearest", "internal/page",
	},
	"internal": {"topology", "internal"},
	// What pages look like, for the simulator's report, too.
	"internal/page": {},

	"manifests": {},
	"cmd":       {"topology", "plugins", "dra", "simulator", "internal", "manifests", "test"},
	"test":      {"topology", "plugins", "dra", "simulator", "internal", "manifests", "test"},
	"build":     {},
	"bench":     {"topology", "plugins", "dra", "simulator", "internal", "test", "bench"},

	"test/scenario": {"topology"},
	// It writes the parts of pages as the benchmarks do.
	"test/docs": {"topology", "plugins", "dra", "simulator", "internal", "manifests", "test", "bench"},
}

// exact are folders whose list names packages rather than whole folders.
var exact = []string{"topology"}

var testOnly = []string{
	"topology/catalogue", "topology/mig", "topology/mig/migtest",
	"github.com/google/go-cmp", "github.com/cockroachdb/datadriven",
}

// pure are the folders that see neither Kubernetes nor the world around them.
var pure = []string{"topology", "simulator", "internal/page"}

// parsers are modules that pure code may import all the same, with the reason: they
// read text, and neither files nor clocks nor networks.
var parsers = map[string]string{
	"mvdan.cc/sh/v3/syntax": "the grammar of shells, in which pods start their servers",
}

// worldly are standard packages that pure code must not import.
var worldly = []string{"os", "os/exec", "os/signal", "log", "log/slog", "net", "net/http", "syscall", "crypto/rand"}

// forbidden are functions that pure code must not call.
var forbidden = map[string][]string{
	"time":         {"Now", "Since", "Until", "Sleep", "After", "Tick", "NewTimer", "NewTicker"},
	"math/rand":    {"Int", "Intn", "Int63", "Int31", "Float64", "Perm", "Shuffle", "Seed", "Uint32", "Uint64"},
	"math/rand/v2": {"Int", "IntN", "Int64", "Int64N", "Float64", "Perm", "Shuffle", "N", "Uint32", "Uint64"},
}

func TestImports(t *testing.T) {
	files := 0
	eachGoFile(t, func(file string, syntax *ast.File) {
		files++
		folder := path.Dir(file)
		layer := layerOf(folder)
		if layer == "" {
			t.Fatalf("%s is in no layer: add its folder to layers: no layer", file)
		}
		for _, spec := range syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if reason := refused(layer, file, imported); reason != "" {
				t.Errorf("%s imports %s: %s", file, imported, reason)
			}
		}
	})
	if files <= 50 {
		t.Fatalf("the walk found too few files to mean anything: files = %v, want more than %v", files, 50)
	}
}

func TestPureCodeCallsNoClockOrGlobalRandomness(t *testing.T) {
	eachGoFile(t, func(file string, syntax *ast.File) {
		if !isPure(layerOf(path.Dir(file))) {
			return
		}
		names := map[string]string{} // local name to import path
		for _, spec := range syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			name := path.Base(strings.TrimSuffix(imported, "/v2"))
			if spec.Name != nil {
				name = spec.Name.Name
			}
			names[name] = imported
		}
		ast.Inspect(syntax, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := selector.X.(*ast.Ident); ok && x.Obj == nil && slices.Contains(forbidden[names[x.Name]], selector.Sel.Name) {
				t.Errorf("%s calls %s.%s: pass the time or a seeded *rand.Rand in", file, x.Name, selector.Sel.Name)
			}
			return true
		})
	})
}

// The gate must be able to fail.
func TestImportsRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ file, imported string }{
		"plugins import dra":          {"plugins/x/x.go", module + "/dra"},
		"dra imports plugins":         {"dra/x.go", module + "/plugins/x"},
		"simulator imports dra":       {"simulator/x.go", module + "/dra"},
		"topology imports placement":  {"topology/x.go", module + "/topology/placement"},
		"topology imports Kubernetes": {"topology/mig/x.go", "k8s.io/api/core/v1"},
		"topology reads files":        {"topology/x.go", "os"},
		"topology imports a module":   {"topology/x.go", "github.com/google/go-cmp/cmp"},
		"apiserver imports ours":      {"internal/apiserver/x.go", module + "/dra"},
		"topology runs shells":        {"topology/memory/launch/x.go", "mvdan.cc/sh/v3/interp"},
		"simulator imports a parser":  {"simulator/x.go", "mvdan.cc/sh/v3/syntax"},
		"simulator imports a reader":  {"simulator/scenario/x.go", module + "/internal/yamlfile"},
		"scenarios import YAML":       {"simulator/scenario/x.go", "github.com/goccy/go-yaml"},
		"pages import the simulator":  {"internal/page/x.go", module + "/simulator"},
		"pages are served elsewhere":  {"internal/page/x.go", "net/http"},
		"anybody imports cmd":         {"test/x.go", module + "/cmd/ashlar"},
		"scenarios import plugins":    {"test/scenario/x.go", module + "/plugins/resourceslices"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := refused(layerOf(path.Dir(tc.file)), tc.file, tc.imported); got == "" {
				t.Fatal("no refused(layerOf(path.Dir(tc.file)), tc.file, tc.imported)")
			}
		})
	}
}

// What is allowed must stay allowed.
func TestImportsAllows(t *testing.T) {
	for name, tc := range map[string]struct{ file, imported string }{
		"topology imports a parser":               {"topology/memory/launch/x.go", "mvdan.cc/sh/v3/syntax"},
		"topology imports the standard library":   {"topology/x.go", "encoding/json"},
		"plugins import topology and Kubernetes":  {"plugins/x/x.go", "k8s.io/api/core/v1"},
		"placement's tests import the catalogue":  {"topology/placement/x_test.go", module + "/topology/catalogue"},
		"the simulator imports one node's choice": {"simulator/x.go", module + "/topology/placement"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := refused(layerOf(path.Dir(tc.file)), tc.file, tc.imported); got != "" {
				t.Fatalf("refused(layerOf(path.Dir(tc.file)), tc.file, tc.imported) = %v, want none", got)
			}
		})
	}
}

func refused(layer, file, imported string) string {
	isTest := strings.HasSuffix(file, "_test.go")
	own, ours := strings.CutPrefix(imported, module+"/")
	if isTest && slices.ContainsFunc(testOnly, func(prefix string) bool {
		return own == prefix || strings.HasPrefix(imported, prefix)
	}) {
		return ""
	}
	if ours {
		if own == layer || strings.HasPrefix(own, layer+"/") && !slices.Contains(exact, layer) || own == path.Dir(file) {
			return ""
		}
		for _, allowed := range layers[layer] {
			whole := !isPure(layer) && strings.HasPrefix(own, allowed+"/")
			if own == allowed || whole {
				return ""
			}
		}
		return layer + " may import only " + strings.Join(layers[layer], ", ")
	}
	if !isPure(layer) {
		return ""
	}
	if parsers[imported] != "" && strings.HasPrefix(layer, "topology") {
		return ""
	}
	if strings.Contains(strings.Split(imported, "/")[0], ".") {
		return "pure code imports the standard library and the modules of parsers only"
	}
	if slices.Contains(worldly, imported) && !isTest {
		return "pure code does not touch the world around it"
	}
	return ""
}

func isPure(layer string) bool {
	return slices.ContainsFunc(pure, func(p string) bool { return layer == p || strings.HasPrefix(layer, p+"/") })
}

// layerOf finds the entry of layers with the longest match.
func layerOf(folder string) string {
	for ; folder != "."; folder = path.Dir(folder) {
		if _, found := layers[folder]; found {
			return folder
		}
	}
	return ""
}

// eachGoFile parses every Go file of the repository.
func eachGoFile(t *testing.T, visit func(file string, syntax *ast.File)) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && file != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin") {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		visit(filepath.ToSlash(relative), syntax)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
