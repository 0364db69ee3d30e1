package docs

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	resourceapi "k8s.io/api/resource/v1"
	"sigs.k8s.io/yaml"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// publishedDevices are devices as the driver publishes them, of several machines: those that
// its own tests hold to the code.
func publishedDevices(t *testing.T) []resourceapi.Device {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "dra/publish/testdata/*.yaml"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%d files of published slices, want some machines' (%v)", len(files), err)
	}
	var devices []resourceapi.Device
	for _, object := range readObjects(t, files...) {
		var slice resourceapi.ResourceSlice
		if err := yaml.UnmarshalStrict([]byte(object), &slice); err != nil {
			t.Fatal(err)
		}
		devices = append(devices, slice.Spec.Devices...)
	}
	return devices
}

// readObjects reads the YAML documents of some files.
func readObjects(t *testing.T, files ...string) []string {
	t.Helper()
	var objects []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for object := range strings.SplitSeq("\n"+string(text), "\n---\n") {
			if strings.Contains(object, "apiVersion:") {
				objects = append(objects, object)
			}
		}
	}
	return objects
}

// publishedName is an attribute or a capacity, with the forms of the devices that have it.
type publishedName struct {
	kind, example string
	forms         map[string]bool
}

// notePublished notes a name of a device.
func notePublished(all map[string]*publishedName, device *resourceapi.Device, name, kind, example string) {
	if all[name] == nil {
		all[name] = &publishedName{kind: kind, example: example, forms: map[string]bool{}}
	}
	form := device.Attributes[deviceapi.Type].StringValue
	all[name].forms[*form] = true
}

// describePublished makes a table of names, with what the constants of the source say of them.
func describePublished(t *testing.T, what string, all map[string]*publishedName) string {
	t.Helper()
	meaning := map[string]string{}
	for _, c := range listConstants(t, "topology/deviceapi") {
		meaning[c.value] = cmp.Or(meaning[c.value], c.sentenceOf())
	}
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		p := all[name]
		if _, known := meaning[name]; !known {
			t.Errorf("%s %s is no constant of topology/deviceapi", what, name)
		}
		if meaning[name] == "" {
			t.Errorf("the constant of %s %s in topology/deviceapi has no comment: say what it means, for docs/reference.md", what, name)
		}
		rows = append(rows, []string{
			"`" + name + "`", p.kind, "`" + p.example + "`", strings.Join(slices.Sorted(maps.Keys(p.forms)), ", "), meaning[name],
		})
	}
	return markdownTable([]string{what, "type", "example", "devices of type", "meaning"}, rows)
}

func attributeTable(t *testing.T) string {
	all := map[string]*publishedName{}
	for _, device := range publishedDevices(t) {
		for name, value := range device.Attributes {
			switch {
			case value.StringValue != nil:
				notePublished(all, &device, string(name), "string", *value.StringValue)
			case value.IntValue != nil:
				notePublished(all, &device, string(name), "int", fmt.Sprint(*value.IntValue))
			case value.BoolValue != nil:
				notePublished(all, &device, string(name), "bool", fmt.Sprint(*value.BoolValue))
			case value.VersionValue != nil:
				notePublished(all, &device, string(name), "version", *value.VersionValue)
			}
		}
	}
	return describePublished(t, "attribute", all)
}

func capacityTable(t *testing.T) string {
	all := map[string]*publishedName{}
	for _, device := range publishedDevices(t) {
		for name, value := range device.Capacity {
			notePublished(all, &device, string(name), "quantity", value.Value.String())
		}
	}
	return describePublished(t, "capacity", all)
}

// classTable lists the DeviceClasses that are installed with the driver.
func classTable(t *testing.T) string {
	var rows [][]string
	slicesOf := 0
	for _, object := range readObjects(t, filepath.Join(root, "manifests/driver/deviceclasses.yaml"),
		filepath.Join(root, "manifests/driver/mig-deviceclasses.yaml")) {
		var class resourceapi.DeviceClass
		if err := yaml.Unmarshal([]byte(object), &class); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(class.Name, "mig-") {
			slicesOf++
			continue
		}
		rows = append(rows, []string{"`" + class.Name + "`", "`" + class.Spec.Selectors[0].CEL.Expression + "`"})
	}
	rows = append(
		rows,
		[]string{"`mig-PROFILE.gpu.ashlar.dev`", fmt.Sprintf("%d classes, one for each MIG profile of the catalogue", slicesOf)},
	)
	return markdownTable([]string{"DeviceClass", "selects"}, rows)
}
