package install

import (
	"testing"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/google/go-cmp/cmp"
)

// A node of each kind carries the labels that GPU feature discovery writes, and a device
// plugin's counts its GPUs.
func TestSpecOf(t *testing.T) {
	for name, tc := range map[string]struct {
		node       Node
		wantLabels map[string]string
		wantGPUs   int64
	}{
		"Ashlar's driver": {
			node: Node{Name: "n", Machine: "4xA30-pcie", Labels: map[string]string{"ashlar.dev/driver": "true"}},
			wantLabels: map[string]string{
				"nvidia.com/gpu.product": "NVIDIA-A30", "nvidia.com/gpu.count": "4", "nvidia.com/gpu.memory": "24576",
				"nvidia.com/gpu.compute.major": "8", "nvidia.com/gpu.compute.minor": "0", "nvidia.com/gpu.family": "ampere",
				"nvidia.com/mig.capable": "true", "ashlar.dev/driver": "true",
			},
		},
		"a device plugin": {
			node: Node{Name: "n", Machine: "8xpcie-pix-pairs/T4", Offer: OfferedByPlugin},
			wantLabels: map[string]string{
				"nvidia.com/gpu.product": "Tesla-T4", "nvidia.com/gpu.count": "8", "nvidia.com/gpu.memory": "15360",
				"nvidia.com/gpu.compute.major": "7", "nvidia.com/gpu.compute.minor": "5", "nvidia.com/gpu.family": "turing",
				"nvidia.com/mig.capable": "false", "ashlar.dev/driver": "",
			},
			wantGPUs: 8,
		},
	} {
		t.Run(name, func(t *testing.T) {
			spec, err := tc.node.specOf()
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for key := range tc.wantLabels {
				got[key] = spec.Labels[key]
			}
			if diff := cmp.Diff(tc.wantLabels, got); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
			gpus := spec.Capacity[PluginResource]
			if gpus.Value() != tc.wantGPUs {
				t.Errorf("%d GPUs are counted, want %d", gpus.Value(), tc.wantGPUs)
			}
		})
	}
}

func TestSpecOfRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		node Node
		want string
	}{
		"unknown offer": {Node{Name: "n", Machine: "dgx-h100", Offer: "plugin"},
			`node n: offer "plugin": want nvidia-dra-driver or device-plugin, or none`},
		"unknown machine": {Node{Name: "n", Machine: "dgx-h1000"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tc.node.specOf()
			if err == nil || tc.want != "" && err.Error() != tc.want {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// What stands in for NVIDIA's driver has whole GPUs only, and nothing that only Ashlar's
// writes.
func TestNVIDIASlice(t *testing.T) {
	slice, err := Node{Name: "n", Machine: "dgx-h100"}.nvidiaSlice()
	if err != nil {
		t.Fatal(err)
	}
	if slice.Spec.Driver != "gpu.nvidia.com" || len(slice.Spec.Devices) != 8 {
		t.Fatalf("driver %s, %d devices", slice.Spec.Driver, len(slice.Spec.Devices))
	}
	want := map[resourceapi.QualifiedName]bool{
		"type": true, "uuid": true, "productName": true, "brand": true, "architecture": true, "cudaComputeCapability": true,
		"driverVersion": true, "cudaDriverVersion": true, "resource.kubernetes.io/pciBusID": true, "resource.kubernetes.io/pcieRoot": true,
		"resource.kubernetes.io/numaNode": true,
	}
	for _, device := range slice.Spec.Devices {
		got := map[resourceapi.QualifiedName]bool{}
		for name := range device.Attributes {
			got[name] = true
		}
		if diff := cmp.Diff(want, got); diff != "" || len(device.ConsumesCounters) > 0 {
			t.Errorf("%s consumes %v; attributes (-want +got):\n%s", device.Name, device.ConsumesCounters, diff)
		}
	}
}
