package catalogue

import (
	"slices"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

func TestLoad(t *testing.T) {
	c, err := LoadFS()
	if err != nil {
		t.Fatal(err)
	}
	if len(c.models) == 0 || len(c.tables) == 0 || len(c.machines) == 0 {
		t.Errorf("%d models, %d MIG tables, %d machines, want some of each", len(c.models), len(c.tables), len(c.machines))
	}
	Default() // must not panic
}

func TestModels(t *testing.T) {
	c := Default()
	models := c.Models()
	if !slices.IsSortedFunc(models, func(a, b *topology.Model) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("Models are not sorted")
	}
	devices := map[uint32]string{}
	for i, model := range models {
		for _, other := range models[:i] {
			if topology.SameProduct(model.Product, other.Product) {
				t.Errorf("products of %s and %s are spellings of one", model.Name, other.Name)
			}
		}
		if found, err := c.Model(model.Name); err != nil || found != model {
			t.Errorf("Model(%q) = %v, %v", model.Name, found, err)
		}
		if found, ok := c.ModelByProduct(model.Product); !ok || found != model {
			t.Errorf("ModelByProduct(%q) = %v, %v", model.Product, found, ok)
		}
		if other := devices[model.DeviceID]; other != "" && model.DeviceID != 0 {
			t.Errorf("%s and %s have device id %#x", model.Name, other, model.DeviceID)
		}
		devices[model.DeviceID] = model.Name
		if model.MIG != "" {
			gpu, err := c.MIG(model.MIG)
			if err != nil {
				t.Errorf("%s: %v", model.Name, err)
				continue
			}
			for _, p := range gpu.Profiles {
				if p.Memory > model.Memory {
					t.Errorf("%s: MIG profile %s has %s, more than the GPU's %s", model.Name, p.Name, p.Memory, model.Memory)
				}
			}
		}
	}
}

func TestModel(t *testing.T) {
	got, err := Default().Model("A30-24GB")
	if err != nil {
		t.Fatal(err)
	}
	want := topology.Model{
		Name: "A30-24GB", Product: "NVIDIA A30", Brand: "Nvidia", Architecture: "Ampere",
		Compute: topology.ComputeCapability{Major: 8, Minor: 0}, Memory: 24 * topology.GiB,
		LaneGBps: 25, P2P: true, MIG: "A30-24GB", DeviceID: 0x20B710DE,
		Confidence: "high", Source: "memory: public log; reserved: not captured",
	}
	if *got != want {
		t.Errorf("got  %+v\nwant %+v", *got, want)
	}
}

func TestMachines(t *testing.T) {
	c := Default()
	names := c.Machines()
	if !slices.IsSorted(names) {
		t.Error("Machines are not sorted")
	}
	for _, name := range names {
		if c.machines[name].standard == nil {
			name += "/L40S"
		}
		m, err := c.Machine(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := m.Node.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if m.Name != name || m.Description == "" || m.Confidence == "" || len(m.Sources) == 0 {
			t.Errorf("%s: incomplete: %+v", name, m)
		}
		if again, _ := c.Machine(name); again != m {
			t.Errorf("%s: two calls give two values", name)
		}
	}
}

// Bus ids are distinct, and roots agree with the links: what meets below a host
// bridge has one root, what meets above it has two.
func TestMachinesPCIe(t *testing.T) {
	// The VM shows one root for GPUs that nvidia-smi calls SYS.
	flat := []string{"aws-p3.16xlarge"}
	c := Default()
	for _, name := range c.Machines() {
		node := c.machines[name].Node
		seen := map[string]bool{}
		for i, gpu := range node.GPUs {
			if gpu.BusID == "" || gpu.PCIeRoot == "" || seen[gpu.BusID] {
				t.Errorf("%s: GPU%d has bus id %q and root %q", name, i, gpu.BusID, gpu.PCIeRoot)
			}
			seen[gpu.BusID] = true
			for j, link := range node.Links[i] {
				same := gpu.PCIeRoot == node.GPUs[j].PCIeRoot
				switch link.Kind {
				case topology.PIX, topology.PXB, topology.PHB:
					if !same {
						t.Errorf("%s: GPU%d and GPU%d are %s but have different roots", name, i, j, link)
					}
				case topology.NODE, topology.SYS:
					if same && !slices.Contains(flat, name) {
						t.Errorf("%s: GPU%d and GPU%d are %s but have one root", name, i, j, link)
					}
				}
			}
		}
	}
}

func TestMachineWithModel(t *testing.T) {
	c := Default()
	generic, err := c.Machine("8xpcie-pix-pairs/L40S")
	if err != nil {
		t.Fatal(err)
	}
	if got := generic.Node.GPUs[7].Model.Name; got != "L40S" {
		t.Errorf("GPU 7 is a %s, want L40S", got)
	}
	standard, _ := c.Machine("dgx-a100")
	if same, err := c.Machine("dgx-a100/A100-SXM4-80GB"); same != standard {
		t.Errorf("naming the standard model gives %v, %v, want the standard machine", same, err)
	}
	other, err := c.Machine("dgx-a100/A100-SXM4-40GB")
	if err != nil {
		t.Fatal(err)
	}
	if got := other.Node.GPUs[0].Model.Memory; got != 40*topology.GiB {
		t.Errorf("memory is %s, want 40GiB", got)
	}
	if got := standard.Node.GPUs[0].Model.Memory; got != 80*topology.GiB {
		t.Errorf("the standard machine's memory became %s", got)
	}
}

func TestUnknownNames(t *testing.T) {
	c := Default()
	machine := func(name string) func() error {
		return func() error { _, err := c.Machine(name); return err }
	}
	model := func(name string) func() error {
		return func() error { _, err := c.Model(name); return err }
	}
	tests := map[string]struct {
		ask  func() error
		want string // the count of names is left out
	}{
		"typing error": {machine("dgx-h10"), `unknown machine "dgx-h10": the nearest is dgx-h100, `},
		"part of a name": {model("h100"),
			`unknown GPU model "h100": the nearest is H100-NVL-94GB, H100-PCIe-80GB, H100-SXM5-80GB; all `},
		"nothing near": {model("MI300X-OAM-192"), `unknown GPU model "MI300X-OAM-192": all `},
		"model of a machine": {machine("dgx-h100/L40"),
			`machine dgx-h100/L40: unknown GPU model "L40": the nearest is L40S, `},
		"no model": {machine("8xpcie-pix-pairs"),
			`machine 8xpcie-pix-pairs does not say which GPU it has: write 8xpcie-pix-pairs/MODEL, for example 8xpcie-pix-pairs/L40S`},
		"model without NVLink": {machine("dgx-h100/L40S"),
			`machine dgx-h100 has NV18 between GPU0 and GPU1, but L40S has no NVLink: choose a model that has`},
		"MIG table": {func() error { _, err := c.MIG("A30"); return err },
			`unknown MIG table "A30": the nearest is A30-24GB; all `},
		"empty": {machine(""), `unknown machine "": all `},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			err := tc.ask()
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got  %v\nwant %s...", err, tc.want)
			}
		})
	}
}

func TestNVLinkIslands(t *testing.T) {
	tests := map[string][]int64{
		"dgx-h100":             {0, 0, 0, 0, 0, 0, 0, 0},
		"2xNVL4-h200":          {0, 0, 0, 0, 4, 4, 4, 4},
		"8xA100-pcie-oddpairs": {0, 1, 0, 1, 4, 4, 6, 6},
		"4gpu-mixed-bridge":    {0, 0, -1, -1},
		"4xA30-pcie":           {-1, -1, -1, -1},
	}
	for name, want := range tests {
		m, err := Default().Machine(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Node.Islands(); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestMIGTable(t *testing.T) {
	rtx, err := Default().MIG("RTXPRO6000-96GB")
	if err != nil {
		t.Fatal(err)
	}
	if rtx.MemorySlices != 12 || rtx.ComputeSlices != 4 || (rtx.Media != mig.Media{Decoders: 4, Encoders: 4, JPEG: 4, OFA: 1}) {
		t.Errorf("got %d memory slices, %d compute slices, %+v", rtx.MemorySlices, rtx.ComputeSlices, rtx.Media)
	}
	p, found := rtx.Profile(66)
	if !found || p.Name != "2g.48gb-me" || p.Enum != 14 ||
		!slices.Equal(p.Placements, []mig.Placement{{Start: 0, Size: 6}, {Start: 6, Size: 6}}) {
		t.Errorf("profile 66: %+v", p)
	}
}
