package configapi

import (
	"os"
	"regexp"
	"testing"

	"sigs.k8s.io/yaml"
)

// The examples of the page for users are accepted.
func TestPageExamples(t *testing.T) {
	page, err := os.ReadFile("../../docs/device-config.md")
	if err != nil {
		t.Fatal(err)
	}
	type parameters struct {
		Kind string `json:"kind"`
		Spec struct {
			Spec struct {
				Devices struct {
					Config []struct {
						Opaque struct {
							Parameters map[string]any `json:"parameters"`
						} `json:"opaque"`
					} `json:"config"`
				} `json:"devices"`
			} `json:"spec"`
		} `json:"spec"`
	}
	found := map[string]bool{}
	for _, match := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(page, -1) {
		var object parameters
		if err := yaml.Unmarshal(match[1], &object); err != nil {
			t.Fatal(err)
		}
		example := match[1]
		if entries := object.Spec.Spec.Devices.Config; len(entries) > 0 {
			if example, err = yaml.Marshal(entries[0].Opaque.Parameters); err != nil {
				t.Fatal(err)
			}
		}
		raw, err := yaml.YAMLToJSON(example)
		if err != nil {
			t.Fatal(err)
		}
		config, err := Decode(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
		}
		found[string(config.Form)] = true
	}
	if len(found) != 3 {
		t.Errorf("examples for %v, want one of each form", found)
	}
}
