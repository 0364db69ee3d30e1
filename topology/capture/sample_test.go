package capture_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/capture"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// sample is a capture in testdata, made by hand after real ones.
func sample(t testing.TB, name string) capture.Text {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return capture.Text{File: name, Content: string(content)}
}

func TestParseMatrix(t *testing.T) {
	m, err := capture.ParseMatrix(sample(t, "hgx-h100.topo.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []int64{0, 0, 0, 0, 1, 1, 1, 1}; !slices.Equal(m.NUMA, want) {
		t.Errorf("NUMA nodes %v, want %v", m.NUMA, want)
	}
	for i, row := range m.Links {
		for j, link := range row {
			if want := (topology.Link{Kind: topology.NVLink, Lanes: 18}); i != j && link != want {
				t.Errorf("GPU%d to GPU%d is %s, want %s", i, j, link, want)
			}
		}
	}
	var names []string
	for _, nic := range m.NICs {
		names = append(names, nic.Name)
		if nic.NUMA != topology.NoNUMA {
			t.Errorf("%s is on NUMA node %d, which the capture does not show", nic.Name, nic.NUMA)
		}
	}
	if want := []string{"mlx5_0", "mlx5_1", "mlx5_4", "mlx5_5"}; !slices.Equal(names, want) {
		t.Errorf("NICs %q, want %q", names, want)
	}
	if got := m.NICs[1].Links; got[1].Kind != topology.NODE || got[2].Kind != topology.PXB || got[4].Kind != topology.SYS {
		t.Errorf("mlx5_1 reaches the GPUs by %v", got)
	}
}

// Forms of the table that drivers and terminals produce.
func TestParseMatrixForms(t *testing.T) {
	tests := map[string]struct {
		text string
		numa []int64
		nics []string
	}{
		"one GPU, double tabs":       {"\tGPU0\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\nGPU0\t X \t0-7\t\tN/A\t\tN/A\n", []int64{-1}, nil},
		"affinities empty":           {"\tGPU0\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\nGPU0\t X \t\t\t\tN/A\n", []int64{-1}, nil},
		"no NUMA column":             {"\tGPU0\tGPU1\tCPU Affinity\nGPU0\t X \tPHB\t0-31\nGPU1\tPHB\t X \t0-31\n", []int64{-1, -1}, nil},
		"no columns after the links": {"     GPU0 GPU1\nGPU0 X    PHB\nGPU1 PHB  X\n", []int64{-1, -1}, nil},
		"NICs by name, without legend": {
			"\tGPU0\tmlx5_0\tCPU Affinity\tNUMA Affinity\nGPU0\t X \tPIX\t0,3-9,11-17\t3\nmlx5_0\tPIX\t X \n", []int64{3},
			[]string{"mlx5_0"}},
		"legend before nothing else": {"GPU0 NIC0\nGPU0 X PIX\nNIC0 PIX X\n\nNIC Legend:\n  NIC0: bnxt_re0\n", []int64{-1},
			[]string{"bnxt_re0"}},
		"NUMA lists and ranges of one": {"GPU0 GPU1 CPU Affinity NUMA Affinity\nGPU0 X SYS 0-7 0,2\nGPU1 SYS X 8-15 1-1\n",
			[]int64{-1, 1}, nil},
		"rows out of order": {"GPU0 GPU1 CPU Affinity NUMA Affinity\nGPU1 SYS X 8-15 1\nGPU0 X SYS 0-7 0\n", []int64{0, 1}, nil},
		"prompts, carriage returns, BOM": {
			"\ufeffroot@node:~# nvidia-smi topo -m\r\n\tGPU0\tCPU Affinity\tNUMA Affinity\r\nGPU0\t X \t0-7\t0\r\n\r\nroot@node:~# \r\n",
			[]int64{0}, nil},
		"no-break spaces":                 {"GPU0\u00a0GPU1\nGPU0\u00a0X\u00a0PIX\nGPU1\u00a0PIX\u00a0X\n", []int64{-1, -1}, nil},
		"GPU memory is a NUMA node":       {"GPU0 CPU Affinity NUMA Affinity GPU NUMA ID\nGPU0 X 0-71 0 2\n", []int64{0}, nil},
		"GPU memory column alone":         {"GPU0  GPU \t NUMA ID\nGPU0 X N/A\n", []int64{-1}, nil},
		"headings split by several blank": {"GPU0  CPU  Affinity   NUMA \t Affinity\tGPU  NUMA  ID\nGPU0 X 0-71 0 N/A\n", []int64{0}, nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			m, err := capture.ParseMatrix(capture.Text{File: "topo.txt", Content: tc.text})
			if err != nil {
				t.Fatal(err)
			}
			var nics []string
			for _, nic := range m.NICs {
				nics = append(nics, nic.Name)
			}
			if !slices.Equal(m.NUMA, tc.numa) || !slices.Equal(nics, tc.nics) {
				t.Errorf("got NUMA nodes %v and NICs %q, want %v and %q", m.NUMA, nics, tc.numa, tc.nics)
			}
		})
	}
}

func TestParseQuery(t *testing.T) {
	gpus, err := capture.ParseQuery(sample(t, "gb200-tray.query.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if len(gpus) != 4 {
		t.Fatalf("%d GPUs, want 4", len(gpus))
	}
	got := gpus[2]
	for _, field := range []struct{ name, got, want string }{
		{"bus id", got.BusID, "0018:01:00.0"},
		{"product", got.Product, "NVIDIA GB200"},
		{"brand", got.Brand, "NVIDIA"},
		{"architecture", got.Architecture, "Blackwell"},
		{"memory", got.Memory.String(), (189471 * topology.MiB).String()},
		{"reserved", got.Reserved.String(), (1055 * topology.MiB).String()},
		{"MIG", got.MIG, "Disabled"},
		{"clique", got.Clique, "8d3f0d59-3c1e-4f5e-9a74-5f0ed2b7c611.32766"},
	} {
		if field.got != field.want {
			t.Errorf("%s %q, want %q", field.name, field.got, field.want)
		}
	}
	if got.DeviceID != 0x294110DE {
		t.Errorf("device id %#x", got.DeviceID)
	}
}

// The memory of MIG devices is not that of their GPU, and a cluster of zeros is
// no clique.
func TestParseQueryOfMIGDevices(t *testing.T) {
	gpus, err := capture.ParseQuery(sample(t, "a30-box.query.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if gpus[0].Memory != 24576*topology.MiB || gpus[0].Reserved != 512*topology.MiB || gpus[0].MIG != "Enabled" {
		t.Errorf("got %+v", gpus[0])
	}
	gpus, err = capture.ParseQuery(sample(t, "hgx-h100.query.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if gpus[0].Clique != "" {
		t.Errorf("clique %q of a machine without one", gpus[0].Clique)
	}
}

// `nvidia-smi -q -d MEMORY` names no product.
func TestParseShortQuery(t *testing.T) {
	gpus, err := capture.ParseQuery(capture.Text{File: "query.txt", Content: `
Attached GPUs : 1
GPU 00000000:18:00.0
    FB Memory Usage
        Total                             : 81559 MiB
        Reserved                          : 551 MiB
    BAR1 Memory Usage
        Total                             : 131072 MiB
`})
	if err != nil {
		t.Fatal(err)
	}
	if gpus[0].Memory != 81559*topology.MiB || gpus[0].Product != "" {
		t.Errorf("got %+v", gpus[0])
	}
}

func TestParseProfiles(t *testing.T) {
	profiles, err := capture.ParseProfiles(sample(t, "a30-box.lgip.txt"))
	if err != nil {
		t.Fatal(err)
	}
	got := profiles[1]
	if got.ID != 21 || got.Name != "1g.6gb+me" || got.Total != 1 || got.Memory != 5949*topology.MiB || got.SMs != 14 ||
		got.CopyEngines != 1 || got.Media != (mig.Media{Decoders: 1, JPEG: 1, OFA: 1}) {
		t.Errorf("got %+v", got)
	}
	placements, err := capture.ParsePlacements(sample(t, "a30-box.lgipp.txt"))
	if err != nil {
		t.Fatal(err)
	}
	want := []mig.Placement{{Start: 0, Size: 2}, {Start: 2, Size: 2}}
	if placements[2].Profile != 5 || !slices.Equal(placements[2].Placements, want) {
		t.Errorf("got %+v", placements[2])
	}
}

// facts are enough for the samples, all of which can be imported.
func facts() capture.Facts {
	return capture.Facts{
		Models: catalogue.Default().Models(), Compute: &topology.ComputeCapability{Major: 8}, P2P: "yes", Source: "a test",
	}
}

func TestMachineOfAnUnknownGPU(t *testing.T) {
	texts := capture.Texts{
		Topology: sample(t, "a30-box.topo.txt"), Query: sample(t, "a30-box.query.txt"),
		Profiles: sample(t, "a30-box.lgip.txt"), Placements: sample(t, "a30-box.lgipp.txt"),
	}
	c, err := capture.MachineFrom("a30-box", texts, facts())
	if err != nil {
		t.Fatal(err)
	}
	want := topology.Model{
		Name: "A30-Sample", Product: "NVIDIA A30 Sample", Brand: "Nvidia", Architecture: "Ampere",
		Compute: topology.ComputeCapability{Major: 8}, Memory: 24576 * topology.MiB, Reserved: 512 * topology.MiB,
		P2P: true, MIG: "A30-Sample", DeviceID: 0x20B710DE, Confidence: "imported", Source: "a test; NVLink: none in the capture",
	}
	if *c.Model != want {
		t.Errorf("got  %+v\nwant %+v", *c.Model, want)
	}
	var names []string
	for _, file := range c.Files {
		names = append(names, file.Name)
	}
	if want := []string{"mig/A30-Sample.txt", "models/A30-Sample.txt", "machines/a30-box.txt"}; !slices.Equal(names, want) {
		t.Errorf("files %q, want %q", names, want)
	}
	// The states of A30, as package mig counts them from the catalogue.
	counts := mig.Count(c.Table, []mig.ProfileID{14, 21, 5, 6, 0})
	if want := (mig.Counts{Legal: 76, Multisets: 20, Full: 17, FullMultisets: 8}); counts != want {
		t.Errorf("states %+v, want %+v", counts, want)
	}
}

func TestMachineOfAKnownGPU(t *testing.T) {
	texts := capture.Texts{Topology: sample(t, "gb200-tray.topo.txt"), Query: sample(t, "gb200-tray.query.txt")}
	c, err := capture.MachineFrom("tray", texts,
		capture.Facts{Models: catalogue.Default().Models(), Source: "a test", NUMA: []int64{0, 0, 1, 1}, Description: "rack 3"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Model != nil || c.Table != nil || len(c.Files) != 1 {
		t.Errorf("a known GPU gets model %v, table %v and %d files", c.Model, c.Table, len(c.Files))
	}
	for i, gpu := range c.Machine.Node.GPUs {
		if want := []int64{0, 0, 1, 1}[i]; gpu.NUMA != want || gpu.Clique != "8d3f0d59-3c1e-4f5e-9a74-5f0ed2b7c611.32766" ||
			gpu.Model.Name != "GB200" {
			t.Errorf("GPU%d is %+v, want NUMA node %d", i, gpu, want)
		}
	}
	if c.Machine.Description != "rack 3" || !strings.Contains(strings.Join(c.Notes, "\n"), `"0,3-9,11-17"`) {
		t.Errorf("description %q, notes %q", c.Machine.Description, c.Notes)
	}
}

// A model that the user names stands in for the product name.
func TestMachineOfANamedGPU(t *testing.T) {
	model, found := knowing()("NVIDIA H100 80GB HBM3")
	if !found {
		t.Fatal("no H100")
	}
	c, err := capture.MachineFrom("box", capture.Texts{Topology: sample(t, "hgx-h100.topo.txt")}, capture.Facts{GPU: model, Source: "a test"})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Machine.Node.GPUs[0]; got.Model != model || got.BusID != "" {
		t.Errorf("got %+v", got)
	}
}

// The same captures give the same files.
func TestMachineIsDeterministic(t *testing.T) {
	texts := capture.Texts{Topology: sample(t, "hgx-h100.topo.txt"), Query: sample(t, "hgx-h100.query.txt")}
	first, err := capture.MachineFrom("box", texts, facts())
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		again, err := capture.MachineFrom("box", texts, facts())
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(first.Files, again.Files) {
			t.Fatal("the files differ")
		}
	}
}
