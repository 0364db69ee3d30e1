package catalogue

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// openData opens one of the captures that the catalogue was written from. They
// lie beside the repository and are not part of it: without them the test is
// skipped.
func openData(t *testing.T, name string) *os.File {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if file, err := os.Open(filepath.Join(folder, "shared", "data", name)); err == nil {
			t.Cleanup(func() { file.Close() })
			return file
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			t.Skipf("no folder shared/data with %s beside the repository: nothing to compare the catalogue with", name)
		}
		folder = parent
	}
}

func readJSON(t *testing.T, name string, into any) {
	t.Helper()
	if err := json.NewDecoder(openData(t, name)).Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func TestMachinesMatchCaptures(t *testing.T) {
	var captures struct {
		Machines []struct {
			Key, Description, Confidence string
			Sources                      []string
			NUMA                         []int64             `json:"gpu_numa"`
			Matrix                       [][]string          `json:"gpu_matrix"`
			NICs                         map[string][]string `json:"nic_to_gpu"`
			NICNUMA                      map[string]*int64   `json:"nic_numa"`
			NVLink                       struct {
				Lane int64 `json:"gb_s_per_link_per_dir"`
			} `json:"nvlink"`
		}
	}
	readJSON(t, "topologies.json", &captures)
	c := Default()
	if want := len(captures.Machines) + 1; len(c.Machines()) != want { // 4xA30-pcie is our own
		t.Errorf("%d machines, want %d", len(c.Machines()), want)
	}
	for _, capture := range captures.Machines {
		t.Run(capture.Key, func(t *testing.T) {
			m := c.machines[capture.Key]
			if m == nil {
				t.Fatal("is missing")
			}
			if m.Description != capture.Description || m.Confidence != capture.Confidence || !slices.Equal(m.Sources, capture.Sources) {
				t.Errorf("got  %q, %q, %q\nwant %q, %q, %q",
					m.Description, m.Confidence, m.Sources, capture.Description, capture.Confidence, capture.Sources)
			}
			for i, row := range capture.Matrix {
				if got := m.Node.GPUs[i].NUMA; got != capture.NUMA[i] {
					t.Errorf("GPU%d: NUMA node %d, want %d", i, got, capture.NUMA[i])
				}
				if got := linkNames(m.Node.Links[i]); !slices.Equal(got, row) {
					t.Errorf("GPU%d: got %v, want %v", i, got, row)
				}
			}
			if len(m.Node.GPUs) != len(capture.Matrix) || len(m.Node.NICs) != len(capture.NICs) {
				t.Errorf("%d GPUs and %d NICs, want %d and %d", len(m.Node.GPUs), len(m.Node.NICs), len(capture.Matrix), len(capture.NICs))
			}
			for _, nic := range m.Node.NICs {
				numa := topology.NoNUMA
				if captured := capture.NICNUMA[nic.Name]; captured != nil {
					numa = *captured
				}
				if got := linkNames(nic.Links); !slices.Equal(got, capture.NICs[nic.Name]) || nic.NUMA != numa {
					t.Errorf("%s: got %v on NUMA node %d, want %v on %d", nic.Name, got, nic.NUMA, capture.NICs[nic.Name], numa)
				}
			}
			if m.standard != nil && capture.NVLink.Lane != 0 && m.standard.Node.GPUs[0].Model.LaneGBps != capture.NVLink.Lane {
				t.Errorf("one NVLink has %d GB/s, want %d", m.standard.Node.GPUs[0].Model.LaneGBps, capture.NVLink.Lane)
			}
		})
	}
}

func linkNames(links []topology.Link) []string {
	names := make([]string, len(links))
	for i, link := range links {
		names[i] = link.String()
	}
	return names
}

func TestMIGMatchesCaptures(t *testing.T) {
	var captures struct {
		Enums map[string]int64 `json:"nvml_gi_profile_enums_v0_13_2"`
		GPUs  []struct {
			Key           string
			Devices       []string `json:"pci_device_ids"`
			MemorySlices  int64    `json:"total_memory_slices"`
			ComputeSlices int64    `json:"total_compute_slices"`
			Profiles      []struct {
				Name          string
				ID            mig.ProfileID `json:"gi_profile_id"`
				Enum          string        `json:"nvml_enum"`
				Max           int64         `json:"max_instances"`
				Memory        int64         `json:"memory_mib"`
				SM            int64
				ComputeSlices int64 `json:"compute_slices"`
				MemorySlices  int64 `json:"memory_slices"`
				CopyEngines   int64 `json:"copy_engines"`
				Decoders      int64
				Encoders      int64
				JPEG          int64
				OFA           int64
				Placements    []mig.Placement
			}
		}
	}
	readJSON(t, "mig.json", &captures)
	enums := map[string]int64{}
	for name, value := range captures.Enums {
		name, _, _ = strings.Cut(name, "(") // drops "(+me)" and the like
		enums["GPU_INSTANCE_PROFILE_"+name] = value
	}
	c := Default()
	tables := 0
	for _, capture := range captures.GPUs {
		if len(capture.Profiles) == 0 { // RTX PRO 5000
			continue
		}
		tables++
		gpu, err := c.MIG(capture.Key)
		if err != nil {
			t.Error(err)
			continue
		}
		if gpu.MemorySlices != capture.MemorySlices || gpu.ComputeSlices != capture.ComputeSlices || len(gpu.Profiles) != len(capture.Profiles) {
			t.Errorf("%s: %d memory slices, %d compute slices, %d profiles, want %d, %d, %d", capture.Key,
				gpu.MemorySlices, gpu.ComputeSlices, len(gpu.Profiles), capture.MemorySlices, capture.ComputeSlices, len(capture.Profiles))
		}
		for i, row := range capture.Profiles {
			enum, found := enums[row.Enum]
			if !found {
				t.Fatalf("%s: unknown constant %s", capture.Key, row.Enum)
			}
			want := mig.Profile{
				ID: row.ID, Name: row.Name, Enum: enum, Max: row.Max,
				Memory: topology.Bytes(row.Memory) * topology.MiB, SMs: row.SM,
				ComputeSlices: row.ComputeSlices, MemorySlices: row.MemorySlices, CopyEngines: row.CopyEngines,
				Media:      mig.Media{Decoders: row.Decoders, Encoders: row.Encoders, JPEG: row.JPEG, OFA: row.OFA},
				Placements: row.Placements,
			}
			if got := gpu.Profiles[i]; !reflect.DeepEqual(got, want) {
				t.Errorf("%s: got  %+v\nwant %+v", capture.Key, got, want)
			}
		}
		for _, model := range c.Models() {
			device := fmt.Sprintf("0x%08X", model.DeviceID)
			if model.MIG != capture.Key && slices.Contains(capture.Devices, device) {
				t.Errorf("%s: %s has device id %s, want MIG table %s", model.Name, model.MIG, device, capture.Key)
			}
		}
	}
	if len(c.tables) != tables {
		t.Errorf("%d MIG tables, want %d", len(c.tables), tables)
	}
}

func TestMemoryMatchesCaptures(t *testing.T) {
	keys := map[string][]string{
		"Tesla T4": {"T4"}, "NVIDIA A10": {"A10"}, "NVIDIA A10G": {"A10G"}, "NVIDIA A16 (per GPU)": {"A16"},
		"NVIDIA A30": {"A30-24GB"}, "NVIDIA A40": {"A40"},
		"NVIDIA A100-SXM4-40GB": {"A100-SXM4-40GB"}, "NVIDIA A100-SXM4-80GB": {"A100-SXM4-80GB"},
		"NVIDIA L4": {"L4"}, "NVIDIA L40S": {"L40S"},
		"NVIDIA H100 80GB HBM3 (SXM)": {"H100-SXM5-80GB"}, "NVIDIA H100 PCIe": {"H100-PCIe-80GB"}, "NVIDIA H100 NVL": {"H100-NVL-94GB"},
		"NVIDIA H20": {"H20"}, "NVIDIA GH200 480GB": {"GH200-96GB"}, "NVIDIA H200": {"H200-SXM-141GB", "H200-NVL-141GB"},
		"NVIDIA B200": {"B200"}, "NVIDIA GB200": {"GB200"}, "NVIDIA B300 SXM6 AC": {"B300"}, "NVIDIA GB300": {"GB300"},
		"RTX 3090": {"RTX-3090"}, "RTX 4090": {"RTX-4090"}, "RTX 5070 Ti": {"RTX-5070-Ti"}, "RTX 5090 / 5090 D": {"RTX-5090"},
		"RTX A6000": {"RTX-A6000"}, "RTX 6000 Ada": {"RTX-6000-Ada"},
		"RTX PRO 6000 Blackwell (Server/WS)": {"RTX-PRO-6000", "RTX-PRO-6000-WS"},
		"Tesla V100 32GB":                    {"V100-SXM2-32GB", "V100-SXM3-32GB"},
	}
	rows, err := csv.NewReader(openData(t, "gpu_memory.csv")).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	const columnGPU, columnKind, columnMiB = 0, 1, 3
	compared := 0
	for _, row := range rows[1:] {
		if row[columnKind] != "gpu" || row[columnGPU] == "AMD MI300X" {
			continue
		}
		mib, err := strconv.ParseInt(row[columnMiB], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if len(keys[row[columnGPU]]) == 0 {
			t.Errorf("%s has no model", row[columnGPU])
		}
		for _, key := range keys[row[columnGPU]] {
			compared++
			model, err := Default().Model(key)
			if err != nil {
				t.Error(err)
			} else if want := topology.Bytes(mib) * topology.MiB; model.Memory != want {
				t.Errorf("%s: %s, want %s", key, model.Memory, want)
			}
		}
	}
	if compared == 0 {
		t.Error("compared nothing")
	}
}
