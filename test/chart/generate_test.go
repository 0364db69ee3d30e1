package chart

import (
	"flag"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

var update = flag.Bool("update", false, "write generated files instead of comparing them")

// everything are the values with which every file for kustomize is rendered.
var everything = []string{"mode=full", "policies.exclusiveAllocation=true", "policies.leaderAllocation=true"}

// generatedFiles are the files for kustomize, relative to manifests, by the template that
// each is made from.
var generatedFiles = map[string]string{
	"scheduler/rbac.yaml":                "scheduler/scheduler-rbac.yaml",
	"scheduler/config.yaml":              "scheduler/scheduler-config.yaml",
	"scheduler/deployment.yaml":          "scheduler/scheduler.yaml",
	"driver/rbac.yaml":                   "driver/driver-rbac.yaml",
	"driver/policy.yaml":                 "driver/driver-policy.yaml",
	"driver/daemonset.yaml":              "driver/driver.yaml",
	"driver/deviceclasses.yaml":          "driver/deviceclasses.yaml",
	"driver/mig-deviceclasses.yaml":      "driver/mig-deviceclasses.yaml",
	"policies/exclusive-allocation.yaml": "components/exclusive-allocation/policy.yaml",
	"policies/leader-allocation.yaml":    "components/leader-allocation/policy.yaml",
}

// foreignFiles are the templates that no file for kustomize is made from.
var foreignFiles = []string{"crds.yaml"} // copied the other way, see TestChartFilesAreCopies

// writtenFrom begins every generated file.
const writtenFrom = "# Written from manifests/chart by make generate: change it there.\n"

// configChecksum restarts the scheduler when its configuration changes. With kustomize the
// name of the ConfigMap does.
var configChecksum = regexp.MustCompile(`(?m)^ +annotations:\n +ashlar.dev/config-checksum: .*\n`)

// The folders for kustomize are what the chart renders.
func TestGeneratedFolders(t *testing.T) {
	want := map[string]string{}
	for _, document := range renderDocuments(t, everything...) {
		file, known := generatedFiles[document.source]
		if !known {
			if !slices.Contains(foreignFiles, document.source) {
				t.Errorf("no file for kustomize is made of template %s", document.source)
			}
			continue
		}
		text := configChecksum.ReplaceAllString(document.text, "")
		if file == "scheduler/scheduler-config.yaml" {
			text = configText(t, text)
		} else if want[file] != "" {
			text = "---\n" + text
		}
		want[file] += text
	}
	for source, file := range generatedFiles {
		if want[file] == "" {
			t.Errorf("template %s renders nothing", source)
		}
		compareGenerated(t, filepath.Join("..", "..", "manifests", filepath.FromSlash(file)), writtenFrom+want[file])
	}
}

// configText is the file that the scheduler's ConfigMap holds.
func configText(t *testing.T, configMap string) string {
	t.Helper()
	_, indented, found := strings.Cut(configMap, "  scheduler-config.yaml: |\n")
	if !found {
		t.Fatalf("no scheduler-config.yaml in:\n%s", configMap)
	}
	var text strings.Builder
	for line := range strings.Lines(indented) {
		text.WriteString(strings.TrimPrefix(line, "    "))
	}
	return text.String()
}

func compareGenerated(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(have)); diff != "" {
		t.Errorf("%s is out of date, run make generate (-want +got):\n%s", file, diff)
	}
}

// Helm reads nothing outside the chart's folder, and no links: what other folders hold is
// copied into it.
func TestChartFilesAreCopies(t *testing.T) {
	for from, pattern := range map[string]string{"crds": "*s.yaml", "monitoring": "*"} {
		source, target := filepath.Join("..", "..", "manifests", from), filepath.Join(chartFolder(t), "files", from)
		want, have := readFolder(t, source, pattern), readFolder(t, target, "*")
		delete(want, "README.md")
		if *update {
			if err := os.RemoveAll(target); err != nil {
				t.Fatal(err)
			}
			for name, text := range want {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(target, name)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(target, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			have = readFolder(t, target, "*")
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s is no copy of %s, run make generate (-want +got):\n%s", target, source, diff)
		}
	}
}

// readFolder reads the YAML and JSON files below a folder whose names match a pattern; none if
// there is no such folder.
func readFolder(t *testing.T, folder, pattern string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil //nolint:nilerr // a folder that is not there has no files
		}
		if extension := path.Ext(name); extension != ".yaml" && extension != ".json" || path.Base(name) == "kustomization.yaml" {
			return nil
		}
		if matched, _ := path.Match(pattern, path.Base(name)); !matched {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(folder, name))
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// What kubectl apply -k installs of each folder is what helm installs with these values,
// object by object.
func TestFoldersEqualChart(t *testing.T) {
	for folder, set := range map[string][]string{
		"scheduler":                   nil,
		"base":                        {"mode=full"},
		"overlays/nvidia-dra-driver":  {"mode=scheduler-only"},
		"overlays/device-plugin":      {"mode=scheduler-only"},
		"overlays/extended-resources": {"mode=full", "deviceClasses.extendedResources=true"},
	} {
		t.Run(folder, func(t *testing.T) {
			want := renderObjects(t, set...)
			dropChecksum(t, want)
			delete(want, "ConfigMap/"+namespace+"/ashlar-scheduler-config") // compared by TestGeneratedFolders
			have := kustomizeObjects(t, filepath.Join("..", "..", "manifests", filepath.FromSlash(folder)))
			if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(have))); diff != "" {
				t.Fatalf("objects (-helm +kustomize):\n%s", diff)
			}
			for name, object := range want {
				if diff := cmp.Diff(object, have[name]); diff != "" {
					t.Errorf("%s (-helm +kustomize):\n%s", name, diff)
				}
			}
		})
	}
}

// hashedName is the name of the ConfigMap that kustomize generates.
var hashedName = regexp.MustCompile(`ashlar-scheduler-config-[a-z0-9]{10}`)

// kustomizeObjects are the objects of a folder, without those that Helm has otherwise: the
// namespace, which helm install --create-namespace makes, and the generated ConfigMap.
func kustomizeObjects(t *testing.T, folder string) objectsByName {
	t.Helper()
	rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		t.Fatal(err)
	}
	text, err := rendered.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	objects := objectsByName{}
	for document := range strings.SplitSeq(hashedName.ReplaceAllString(string(text), "ashlar-scheduler-config"), "\n---\n") {
		objects.addDocument(t, document)
	}
	for _, name := range []string{"Namespace//" + namespace, "ConfigMap/" + namespace + "/ashlar-scheduler-config"} {
		if objects[name] == nil {
			t.Errorf("no %s", name)
		}
		delete(objects, name)
	}
	return objects
}

// dropChecksum removes what only Helm needs, see configChecksum.
func dropChecksum(t *testing.T, objects objectsByName) {
	t.Helper()
	template, _ := objects["Deployment/"+namespace+"/ashlar-scheduler"]["spec"].(map[string]any)["template"].(map[string]any)
	metadata, _ := template["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	if annotations["ashlar.dev/config-checksum"] == nil {
		t.Error("the scheduler is not restarted when its configuration changes")
	}
	delete(metadata, "annotations")
}
