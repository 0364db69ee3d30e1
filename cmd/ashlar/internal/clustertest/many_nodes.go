package clustertest

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/publish"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// ManyNodes is a cluster of so many DGX H100 that offer all of their 216 devices, with a pod on half of the GPUs of each, and a pod, big in
// namespace default, that waits for sixteen GPUs.
func ManyNodes(t testing.TB, count int) *dryrun.ClusterObjects {
	t.Helper()
	machine, err := catalogue.Default().Machine("dgx-h100")
	if err != nil {
		t.Fatal(err)
	}
	inventory, err := simulated.Node{Name: "node", Machine: machine}.Discover(catalogue.Default().MIG)
	if err != nil {
		t.Fatal(err)
	}
	offered := inventory.ListDevices(discovery.DeviceOptions{AnyMode: true})
	published := publish.ResourceSlices("node", publish.DriverResources("node", inventory, offered, nil))
	o := &dryrun.ClusterObjects{}
	o.Classes = append(
		o.Classes,
		&resourceapi.DeviceClass{ObjectMeta: metav1.ObjectMeta{Name: deviceapi.Driver}, Spec: resourceapi.DeviceClassSpec{
			Selectors: []resourceapi.DeviceSelector{{CEL: &resourceapi.CELDeviceSelector{
				Expression: fmt.Sprintf("device.driver == %q && device.attributes[%q].type == 'gpu'", deviceapi.Driver, deviceapi.Driver)}}}}},
	)
	room := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse(
			"128",
		),
		corev1.ResourceMemory: resource.MustParse("1Ti"),
		corev1.ResourcePods:   resource.MustParse("110"),
	}
	for i := range count {
		name := fmt.Sprintf("h100-%04d", i)
		o.Nodes = append(
			o.Nodes,
			&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{Capacity: room, Allocatable: room}},
		)
		for k, slice := range published {
			slice := slice.DeepCopy()
			slice.Name, slice.Spec.NodeName, slice.Spec.Pool.Name = fmt.Sprintf("%s-%d", name, k), ptr.To(name), name
			nameGPUs(slice, i)
			o.Slices = append(o.Slices, slice)
		}
		for gpu := range 4 {
			pod := podWithClaim(fmt.Sprintf("worker-%d-%d", i, gpu))
			pod.Spec.NodeName, pod.Status.Phase = name, corev1.PodRunning
			claim := claimOf(pod, 1)
			claim.Status.Allocation = &resourceapi.AllocationResult{Devices: resourceapi.DeviceAllocationResult{
				Results: []resourceapi.DeviceRequestAllocationResult{
					{Request: "gpu", Driver: deviceapi.Driver, Pool: name, Device: fmt.Sprintf("gpu-%d", gpu)}}}}
			claim.Status.ReservedFor = []resourceapi.ResourceClaimConsumerReference{{Resource: "pods", Name: pod.Name, UID: pod.UID}}
			o.Pods, o.Claims = append(o.Pods, pod), append(o.Claims, claim)
		}
	}
	big := podWithClaim("big")
	o.Pods, o.Claims = append(o.Pods, big), append(o.Claims, claimOf(big, 16))
	return o
}

// nameGPUs gives the GPUs of a node UUIDs of their own.
func nameGPUs(slice *resourceapi.ResourceSlice, node int) {
	for i := range slice.Spec.Devices {
		for _, name := range []resourceapi.QualifiedName{deviceapi.UUID, deviceapi.ParentUUID} {
			if value := slice.Spec.Devices[i].Attributes[name]; value.StringValue != nil {
				own := fmt.Sprintf("%s-%04d", *value.StringValue, node)
				slice.Spec.Devices[i].Attributes[name] = resourceapi.DeviceAttribute{StringValue: &own}
			}
		}
	}
}

func podWithClaim(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)},
		Spec: corev1.PodSpec{
			SchedulerName: "ashlar-scheduler", Containers: []corev1.Container{{Name: "c", Image: "example.com/image"}},
			ResourceClaims: []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimName: ptr.To(name)}},
		},
	}
}

func claimOf(pod *corev1.Pod, gpus int64) *resourceapi.ResourceClaim {
	return &resourceapi.ResourceClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, UID: types.UID("claim-" + pod.Name)},
		Spec: resourceapi.ResourceClaimSpec{Devices: resourceapi.DeviceClaim{Requests: []resourceapi.DeviceRequest{{
			Name: "gpu", Exactly: &resourceapi.ExactDeviceRequest{
				DeviceClassName: deviceapi.Driver, AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: gpus}}}}},
	}
}
