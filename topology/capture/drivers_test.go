package capture_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/capture"
)

// What drivers of several years print of one GPU, shortened.
var driverQueries = map[string]struct {
	text string
	want capture.GPU
}{
	"450": {`
==============NVSMI LOG==============

Driver Version                            : 450.119.04
Attached GPUs                             : 1
GPU 00000000:3B:00.0
    Product Name                          : Tesla V100-PCIE-32GB
    Product Brand                         : Tesla
    Display Mode                          : Enabled
    MIG Mode
        Current                           : N/A
        Pending                           : N/A
    GPU Operation Mode
        Current                           : N/A
    GPU Virtualization Mode
        Virtualization Mode               : None
        Host VGPU Mode                    : N/A
    PCI
        Device Id                         : 0x1DB610DE
        Bus Id                            : 00000000:3B:00.0
        GPU Link Info
            PCIe Generation
                Max                       : 3
    FB Memory Usage
        Total                             : 32510 MiB
        Used                              : 0 MiB
    BAR1 Memory Usage
        Total                             : 32768 MiB
`, capture.GPU{BusID: "0000:3b:00.0", Product: "Tesla V100-PCIE-32GB", Brand: "Tesla", Memory: 32510 * topology.MiB, MIG: "N/A",
		DeviceID: 0x1DB610DE, Virtualization: "None"}},
	"535 in a virtual machine": {`
Attached vGPUs                            : 1
GPU 00000000:02:00.0
    Product Name                          : GRID T4-16Q
    Product Brand                         : NVIDIA RTX Virtual Workstation
    Product Architecture                  : Turing
    MIG Mode
        Current                           : N/A
    GPU Virtualization Mode
        Virtualization Mode               : VGPU
        Host VGPU Mode                    : N/A
    vGPU Software Licensed Product
        Product Name                      : NVIDIA RTX Virtual Workstation
        License Status                    : Licensed (Expiry: 2031-3-19 7:29:4 GMT)
    PCI
        Device Id                         : 0x1EB810DE
        Bus Id                            : 00000000:02:00.0
    FB Memory Usage
        Total                             : 16384 MiB
        Reserved                          : 1100 MiB
`, capture.GPU{BusID: "0000:02:00.0", Product: "GRID T4-16Q", Brand: "NVIDIA RTX Virtual Workstation", Architecture: "Turing",
		Memory: 16384 * topology.MiB, Reserved: 1100 * topology.MiB, MIG: "N/A", DeviceID: 0x1EB810DE, Virtualization: "VGPU"}},
	"565 with MIG and confidential computing": {`
Attached GPUs                             : 1
GPU 00000000:1B:00.0
    Product Name                          : NVIDIA H100 80GB HBM3
    Product Brand                         : NVIDIA
    Product Architecture                  : Hopper
    MIG Mode
        Current                           : Enabled
        Pending                           : Enabled
    MIG Device
        Index                             : 0
        Device Attributes
            Shared
                Multiprocessor count      : 16
        ECC Errors
            Volatile
                SRAM Uncorrectable        : 0
        FB Memory Usage
            Total                         : 9984 MiB
            Reserved                      : 0 MiB
        BAR1 Memory Usage
            Total                         : 16383 MiB
    GPU Virtualization Mode
        Virtualization Mode               : Pass-Through
        vGPU Heterogeneous Mode           : N/A
    PCI
        Device Id                         : 0x233010DE
        Bus Id                            : 00000000:1B:00.0
    FB Memory Usage
        Total                             : 81559 MiB
        Reserved                          : [N/A]
    Conf Compute Protected Memory Usage
        Total                             : 1 MiB
    Fabric
        State                             : In Progress
        Status                            : N/A
        CliqueId                          : N/A
        ClusterUUID                       : N/A
`, capture.GPU{BusID: "0000:1b:00.0", Product: "NVIDIA H100 80GB HBM3", Brand: "NVIDIA", Architecture: "Hopper",
		Memory: 81559 * topology.MiB, MIG: "Enabled", DeviceID: 0x233010DE, Virtualization: "Pass-Through"}},
	"580 with deprecated fields": {`
Attached GPUs                             : 1
GPU 00000008:01:00.0
    Product Name                          : NVIDIA GB200
    Product Brand                         : NVIDIA
    Product Architecture                  : Blackwell
    Display Mode                          : Requested functionality has been deprecated
    Display Attached                      : No
    Addressing Mode                       : ATS
    MIG Mode
        Current                           : Disabled
    Platform Info
        Chassis Serial Number             : 1
        Peer Type                         : Switch Connected
        GPU Fabric GUID                   : 0x9a4c1f22ab345678
    PCI
        Base Classcode                    : 0x3
        Device ID                         : 0x294110DE
        Bus ID                            : 00000008:01:00.0
    FB Memory Usage
        Total                             : 189471 MiB
        Reserved                          : ERR!
    Fabric
        State                             : Completed
        Status                            : Success
        Clique Id                         : 7
        Cluster UUID                      : 8d3f0d59-3c1e-4f5e-9a74-5f0ed2b7c611
        Health
            Summary                       : Healthy
            Bandwidth                     : Full
`, capture.GPU{BusID: "0008:01:00.0", Product: "NVIDIA GB200", Brand: "NVIDIA", Architecture: "Blackwell", Memory: 189471 * topology.MiB,
		MIG: "Disabled", DeviceID: 0x294110DE, Clique: "8d3f0d59-3c1e-4f5e-9a74-5f0ed2b7c611.7"}},
}

// Every query is read as it is, and pasted in the ways in which people do.
func TestQueriesOfDrivers(t *testing.T) {
	eachLine := func(change func(string) string) func(string) string {
		return func(text string) string {
			var b strings.Builder
			for line := range strings.Lines(text) {
				b.WriteString(change(strings.TrimSuffix(line, "\n")) + "\n")
			}
			return b.String()
		}
	}
	pasted := map[string]func(string) string{
		"as it is":            func(text string) string { return text },
		"carriage returns":    func(text string) string { return "\ufeff" + strings.ReplaceAll(text, "\n", "\r\n") },
		"fenced":              func(text string) string { return "```console\n$ nvidia-smi -q\n" + text + "```\nroot@node:~# exit\n" },
		"quoted":              eachLine(func(line string) string { return "> " + line }),
		"quoted twice":        eachLine(func(line string) string { return "> > " + line }),
		"logs":                eachLine(func(line string) string { return "[pod/smi/smi] 2026-11-28T18:46:46.1Z " + line }),
		"a comment":           eachLine(func(line string) string { return strings.TrimRight("// "+line, " ") }),
		"indented":            eachLine(func(line string) string { return "    " + line }),
		"tabs":                eachLine(func(line string) string { return strings.ReplaceAll(line, "    ", "\t") }),
		"no-break spaces":     func(text string) string { return strings.ReplaceAll(text, " ", "\u00a0") },
		"beside the topology": func(text string) string { return text + "\n\tGPU0\tCPU Affinity\nGPU0\t X \t0-7\n" },
	}
	for driver, tc := range driverQueries {
		for how, paste := range pasted {
			t.Run(driver+"/"+how, func(t *testing.T) {
				gpus, err := capture.ParseQuery(capture.Text{File: "query.txt", Content: paste(tc.text)})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff([]capture.GPU{tc.want}, gpus, cmp.FilterPath(func(p cmp.Path) bool {
					return p.Last().String() == ".at" || p.Last().String() == ".fields"
				}, cmp.Ignore())); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

// The licence of a vGPU has a product name too, which is not the GPU's where a copy lost
// the indentation.
func TestQueryOfALicenceWithoutIndentation(t *testing.T) {
	var b strings.Builder
	for line := range strings.Lines(driverQueries["535 in a virtual machine"].text) {
		b.WriteString(strings.TrimLeft(line, " "))
	}
	gpus, err := capture.ParseQuery(capture.Text{File: "query.txt", Content: b.String()})
	if err != nil {
		t.Fatal(err)
	}
	if got := gpus[0]; got.Product != "GRID T4-16Q" || got.Memory != 16384*topology.MiB || got.Virtualization != "VGPU" {
		t.Errorf("got %+v", got)
	}
}
