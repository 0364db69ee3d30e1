package catalogue

import (
	"strings"
	"testing"
)

const (
	extraTable = `# a table
table          X1-48GB
compute-slices 2
memory-slices  2
media          2 0 1 1
confidence     imported
source         a test

19 1g.24gb 0 2 24000 10 1 1 1 1 0 0 0 0,1
 0 2g.48gb 1 1 48000 20 2 2 2 2 0 1 1 0
`
	extraModel   = `X1 "NVIDIA X1" Nvidia Next 13.0 49152 0 50 yes X1-48GB - imported "a test"` + "\n"
	extraMachine = `machine     box
description a test
gpu         X1
confidence  imported
source      a test

     GPU0 GPU1 NUMA PCIe-root Bus-id
GPU0 X    NV2  0    -         -
GPU1 NV2  X    1    -         -
`
)

func TestWith(t *testing.T) {
	// In the reverse of the order in which they refer to one another.
	grown, err := Default().With(File{"box.txt", extraMachine}, File{"x1.txt", extraModel}, File{"mig.txt", extraTable})
	if err != nil {
		t.Fatal(err)
	}
	machine, err := grown.Machine("box")
	if err != nil {
		t.Fatal(err)
	}
	if got := machine.Node.GPUs[1]; got.Model.Name != "X1" || got.NUMA != 1 || machine.Node.Bandwidth(0, 1) != 100 {
		t.Errorf("got %+v", got)
	}
	if _, err := grown.Machine("dgx-h100"); err != nil {
		t.Errorf("the machines of the program are gone: %v", err)
	}
	if len(grown.Tables()) != len(Default().Tables())+1 {
		t.Errorf("%d tables, want one more than %d", len(grown.Tables()), len(Default().Tables()))
	}
	for _, known := range Default().Machines() {
		if known == "box" {
			t.Error("the catalogue of the program has changed")
		}
	}
	if _, found := Default().ModelByProduct("NVIDIA X1"); found {
		t.Error("the models of the program have changed")
	}
}

func TestWithRefuses(t *testing.T) {
	tests := map[string]struct {
		files []File
		want  string
	}{
		"nothing in it": {[]File{{"a.txt", "# no\n"}}, "a.txt:1: file: has no entries"},
		"machine taken": {[]File{{"a.txt", strings.Replace(extraMachine, "box", "dgx-h100", 1)}},
			"a.txt:1: machine: dgx-h100 is in the catalogue already"},
		"machine twice": {[]File{{"a.txt", extraModel}, {"b.txt", extraTable}, {"c.txt", extraMachine}, {"d.txt", extraMachine}},
			"d.txt:1: machine: box is in the catalogue already"},
		"machine with a slash": {[]File{{"a.txt", strings.Replace(extraMachine, "box", "a/b", 1)}}, `a.txt:1: machine: "a/b" contains a slash`},
		"table taken": {[]File{{"a.txt", strings.Replace(extraTable, "X1-48GB", "A30-24GB", 1)}},
			"a.txt:2: table: A30-24GB is in the catalogue already"},
		"model taken": {[]File{{"b.txt", extraTable}, {"a.txt", strings.Replace(extraModel, "X1 ", "L40S ", 1)}},
			"a.txt:1: key: L40S occurs twice"},
		"product taken": {[]File{{"b.txt", extraTable}, {"a.txt", strings.Replace(extraModel, "NVIDIA X1", "NVIDIA L40S", 1)}},
			`"NVIDIA L40S" is already L40S`},
		"table missing": {[]File{{"a.txt", extraModel}}, `unknown MIG table "X1-48GB"`},
		"model missing": {[]File{{"a.txt", extraMachine}}, `unknown GPU model "X1"`},
		"neither":       {[]File{{"a.txt", "hello world\n"}}, "a.txt:1: row: 2 columns, want 13"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := Default().With(tc.files...); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestModelByName(t *testing.T) {
	tests := map[string]struct{ name, want, refused string }{
		"key":                   {name: "H100-SXM5-80GB", want: "H100-SXM5-80GB"},
		"key in another case":   {name: "h100-sxm5-80gb", want: "H100-SXM5-80GB"},
		"product":               {name: "NVIDIA H100 80GB HBM3", want: "H100-SXM5-80GB"},
		"product without":       {name: "A100 80GB PCIe", want: "A100-PCIe-80GB"},
		"product as a label":    {name: "Tesla-V100-SXM2-16GB", want: "V100-SXM2-16GB"},
		"product of one word":   {name: "NVIDIA T4", want: "T4"},
		"early driver's":        {name: "A100-SXM-80GB", want: "A100-SXM4-80GB"},
		"several":               {name: "V100-SXM-32GB", refused: `unknown GPU model "V100-SXM-32GB"`},
		"near":                  {name: "A30-24G", refused: `unknown GPU model "A30-24G": the nearest is A30-24GB`},
		"the maker of them all": {name: "NVIDIA", refused: `unknown GPU model "NVIDIA"`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			model, err := Default().ModelByName(tc.name)
			switch {
			case tc.refused != "":
				if err == nil || !strings.Contains(err.Error(), tc.refused) {
					t.Errorf("got %v, want %s", err, tc.refused)
				}
			case err != nil:
				t.Error(err)
			case model.Name != tc.want:
				t.Errorf("got %s, want %s", model.Name, tc.want)
			}
		})
	}
}

func TestGeometry(t *testing.T) {
	tests := map[string]struct{ name, want, refused string }{
		"table":       {name: "A30-24GB", want: "A30-24GB"},
		"other case":  {name: "h100-80gb", want: "H100-80GB"},
		"model":       {name: "h100-sxm5-80GB", want: "H100-80GB"},
		"product":     {name: "nvidia h200", want: "H200-141GB"},
		"without MIG": {name: "L40S", refused: "L40S has no MIG, or no capture shows its profiles: the tables are A100-40GB"},
		"near":        {name: "A30-24G", refused: `unknown GPU "A30-24G": the nearest is A30-24GB`},
		"unknown":     {name: "no such thing at all", refused: "are shown by ashlar topology list"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			table, err := Default().Geometry(tc.name)
			if tc.refused != "" {
				if err == nil || !strings.Contains(err.Error(), tc.refused) {
					t.Errorf("got %v, want %s", err, tc.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if table.Name != tc.want {
				t.Errorf("got %s, want %s", table.Name, tc.want)
			}
		})
	}
}
