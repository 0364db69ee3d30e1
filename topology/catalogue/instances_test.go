package catalogue

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestInstanceType(t *testing.T) {
	for name, tc := range map[string]struct {
		model, machine string
		gpus           int64
	}{
		"g4dn.xlarge":              {model: "T4", gpus: 1},
		"p4de.24xlarge":            {model: "A100-SXM4-80GB", gpus: 8, machine: "aws-p4d.24xlarge/A100-SXM4-80GB"},
		"Standard_NC96ads_A100_v4": {model: "A100-PCIe-80GB", gpus: 4, machine: "azure-nc96ads-a100"},
	} {
		got, found := Default().InstanceType(name)
		if !found || got.Model.Name != tc.model || got.GPUs != tc.gpus {
			t.Errorf("%s: got %+v, %t; want %d of %s", name, got, found, tc.gpus, tc.model)
			continue
		}
		machine := ""
		if got.Machine != nil {
			machine = got.Machine.Name
		}
		if machine != tc.machine {
			t.Errorf("%s: machine %q, want %q", name, machine, tc.machine)
		}
	}
	if _, found := Default().InstanceType("m5.large"); found {
		t.Error("m5.large has no GPU")
	}
}

func TestMalformedInstances(t *testing.T) {
	for name, tc := range map[string]struct{ row, want string }{
		"unknown model":   {"x1 H9000 8 - source", "instances.txt:1: model:"},
		"no GPUs":         {"x1 A30 0 - source", `instances.txt:1: GPUs: "0", want 1 to 16`},
		"too many GPUs":   {"x1 A30 17 - source", `instances.txt:1: GPUs: "17", want 1 to 16`},
		"few columns":     {"x1 A30 8", "instances.txt:1: row: 3 columns, want 5"},
		"twice":           {"x1 A30 8 - source\nx1 A30 8 - source", "instances.txt:2: instance: x1 occurs twice"},
		"other machine":   {"x1 L40S 1 box source", "instances.txt:1: machine: box has"},
		"unheard machine": {"x1 A30 1 nowhere source", "instances.txt:1: machine:"},
	} {
		t.Run(name, func(t *testing.T) {
			files := catalogueOf(goodModels, goodTable, goodMachine)
			files["instances.txt"] = &fstest.MapFile{Data: []byte(tc.row)}
			_, err := loadFiles(files)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}
