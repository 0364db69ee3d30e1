package dra

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// identifiedGPU is a whole GPU with a UUID and a PCI address, "" for none.
func identifiedGPU(index int64, uuid, bus string) resourceapi.Device {
	d := gpuDevice(index, "24Gi", "A")
	if uuid != "" {
		d.Attributes[deviceapi.UUID] = resourceapi.DeviceAttribute{StringValue: &uuid}
	}
	if bus != "" {
		d.Attributes[deviceapi.PCIBusID] = resourceapi.DeviceAttribute{StringValue: &bus}
	}
	return d
}

// byNVIDIA is a slice of NVIDIA's driver.
func byNVIDIA(slice *resourceapi.ResourceSlice) *resourceapi.ResourceSlice {
	slice.Name, slice.Spec.Driver = "nvidia-"+slice.Name, deviceapi.NVIDIADriver
	return slice
}

// What cannot be told of GPUs that two drivers or two nodes publish is said once.
func TestIdentityNotes(t *testing.T) {
	cannotTell := func(gpu, of, among string) []string {
		return []string{"gpu.ashlar.dev and gpu.nvidia.com both publish GPUs, and whether GPU " + gpu + " of " + of +
			" is among those of " + among + " cannot be told"}
	}
	const bus = "0000:1b:00.0"
	type slices = []*resourceapi.ResourceSlice
	ours := func(devices ...resourceapi.Device) *resourceapi.ResourceSlice { return sliceOf("n", devices...) }
	nvidias := func(devices ...resourceapi.Device) *resourceapi.ResourceSlice {
		return byNVIDIA(sliceOf("n", devices...))
	}
	unknown := identifiedGPU(0, "", "")
	for name, tc := range map[string]struct {
		published []*resourceapi.ResourceSlice
		want      []string // how the notes begin
	}{
		"one driver":          {slices{ours(unknown)}, nil},
		"the same UUID":       {slices{ours(identifiedGPU(0, "GPU-a", "")), nvidias(identifiedGPU(0, "gpu-A", bus))}, nil},
		"different UUIDs":     {slices{ours(identifiedGPU(0, "GPU-a", "")), nvidias(identifiedGPU(0, "GPU-b", ""))}, nil},
		"different addresses": {slices{ours(identifiedGPU(0, "", bus)), nvidias(identifiedGPU(0, "", "0000:2f:00.0"))}, nil},
		"nothing on one side": {
			slices{ours(unknown), nvidias(identifiedGPU(0, "GPU-a", bus))},
			cannotTell("0", deviceapi.Driver, deviceapi.NVIDIADriver),
		},
		"nothing in common": {
			slices{ours(identifiedGPU(0, "GPU-a", "")), nvidias(identifiedGPU(0, "", bus))},
			cannotTell("0", deviceapi.Driver, deviceapi.NVIDIADriver),
		},
		"nothing of one more": {
			slices{ours(identifiedGPU(0, "GPU-a", "")), nvidias(identifiedGPU(0, "GPU-a", ""), identifiedGPU(1, "", ""))},
			cannotTell("1", deviceapi.NVIDIADriver, deviceapi.Driver),
		},
		"a UUID on two nodes": {
			slices{sliceOf("a", identifiedGPU(0, "GPU-a", "")), sliceOf("b", identifiedGPU(0, "GPU-a", ""))},
			[]string{"nodes a, b publish one and the same GPU gpu-a"},
		},
		"an address on two nodes":  {slices{sliceOf("a", identifiedGPU(0, "", bus)), sliceOf("b", identifiedGPU(0, "", bus))}, nil},
		"both drivers of one node": {slices{ours(identifiedGPU(0, "GPU-a", "")), nvidias(identifiedGPU(0, "GPU-a", ""))}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			source := &Source{}
			source.pools.updatePools(tc.published)
			var got []string
			for i, note := range source.NewIdentityNotes() {
				text := note.Text
				if i < len(tc.want) && strings.HasPrefix(text, tc.want[i]) {
					text = tc.want[i]
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
			source.pools.updatePools(append(tc.published, sliceOf("more", identifiedGPU(0, "", ""))))
			if again := source.NewIdentityNotes(); len(again) > 0 {
				t.Errorf("said again: %v", again)
			}
		})
	}
}
