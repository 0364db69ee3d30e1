package publish_test

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/ashlar-dev/ashlar/dra/publish"
)

// setPlugin has a device plugin on node-0 hand out a number of GPUs.
func setPlugin(t *testing.T, client *fake.Clientset, gpus int64) {
	t.Helper()
	node, err := client.CoreV1().Nodes().Get(t.Context(), "node-0", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	node.Status.Allocatable = corev1.ResourceList{"nvidia.com/gpu": *resource.NewQuantity(gpus, resource.DecimalSI)}
	if _, err := client.CoreV1().Nodes().UpdateStatus(t.Context(), node, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// waitSlices waits until the driver has so many slices.
func waitSlices(t *testing.T, client *fake.Clientset, want int) {
	t.Helper()
	got := -1
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		list, err := client.ResourceV1().ResourceSlices().List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got = len(list.Items); got == want {
			return
		}
	}
	t.Fatalf("%d slices, want %d", got, want)
}

// waitEvent waits for an event on the node with a text.
func waitEvent(t *testing.T, client *fake.Clientset, reason, text string) {
	t.Helper()
	var seen []string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		list, err := client.CoreV1().Events("").List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		seen = nil
		for _, event := range list.Items {
			seen = append(seen, event.Reason+": "+event.Message)
			if event.Reason == reason && strings.Contains(event.Message, text) &&
				event.InvolvedObject.Kind == "Node" && event.InvolvedObject.Name == "node-0" {
				return
			}
		}
	}
	t.Fatalf("events %q, want %s: %s", seen, reason, text)
}

// A device plugin that is there keeps everything unpublished, what was published before
// included; when it goes the GPUs are published, when it comes they are withdrawn.
func TestPublishBesideDevicePlugin(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client := newClient("")
	resources := resourcesOf(t, "4xA30-pcie")
	all := len(publish.ResourceSlices("node-0", resources))

	stop, err := startPublishing(ctx, t, client, resources)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	waitSlices(t, client, all)

	setPlugin(t, client, 4)
	stop, err = startPublishing(ctx, t, client, resources)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	waitSlices(t, client, 0)
	waitEvent(t, client, "GPUsNotPublished", "node node-0 has 4 nvidia.com/gpu from a device plugin: no GPU is published by "+
		"gpu.ashlar.dev, or GPUs "+
		"would be handed out twice")

	setPlugin(t, client, 0)
	waitSlices(t, client, all)
	waitEvent(t, client, "GPUsPublished", "nobody else hands the GPUs out any more")

	setPlugin(t, client, 3)
	waitSlices(t, client, 0)
	waitEvent(t, client, "GPUsNotPublished", "node node-0 has 3 nvidia.com/gpu from a device plugin")
}

// NVIDIA's driver, which publishes the same GPU later, is left alone with it.
func TestPublishBesideNVIDIADriver(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client := newClient("")
	resources := resourcesOf(t, "4xA30-pcie")
	stop, err := startPublishing(ctx, t, client, resources)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	var uuid *string
	for _, slice := range resources.Pools["node-0"].Slices {
		for _, device := range slice.Devices {
			if value := device.Attributes["uuid"].StringValue; value != nil {
				uuid = value
			}
		}
	}
	if uuid == nil {
		t.Fatal("no GPU has a UUID")
	}
	name := "node-0"
	theirs := &resourceapi.ResourceSlice{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "theirs-"},
		Spec: resourceapi.ResourceSliceSpec{
			Driver: "gpu.nvidia.com", NodeName: &name, Pool: resourceapi.ResourcePool{Name: name, ResourceSliceCount: 1},
			Devices: []resourceapi.Device{{Name: "gpu-0", Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{
				"uuid": {StringValue: uuid},
			}}},
		},
	}
	// The fake ignores field selectors, so that the driver of another name shares the pool's
	// informer: only the event is looked at.
	if _, err := client.ResourceV1().ResourceSlices().Create(ctx, theirs, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	waitEvent(t, client, "GPUsNotPublished", "gpu.nvidia.com publishes the same GPUs of node node-0 (1 device(s)")
}
