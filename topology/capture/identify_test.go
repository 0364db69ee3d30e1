package capture_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/capture"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// gpuText is one GPU of a query.
type gpuText struct{ product, device, memory, mode string }

// identityQuery renders a query with little more than what identifies GPUs.
func identityQuery(gpus ...gpuText) capture.Text {
	var b strings.Builder
	for i, gpu := range gpus {
		fmt.Fprintf(&b, "GPU 00000000:%02X:00.0\n", 16+i)
		for _, setting := range [][2]string{
			{"    Product Name", gpu.product}, {"    GPU Virtualization Mode\n        Virtualization Mode", gpu.mode},
			{"    PCI\n        Device Id", gpu.device}, {"    FB Memory Usage\n        Total", gpu.memory},
		} {
			if setting[1] != "" {
				fmt.Fprintf(&b, "%s : %s\n", setting[0], setting[1])
			}
		}
	}
	return capture.Text{File: "query.txt", Content: b.String()}
}

// nodesText is the topology of some GPUs without NVLink.
func nodesText(count int) capture.Text {
	var b strings.Builder
	for i := range count {
		fmt.Fprintf(&b, " GPU%d", i)
	}
	for i := range count {
		fmt.Fprintf(&b, "\nGPU%d", i)
		for j := range count {
			b.WriteString(map[bool]string{true: " X", false: " NODE"}[i == j])
		}
	}
	return capture.Text{File: "topo.txt", Content: b.String()}
}

// A GPU is known by its name as any driver spells it, and by what PCI says of it where it
// has no name.
func TestIdentity(t *testing.T) {
	tests := map[string]struct {
		gpus  []gpuText
		given string // the model that the user named
		want  string // the model's name
		note  string
		err   string
	}{
		"name of driver 450": {gpus: []gpuText{{product: "A100-SXM4-40GB", device: "0x20B010DE", memory: "40537 MiB"}},
			want: "A100-SXM4-40GB", note: "the capture shows 40537 MiB of memory"},
		"name of driver 450, model given": {gpus: []gpuText{{product: "A100-SXM4-40GB", device: "0x20B010DE", memory: "40537 MiB"}},
			given: "A100-SXM4-40GB", want: "A100-SXM4-40GB"},
		"name without a socket's generation": {gpus: []gpuText{{product: "NVIDIA A100-SXM-80GB", device: "0x20B210DE", memory: "81251 MiB"}},
			want: "A100-SXM4-80GB"},
		"name without Tesla":   {gpus: []gpuText{{product: "NVIDIA T4"}}, want: "T4"},
		"name without GeForce": {gpus: []gpuText{{product: "NVIDIA RTX 4090", device: "0x268410DE"}}, want: "RTX-4090"},
		"name with Quadro":     {gpus: []gpuText{{product: "Quadro RTX A6000", device: "0x223010DE"}}, want: "RTX-A6000"},
		"no name": {gpus: []gpuText{{product: "NVIDIA Graphics Device", device: "0x233010DE", memory: "81559 MiB"}},
			want: "H100-SXM5-80GB", note: `query.txt:4: Device Id 0x233010DE is H100-SXM5-80GB's and Product Name is "NVIDIA Graphics Device"`},
		"name that could not be read": {gpus: []gpuText{{product: "ERR!", device: "0x26B910DE"}},
			want: "L40S", note: `query.txt:2: Product Name is "ERR!": the driver failed to read that, look for Xid errors of GPU 0000:10:00.0`},
		"no name field": {gpus: []gpuText{{device: "0x26B910DE"}}, want: "L40S", note: "Product Name is missing"},
		"no name and other memory": {gpus: []gpuText{{product: "Graphics Device", device: "0x233010DE", memory: "65536 MiB"}},
			err: `query.txt:2: Product Name is "Graphics Device": capture nvidia-smi -q without -d and with a driver that knows the GPU`},
		"no name and an unknown device": {gpus: []gpuText{{product: "Graphics Device", device: "0x999910DE"}},
			err: `query.txt:2: Product Name is "Graphics Device"`},
		"a deprecated name": {gpus: []gpuText{{product: "Requested functionality has been deprecated"}},
			err: `query.txt:2: Product Name is "Requested functionality has been deprecated": capture`},
		"name and device of two models": {gpus: []gpuText{{product: "A100-SXM4-40GB", device: "0x20B210DE"}},
			err: `query.txt:4: Device Id 0x20B210DE is A100-SXM4-80GB's, and Product Name "A100-SXM4-40GB" is A100-SXM4-40GB's: say with --gpu`},
		"name and device of two models, one given": {gpus: []gpuText{{product: "A100-SXM4-40GB", device: "0x20B210DE"}},
			given: "A100-SXM4-40GB", want: "A100-SXM4-40GB", note: "query.txt:4: Device Id is 0x20B210DE, the catalogue has 0x20B010DE"},
		"another device of that name": {gpus: []gpuText{{product: "NVIDIA H100 PCIe", device: "0x999910DE"}},
			want: "H100-PCIe-80GB", note: "query.txt:4: Device Id is 0x999910DE, the catalogue has 0x233110DE for H100-PCIe-80GB"},
		"another product of that device": { // A2 and A16 share device id and memory
			gpus: []gpuText{{product: "NVIDIA A2", device: "0x25B610DE", memory: "15356 MiB"}},
			err:  "query.txt:4: Device Id 0x25B610DE and memory are those of A16 too: if the GPU is one, leave all that out and add --gpu A16"},
		"another product of that device, model given": {gpus: []gpuText{{product: "NVIDIA A2", device: "0x25B610DE", memory: "15356 MiB"}},
			given: "A16", want: "A16", note: `Product Name is "NVIDIA A2": check that it is one`},
		"other model given": {gpus: []gpuText{{product: "Tesla T4", device: "0x1EB810DE"}}, given: "L40S",
			err: `query.txt:2: Product Name is "Tesla T4", L40S was given: leave --gpu out`},
		"other model given, no name": {gpus: []gpuText{{product: "Graphics Device", device: "0x1EB810DE"}}, given: "L40S",
			err: "query.txt:4: Device Id 0x1EB810DE is T4's, L40S was given: leave --gpu out"},
		"model given, nothing known": {gpus: []gpuText{{product: "[Unknown Error]", memory: "[N/A]"}}, given: "L40S", want: "L40S"},
		"vGPU with the card's memory": {gpus: []gpuText{{product: "GRID A100-40C", device: "0x20B010DE", memory: "40960 MiB", mode: "VGPU"}},
			given: "A100-SXM4-40GB", err: `Product Name is "GRID A100-40C", A100-SXM4-40GB was given: leave --gpu out, a vGPU has less`},
		"vGPU by its name alone": {gpus: []gpuText{{product: "NVIDIA A40-48Q", device: "0x223510DE", memory: "46068 MiB"}}, given: "A40",
			err: `query.txt:2: Product Name is "NVIDIA A40-48Q", A40 was given: leave --gpu out, a vGPU has less`},
		"name that could not be read, unknown device": {gpus: []gpuText{{product: "[GPU is lost]", device: "ERR!"}},
			err: `query.txt:2: Product Name is "[GPU is lost]", the driver failed to read it: look for Xid errors of GPU 0000:10:00.0`},
		"nameless vGPU": {gpus: []gpuText{{product: "Graphics Device", device: "0x20B010DE", memory: "40960 MiB", mode: "VGPU"}},
			err: `Product Name is "Graphics Device"`},
		"passed through": {gpus: []gpuText{{product: "NVIDIA A100-SXM4-40GB", device: "0x20B010DE", mode: "Pass-Through"}},
			want: "A100-SXM4-40GB"},
		"one model in two spellings": {gpus: []gpuText{{product: "Tesla T4"}, {product: "NVIDIA T4"}}, want: "T4"},
		"one of two without a name":  {gpus: []gpuText{{product: "ERR!", device: "0x1EB810DE"}, {product: "Tesla T4"}}, want: "T4"},
		"two models": {gpus: []gpuText{{product: "Tesla T4"}, {product: "NVIDIA L4"}, {product: "Tesla T4"}},
			err: `query.txt:3: GPU 1 is "NVIDIA L4", GPU 0 is "Tesla T4": a machine type has GPUs of one model, keep those of one`},
		"three models, one unknown": {gpus: []gpuText{{product: "Tesla T4"}, {product: "Tesla K80"}, {product: "NVIDIA L4"}},
			err: `GPU 1 is "Tesla K80", GPU 0 is "Tesla T4", GPU 2 is "NVIDIA L4": a machine type has GPUs of one model`},
		"two models, one without a name": {gpus: []gpuText{{product: "Tesla T4"}, {product: "N/A", device: "0x26B910DE"}},
			err: `GPU 1 is "device 0x26B910DE", GPU 0 is "Tesla T4"`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			facts := capture.Facts{Models: catalogue.Default().Models(), Source: "a test"}
			if tc.given != "" {
				var err error
				if facts.GPU, err = catalogue.Default().Model(tc.given); err != nil {
					t.Fatal(err)
				}
			}
			c, err := capture.MachineFrom("box", capture.Texts{Topology: nodesText(len(tc.gpus)), Query: identityQuery(tc.gpus...)}, facts)
			if tc.err != "" {
				wantError(t, err, tc.err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, c.Machine.Node.GPUs[0].Model.Name); diff != "" {
				t.Errorf("model (-want +got):\n%s", diff)
			}
			if notes := strings.Join(c.Notes, "\n"); !strings.Contains(notes, tc.note) {
				t.Errorf("notes %q, want %q", notes, tc.note)
			}
		})
	}
}

// Every brand that NVML has, as nvidia-smi prints it.
func TestBrands(t *testing.T) {
	for printed, want := range map[string]string{
		"Unknown": "Unknown", "Quadro": "Quadro", "Tesla": "Tesla", "NVS": "NVS", "Grid": "Grid", "GRID": "Grid", "GeForce": "GeForce",
		"Titan": "Titan", "NVIDIA Virtual Applications": "NvidiaVApps", "NVIDIA Virtual PC": "NvidiaVPC",
		"NVIDIA Virtual Compute Server": "NvidiaVCS", "NVIDIA vGPU for Compute": "NvidiaVCS",
		"NVIDIA RTX Virtual Workstation": "NvidiaVWS", "NVIDIA Virtual Workstation": "NvidiaVWS",
		"NVIDIA Cloud Gaming": "NvidiaCloudGaming", "NVIDIA vGaming": "NvidiaCloudGaming", "Quadro RTX": "QuadroRTX",
		"NVIDIA RTX": "NvidiaRTX", "NVIDIA": "Nvidia", "GeForce RTX": "GeForceRTX", "Titan RTX": "TitanRTX", "TITAN RTX": "TitanRTX",
		"NVIDIA DLA": "NvidiaDLA", "NVIDIA VGAMEDEV": "NvidiaVGameDev", "NVIDIA NPU": "NvidiaNPU",
	} {
		t.Run(printed, func(t *testing.T) {
			query := "GPU 00000000:02:00.0\n    Product Name : GRID X1-8C\n    Product Brand : " + printed +
				"\n    FB Memory Usage\n        Total : 8192 MiB\n"
			c, err := capture.MachineFrom("box",
				capture.Texts{Topology: nodesText(1), Query: capture.Text{File: "query.txt", Content: query}},
				capture.Facts{Compute: &topology.ComputeCapability{Major: 7}, P2P: "no", Source: "a test"})
			if err != nil {
				t.Fatal(err)
			}
			if c.Model.Brand != want || c.Model.Architecture != "Volta" {
				t.Errorf("brand %s and architecture %s, want %s and Volta", c.Model.Brand, c.Model.Architecture, want)
			}
		})
	}
}
