package publish

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// deviceWith is a device with attributes of strings.
func deviceWith(pairs ...string) resourceapi.Device {
	device := resourceapi.Device{Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{}}
	for i := 0; i < len(pairs); i += 2 {
		device.Attributes[resourceapi.QualifiedName(pairs[i])] = resourceapi.DeviceAttribute{StringValue: &pairs[i+1]}
	}
	return device
}

func sliceWith(driver, node string, devices ...resourceapi.Device) *resourceapi.ResourceSlice {
	return &resourceapi.ResourceSlice{Spec: resourceapi.ResourceSliceSpec{Driver: driver, NodeName: &node, Devices: devices}}
}

func TestFindRival(t *testing.T) {
	own := map[string]bool{"gpu-aaaa": true, "0000:17:00.0": true}
	for name, tc := range map[string]struct {
		allocatable, capacity map[string]string
		published             []*resourceapi.ResourceSlice
		want                  string
	}{
		"nobody":          {},
		"other resources": {allocatable: map[string]string{"cpu": "8", "nvidia.com/hostdev": "2", "amd.com/gpu": "8"}},
		"a plugin's zero": {allocatable: map[string]string{"nvidia.com/gpu": "0"}},
		"a plugin":        {allocatable: map[string]string{"nvidia.com/gpu": "8"}, want: "node n has 8 nvidia.com/gpu from a device plugin"},
		"time slicing": {allocatable: map[string]string{"nvidia.com/gpu.shared": "40"}, want: "node n has 40 nvidia.com/gpu.shared from " +
			"a device plugin"},
		"a restarting one": {allocatable: map[string]string{"nvidia.com/gpu": "0"}, capacity: map[string]string{"nvidia.com/gpu": "8"},
			want: "node n has 8 nvidia.com/gpu from a device plugin"},
		"mixed MIG": {allocatable: map[string]string{"nvidia.com/gpu": "0", "nvidia.com/mig-1g.10gb": "7",
			"nvidia.com/mig-3g.40gb": "2"}, want: "node n has 2 nvidia.com/mig-3g.40gb, 7 nvidia.com/mig-1g.10gb from a device plugin"},
		"shared MIG slices": {allocatable: map[string]string{"nvidia.com/mig-1g.5gb.shared": "14"}, want: "node n has 14 " +
			"nvidia.com/mig-1g.5gb.shared from a device plugin"},
		"NVIDIA's driver, same UUID": {
			published: []*resourceapi.ResourceSlice{sliceWith("gpu.nvidia.com", "n", deviceWith("uuid", "GPU-aaaa"), deviceWith("uuid",
				"GPU-bbbb"))},
			want: "gpu.nvidia.com publishes the same GPUs of node n (1 device(s) with their UUID or PCI address)",
		},
		"NVIDIA's driver, a slice of the same GPU": {
			published: []*resourceapi.ResourceSlice{sliceWith("gpu.nvidia.com", "n", deviceWith("gpu.nvidia.com/parentUUID", "GPU-aaaa"))},
			want:      "gpu.nvidia.com publishes the same GPUs of node n (1 device(s) with their UUID or PCI address)",
		},
		"NVIDIA's driver, same PCI address": {
			published: []*resourceapi.ResourceSlice{sliceWith("gpu.nvidia.com", "n", deviceWith("resource.kubernetes.io/pciBusID", "0000:17:00.0"))},
			want:      "gpu.nvidia.com publishes the same GPUs of node n (1 device(s) with their UUID or PCI address)",
		},
		"NVIDIA's driver, other GPUs": {
			published: []*resourceapi.ResourceSlice{sliceWith("gpu.nvidia.com", "n", deviceWith("uuid", "GPU-bbbb",
				"resource.kubernetes.io/pciBusID", "0000:65:00.0"))},
		},
		"NVIDIA's driver, unknown GPUs": {
			published: []*resourceapi.ResourceSlice{sliceWith("gpu.nvidia.com", "n", deviceWith("productName", "NVIDIA H100"))},
			want:      "gpu.nvidia.com publishes 1 device(s) of node n without UUID and PCI address, which may be the same GPUs",
		},
		"another node's": {published: []*resourceapi.ResourceSlice{sliceWith("gpu.nvidia.com", "m", deviceWith("uuid", "GPU-aaaa"))}},
		"a NIC's driver": {published: []*resourceapi.ResourceSlice{sliceWith("nic.example.com", "n", deviceWith("uuid", "GPU-aaaa"))}},
	} {
		t.Run(name, func(t *testing.T) {
			node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}}
			node.Status.Allocatable, node.Status.Capacity = resourceList(tc.allocatable), resourceList(tc.capacity)
			if got := findRival(node, tc.published, own); got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

func resourceList(texts map[string]string) corev1.ResourceList {
	list := corev1.ResourceList{}
	for name, text := range texts {
		list[corev1.ResourceName(name)] = resource.MustParse(text)
	}
	return list
}
