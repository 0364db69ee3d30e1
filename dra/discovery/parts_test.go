package discovery

import (
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

func TestBusID(t *testing.T) {
	for given, want := range map[string]string{
		"00000000:1B:00.0": "0000:1b:00.0",
		"0000:1B:00.0":     "0000:1b:00.0",
		"00010000:E2:00.0": "10000:e2:00.0", // behind Intel VMD
		"":                 "",
	} {
		var pci nvml.PciInfo
		for i, char := range []byte(given) {
			pci.BusId[i] = int8(char)
		}
		got, err := BusID(pci)
		if err != nil || got != want {
			t.Errorf("BusID(%q) = %q, %v; want %q", given, got, err, want)
		}
	}
}

func TestPCIeRoot(t *testing.T) {
	for given, want := range map[string]string{
		"../../../devices/pci0000:18/0000:18:01.0/0000:1b:00.0":                                      "pci0000:18",
		"../../../devices/pci10000:e2/10000:e2:00.0":                                                 "pci10000:e2",
		"../../../devices/LNXSYSTM:00/LNXSYBUS:00/ACPI0004:00/VMBUS:00/4731/pci4731:00/4731:00:00.0": "pci4731:00",
		"../../../devices/platform/0000:01:00.0":                                                     "",
		"../../../devices/pcie-controller:00/0000:01:00.0":                                           "",
	} {
		if got := pcieRoot(given); got != want {
			t.Errorf("pcieRoot(%q) = %q, want %q", given, got, want)
		}
	}
}

func TestProfileName(t *testing.T) {
	const eight = 8
	for name, tc := range map[string]struct {
		profile mig.Profile
		memory  topology.Bytes
		want    string
	}{
		// 19.5/80 GiB is a little under 2/8; 2/8 of 80 is 20.
		"A100-80 2g": {mig.Profile{ComputeSlices: 2, MemorySlices: 2, Memory: 19968 * topology.MiB, Enum: 1}, 80 * topology.GiB, "2g.20gb"},
		// 16384/143771 MiB is a little under 1/8; 1/8 of 141 is 17.6.
		"H200 1g+me": {mig.Profile{ComputeSlices: 1, MemorySlices: 1, Memory: 16384 * topology.MiB, Enum: 7},
			143771 * topology.MiB, "1g.18gb+me"},
		// Unknown memory: 1 of 8 slices of 269 is 33.6.
		"B300 1g": {mig.Profile{ComputeSlices: 1, MemorySlices: 1}, 275040 * topology.MiB, "1g.34gb"},
		"GFX":     {mig.Profile{ComputeSlices: 3, MemorySlices: 4, Enum: 17}, 80 * topology.GiB, "3g.40gb+gfx"},
	} {
		if got := profileName(&tc.profile, eight, tc.memory); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestTableWithTooManySlices(t *testing.T) {
	table := &mig.Table{Profiles: []mig.Profile{{Placements: []mig.Placement{{Start: 16, Size: 1}}}}}
	if err := completeTable(table, 3, topology.GiB); err == nil {
		t.Error("a table of 17 slices is accepted, which mig.Slices cannot hold")
	}
}
