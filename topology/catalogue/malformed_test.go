package catalogue

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ashlar-dev/ashlar/topology"
)

// Small files that parse; the tests below break one line each.
const (
	goodModels = `# models
A30 "NVIDIA A30" Nvidia Ampere 8.0 24576 0 25 yes A30 0x20B710DE high "public log"
L40S "NVIDIA L40S" Nvidia "Ada Lovelace" 8.9 46068 0 0 yes - - high "public log"
`
	goodTable = `table A30
compute-slices 4
memory-slices 4
media 4 0 1 1
confidence high
source public capture

14 1g.6gb 0 4 5949 14 1 1 1 1 0 0 0 0,1,2,3
0 4g.24gb 3 1 24003 56 4 4 4 4 0 1 1 0
`
	goodMachine = `machine box
description two GPUs
gpu L40S
kind PCIe only
confidence high
source public capture
note a note # with a hash

      GPU0 GPU1 NUMA PCIe-root  Bus-id
GPU0  X    NODE 0    pci0000:18 0000:1b:00.0
GPU1  SYS  X    -    -          -
nic0  PIX  SYS  -
`
)

func catalogueOf(models, table, machine string) fstest.MapFS {
	return fstest.MapFS{
		"models.txt":       {Data: []byte(models)},
		"prices.txt":       {},
		"instances.txt":    {},
		"mig/A30.txt":      {Data: []byte(table)},
		"machines/box.txt": {Data: []byte(machine)},
	}
}

func TestAsymmetricMachine(t *testing.T) {
	c, err := loadFiles(catalogueOf(goodModels, goodTable, goodMachine))
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.Machine("box")
	if err != nil {
		t.Fatal(err)
	}
	if there, back := m.Node.Links[0][1], m.Node.Links[1][0]; there.Kind != topology.NODE || back.Kind != topology.SYS {
		t.Errorf("got %s and %s, want the table as it is, NODE and SYS", there, back)
	}
	if gpu := m.Node.GPUs[1]; gpu.NUMA != topology.NoNUMA || gpu.PCIeRoot != "" || gpu.BusID != "" {
		t.Errorf("GPU1: got %+v, want no NUMA node, root and bus id", gpu)
	}
	if nic := m.Node.NICs[0]; nic.Name != "nic0" || nic.NUMA != topology.NoNUMA || nic.Links[0].Kind != topology.PIX {
		t.Errorf("NIC: got %+v", nic)
	}
}

func TestClique(t *testing.T) {
	text := strings.Replace(goodMachine, "kind PCIe only", "clique 8a1c0b52-3d6e-4d0f-9b0a-0123456789ab.4", 1)
	c, err := loadFiles(catalogueOf(goodModels, goodTable, text))
	if err != nil {
		t.Fatal(err)
	}
	m, _ := c.Machine("box")
	for i, gpu := range m.Node.GPUs {
		if gpu.Clique != "8a1c0b52-3d6e-4d0f-9b0a-0123456789ab.4" {
			t.Errorf("GPU%d is in clique %q", i, gpu.Clique)
		}
	}
}

func TestMalformedModels(t *testing.T) {
	tests := map[string]struct{ old, new, want string }{
		"few columns": {" high", "", `models.txt:2: row: 12 columns, want 13: quote those that contain spaces`},
		"open quote":  {`"public log"`, `"public`, `models.txt:2: quotes: "public is not closed, add a "`},
		"cc":          {"8.0", "8", `models.txt:2: cc: "" is not a whole number from 0 to 9`},
		"memory":      {"24576", "24GiB", `models.txt:2: MiB: "24GiB" is not a whole number from 1 to 16777216`},
		"reserved":    {"24576 0", "24576 24576", `models.txt:2: reserved: "24576" is not a whole number from 0 to 24575`},
		"lane":        {"25 yes", "-25 yes", `models.txt:2: GB/s: "-25" is not a whole number from 0 to 1000`},
		"P2P":         {"yes", "true", `models.txt:2: P2P: "true", want yes or no`},
		"MIG": {"yes A30", "yes A3",
			`models.txt:2: MIG: unknown MIG table "A3": the nearest is A30; all 1 are shown by ashlar topology list`},
		"device":        {"0x20B710DE", "0x20B7", `models.txt:2: device: "0x20B7", want device and vendor id like 0x20B710DE`},
		"empty source":  {`"public log"`, `""`, `models.txt:2: source: is empty`},
		"slash in key":  {"A30 ", "A/30 ", `models.txt:2: key: "A/30" contains a slash or a space`},
		"key twice":     {"L40S ", "A30 ", `models.txt:3: key: A30 occurs twice`},
		"product twice": {"NVIDIA L40S", "NVIDIA A30", `models.txt:3: product: "NVIDIA A30" is already A30: a product has one row`},
		"unused machine": {"L40S ", "L40 ",
			`machines/box.txt:3: gpu: unknown GPU model "L40S": the nearest is L40; all 2 are shown by ashlar topology list`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			wantLoadError(t, catalogueOf(replaceOnce(t, goodModels, tc.old, tc.new), goodTable, goodMachine), tc.want)
		})
	}
}

func TestMalformedTables(t *testing.T) {
	tests := map[string]struct{ old, new, want string }{
		"other name": {"table A30", "table A31", `mig/A30.txt:1: table: "A31" in a file named A30.txt: make them equal`},
		"header": {"source", "sauce",
			`mig/A30.txt:6: sauce: unknown header, want table, product, compute-slices, memory-slices, media, confidence, source or note`},
		"no header":       {"compute-slices 4\n", "", `mig/A30.txt:7: compute-slices: is missing above the profiles`},
		"too many slices": {"memory-slices 4", "memory-slices 17", `mig/A30.txt:3: memory-slices: "17" is not a whole number from 1 to 16`},
		"media":           {"media 4 0 1 1", "media 4 0 1", `mig/A30.txt:4: media: 3 figures, want decoders, encoders, jpeg and ofa`},
		"columns":         {"4 5949 14", "4 14", `mig/A30.txt:8: row: 13 columns, want 14`},
		"id twice":        {"0 4g.24gb", "14 4g.24gb", `mig/A30.txt:9: id: 14 is already 1g.6gb`},
		"enum":            {"4g.24gb 3", "4g.24gb 18", `mig/A30.txt:9: enum: "18" is not a whole number from 0 to 17`},
		"compute":         {"56 4 4", "56 5 4", `mig/A30.txt:9: compute: "5" is not a whole number from 1 to 4`},
		"engines": {"media 4 0 1 1", "media 4 0 0 1",
			`mig/A30.txt:9: media: 4g.24gb takes more engines than the GPU has: correct the row or the header media`},
		"start":       {"0,1,2,3", "0,1,2,4", `mig/A30.txt:8: starts: "4" is not a whole number from 0 to 3`},
		"start twice": {"0,1,2,3", "0,1,2,2", `mig/A30.txt:8: starts: 2 occurs twice`},
		"late header": {"1 1 0\n", "1 1 0\nnote late\n",
			`mig/A30.txt:10: row: starts with neither a profile id nor #: headers come before the profiles`},
		"no profiles": {goodTable[strings.Index(goodTable, "14 1g"):], "", `mig/A30.txt:1: table: has no profiles`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			wantLoadError(t, catalogueOf(goodModels, replaceOnce(t, goodTable, tc.old, tc.new), goodMachine), tc.want)
		})
	}
}

func TestMalformedMachines(t *testing.T) {
	tests := map[string]struct{ old, new, want string }{
		"other name": {"machine box", "machine bax", `machines/box.txt:1: machine: "bax" in a file named box.txt: make them equal`},
		"header": {"kind", "kin",
			`machines/box.txt:4: kin: unknown header, ` +
				`want machine, description, gpu, kind, confidence, source, clique, addresses, note or the links`},
		"empty header": {"kind PCIe only", "kind", `machines/box.txt:4: kind: is empty`},
		"no header":    {"source public capture\n", "", `machines/box.txt:8: source: is missing above the links`},
		"no links": {goodMachine[strings.Index(goodMachine, "      GPU0"):], "",
			`machines/box.txt:1: links: are missing: the table starts with a row GPU0 GPU1 ...`},
		"model": {"gpu L40S", "gpu L40",
			`machines/box.txt:3: gpu: unknown GPU model "L40": the nearest is L40S; all 2 are shown by ashlar topology list`},
		"clique": {"kind PCIe only", "clique 4", `machines/box.txt:4: clique: "4", want <cluster UUID>.<clique id>`},
		"columns": {"NUMA PCIe-root", "PCIe-root",
			`machines/box.txt:9: links: GPU0 GPU1 PCIe-root  Bus-id, want GPU0 to GPU1 and then NUMA PCIe-root Bus-id`},
		"too many GPUs": {"GPU0 GPU1 NUMA", "GPU0 GPU1 GPU2 GPU3 GPU4 GPU5 GPU6 GPU7 GPU8 GPU9 GPU10 GPU11 GPU12 GPU13 GPU14 GPU15 GPU16 NUMA",
			`machines/box.txt:9: links: 17 columns GPU0 GPU1 ..., want 1 to 16`},
		"gap":           {"GPU1  SYS", "GPU2  SYS", `machines/box.txt:11: GPU2: GPUs are GPU0 to GPU1, in order`},
		"extra GPU":     {"nic0", "GPU2", `machines/box.txt:12: GPU2: GPUs are GPU0 to GPU1, in order`},
		"missing GPU":   {"GPU1  SYS  X    -    -          -\n", "", `machines/box.txt:11: links: 1 GPU rows for 2 GPU columns`},
		"GPU after NIC": {"GPU1  SYS  X", "nic1 SYS SYS 0\nGPU1  SYS  X", `machines/box.txt:12: GPU1: comes after a NIC: GPUs come first`},
		"short row": {"X    NODE 0    pci", "X    0    pci",
			`machines/box.txt:10: GPU0: 4 columns, want 2 links and then NUMA, PCIe-root and Bus-id`},
		"link":        {"NODE 0", "NV99 0", `machines/box.txt:10: GPU0: to GPU1: link "NV99": want NV1 to NV64`},
		"diagonal":    {"GPU0  X    NODE", "GPU0  PIX  NODE", `machines/box.txt:10: GPU0: PIX to GPU0: a GPU has X to itself alone`},
		"X elsewhere": {"SYS  X    -", "X    X    -", `machines/box.txt:11: GPU1: X to GPU0: a GPU has X to itself alone`},
		"NUMA":        {"NODE 0 ", "NODE -1 ", `machines/box.txt:10: GPU0 NUMA: "-1" is not a whole number from 0 to 1023`},
		"root":        {"pci0000:18", "0000:18", `machines/box.txt:10: GPU0: PCIe-root "0000:18", want one like pci0000:18, or -`},
		"bus id": {"0000:1b:00.0", "00000000:1B:00.0",
			`machines/box.txt:10: GPU0: Bus-id "00000000:1B:00.0", want one like 0000:1b:00.0, or -`},
		"bus id twice": {"-          -\n", "-  0000:1b:00.0\n", `machines/box.txt:11: GPU1: Bus-id 0000:1b:00.0 is already GPU0's`},
		"NIC columns":  {"nic0  PIX  SYS  -", "nic0  PIX  SYS", `machines/box.txt:12: nic0: 2 columns, want 2 links and then NUMA`},
		"NIC twice":    {"nic0  PIX  SYS  -", "nic0  PIX  SYS  -\nnic0  PIX  SYS  -", `machines/box.txt:13: nic0: occurs twice`},
		"NIC with X":   {"nic0  PIX", "nic0  X", `machines/box.txt:12: nic0: X to GPU0, a NIC has only PCIe`},
		"NVLink, no lane": {"NODE 0", "NV4  0",
			`machines/box.txt:3: gpu: machine box has NV4 between GPU0 and GPU1, but L40S has no NVLink: choose a model that has`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			wantLoadError(t, catalogueOf(goodModels, goodTable, replaceOnce(t, goodMachine, tc.old, tc.new)), tc.want)
		})
	}
}

func TestMissingModels(t *testing.T) {
	wantLoadError(t, fstest.MapFS{}, "reading GPU models: open models.txt: file does not exist")
}

func replaceOnce(t *testing.T, text, old, replacement string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("%q is not in the file", old)
	}
	return strings.Replace(text, old, replacement, 1)
}

func wantLoadError(t *testing.T, files fstest.MapFS, want string) {
	t.Helper()
	_, err := loadFiles(files)
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// FuzzParseMachine checks that whatever parses is a valid machine, under every
// name that its text could have.
func FuzzParseMachine(f *testing.F) {
	c := Default()
	f.Add(goodMachine)
	for _, name := range []string{"dgx1-v100", "8xpcie-pix-pairs", "aws-p5.48xlarge"} {
		text, err := files.ReadFile("machines/" + name + ".txt")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(strings.Replace(string(text), name, "box", 1))
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := c.parseMachine("machines/box.txt", "box", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "machines/box.txt:") {
				t.Errorf("error without file and line: %v", err)
			}
			return
		}
		if m.standard == nil {
			return
		}
		if err := m.standard.Node.Validate(); err != nil {
			t.Errorf("parsed, but: %v", err)
		}
	})
}
