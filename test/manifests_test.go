package test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

var update = flag.Bool("update", false, "write generated files instead of comparing them")

// There is one DeviceClass for each MIG profile of the catalogue, and a component gives it
// the resource name that NVIDIA's device plugin has for the profile.
func TestMIGDeviceClassesMatchCatalogue(t *testing.T) {
	profiles := map[string]bool{}
	c := catalogue.Default()
	for _, model := range c.Models() {
		if model.MIG == "" {
			continue
		}
		table, err := c.MIG(model.MIG)
		if err != nil {
			t.Fatal(err)
		}
		for _, profile := range table.Profiles {
			profiles[profile.Name] = true
		}
	}
	const writtenBy = "# Written by: go test ./test -run TestMIGDeviceClassesMatchCatalogue -update\n"
	var list, classes, resources strings.Builder
	list.WriteString("# MIG profiles of the catalogue, one a line.\n" + writtenBy)
	resources.WriteString("# Each MIG profile's class behind the resource name of NVIDIA's device plugin.\n" + writtenBy)
	for _, profile := range slices.Sorted(maps.Keys(profiles)) {
		list.WriteString(profile + "\n")
		resource := "mig-" + strings.ReplaceAll(profile, "+", ".")
		header := fmt.Sprintf(`---
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata:
  name: %s.gpu.ashlar.dev
spec:
`, resource)
		// The expression is one line of YAML.
		classes.WriteString(header)
		fmt.Fprintf(&classes, `  selectors:
  - cel:
      expression: device.driver == "gpu.ashlar.dev" && device.attributes["gpu.ashlar.dev"].type == "mig" && `+
			`device.attributes["gpu.ashlar.dev"].profile == %q
`, profile)
		resources.WriteString(header)
		fmt.Fprintf(&resources, "  extendedResourceName: nvidia.com/%s\n", resource)
	}
	compareGenerated(t, filepath.Join("..", "manifests", "chart", "files", "mig-profiles.txt"), list.String())
	if *update {
		return // the classes are rendered from the list next
	}
	written, err := os.ReadFile(filepath.Join("..", "manifests", "driver", "mig-deviceclasses.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, have, _ := strings.Cut(string(written), "apiVersion:")
	if diff := cmp.Diff(strings.TrimPrefix(classes.String(), "---\n"), "apiVersion:"+have); diff != "" {
		t.Errorf("mig-deviceclasses.yaml differs from the catalogue (-want +got):\n%s", diff)
	}
	compareGenerated(t, filepath.Join("..", "manifests", "components", "extended-resources", "mig.yaml"), resources.String())
}

// compareGenerated compares a generated file with what it should hold, or writes it.
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
		t.Errorf("%s is out of date, run this test with -update (-want +got):\n%s", file, diff)
	}
}

// The CRDs are those of the scheduler-plugins version in go.mod.
func TestCRDsMatchSchedulerPlugins(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/scheduler-plugins").Output()
	if err != nil {
		t.Fatal(err)
	}
	module := strings.TrimSpace(string(out))
	for file, source := range map[string]string{
		"podgroups.yaml":              "coscheduling",
		"noderesourcetopologies.yaml": "noderesourcetopology",
	} {
		want, err := os.ReadFile(filepath.Join(module, "manifests", source, "crd.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		have, err := os.ReadFile(filepath.Join("..", "manifests", "crds", file))
		if err != nil {
			t.Fatal(err)
		}
		header, rest, _ := strings.Cut(string(have), "\n")
		if !strings.HasPrefix(header, "# Copied unchanged from sigs.k8s.io/scheduler-plugins") {
			t.Fatalf("%s must name its origin", file)
		}
		if diff := cmp.Diff(string(want), rest); diff != "" {
			t.Errorf("%s differs from its source (-want +got):\n%s", file, diff)
		}
	}
}
