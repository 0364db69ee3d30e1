package integration

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// slicesOn are the slices that Ashlar's driver has for a node.
func slicesOn(ctx context.Context, node string) ([]resourceapi.ResourceSlice, error) {
	list, err := world.client.ResourceV1().ResourceSlices().List(ctx, metav1.ListOptions{
		FieldSelector: "spec.driver=" + deviceapi.Driver + ",spec.nodeName=" + node,
	})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// awaitSlices waits until Ashlar's driver has slices for a node, or none.
func awaitSlices(t *testing.T, node string, wanted bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := world.cluster.Until(ctx, "slices of "+node, func(ctx context.Context) error {
		found, err := slicesOn(ctx, node)
		if err == nil && (len(found) > 0) != wanted {
			err = fmt.Errorf("%d slices", len(found))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// awaitNodeEvent waits for the event in which the driver says that it publishes nothing.
func awaitNodeEvent(t *testing.T, node, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := world.cluster.Until(ctx, "an event on "+node, func(ctx context.Context) error {
		list, err := world.client.CoreV1().Events(metav1.NamespaceAll).List(ctx, metav1.ListOptions{
			FieldSelector: "involvedObject.kind=Node,involvedObject.name=" + node + ",reason=GPUsNotPublished",
		})
		if err != nil {
			return err
		}
		for _, event := range list.Items {
			if strings.Contains(event.Message, text) {
				return nil
			}
		}
		return fmt.Errorf("%d other events", len(list.Items))
	}); err != nil {
		t.Fatal(err)
	}
}

// The driver, with the permissions that base gives it, leaves a node to a device plugin
// and takes it back.
func TestDriverBesideDevicePlugin(t *testing.T) {
	const node = "beside-plugin"
	setGPUs := func(count int) {
		t.Helper()
		patch := fmt.Sprintf(`{"status":{"capacity":{"nvidia.com/gpu":"%d"},"allocatable":{"nvidia.com/gpu":"%d"}}}`, count, count)
		if _, err := world.client.CoreV1().Nodes().Patch(t.Context(), node, types.MergePatchType, []byte(patch), metav1.PatchOptions{},
			"status"); err != nil {
			t.Fatal(err)
		}
	}
	awaitSlices(t, node, true)
	setGPUs(4)
	awaitSlices(t, node, false)
	awaitNodeEvent(t, node, "node beside-plugin has 4 nvidia.com/gpu from a device plugin: no GPU is published")
	setGPUs(0)
	awaitSlices(t, node, true)
}

// The same beside NVIDIA's driver, which publishes a GPU with the same UUID.
func TestDriverBesideNVIDIADriver(t *testing.T) {
	node := "beside-nvidia"
	awaitSlices(t, node, true)
	found, err := slicesOn(t.Context(), node)
	if err != nil {
		t.Fatal(err)
	}
	var uuid *string
	for _, slice := range found {
		for _, device := range slice.Spec.Devices {
			if value := device.Attributes[deviceapi.UUID].StringValue; value != nil {
				uuid = value
			}
		}
	}
	theirs, err := world.client.ResourceV1().ResourceSlices().Create(t.Context(), &resourceapi.ResourceSlice{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "theirs-"},
		Spec: resourceapi.ResourceSliceSpec{
			Driver: deviceapi.NVIDIADriver, NodeName: &node,
			Pool: resourceapi.ResourcePool{Name: node, Generation: 1, ResourceSliceCount: 1},
			Devices: []resourceapi.Device{{Name: "gpu-0", Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{
				deviceapi.UUID: {StringValue: uuid},
			}}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	awaitSlices(t, node, false)
	awaitNodeEvent(t, node, "gpu.nvidia.com publishes the same GPUs of node beside-nvidia (1 device(s)")
	if err := world.client.ResourceV1().ResourceSlices().Delete(t.Context(), theirs.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	awaitSlices(t, node, true)
}
