package deviceplacement

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// Device classes beside those of the fake: of adapters, and of whatever there is.
const (
	nicClass  = "nic"
	anyClass  = "any"
	nicDriver = "nic.example.com"
)

func classOf(name, expression string) *resourceapi.DeviceClass {
	return &resourceapi.DeviceClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: resourceapi.DeviceClassSpec{
		Selectors: []resourceapi.DeviceSelector{{CEL: &resourceapi.CELDeviceSelector{Expression: expression}}},
	}}
}

func jointClasses() []runtime.Object {
	return []runtime.Object{classOf(nicClass, fmt.Sprintf("device.driver == %q", nicDriver)), classOf(anyClass, `device.driver != ""`)}
}

// placed gives a device a PCIe root, "" for none, and a NUMA node.
func placed(d resourceapi.Device, root string, numa int64) resourceapi.Device {
	if d.Attributes == nil {
		d.Attributes = map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{}
	}
	if root != "" {
		d.Attributes[deviceapi.PCIeRoot] = resourceapi.DeviceAttribute{StringValue: &root}
	}
	d.Attributes[deviceapi.NUMANode] = resourceapi.DeviceAttribute{IntValue: &numa}
	return d
}

// nicDevice is a network adapter.
func nicDevice(index int, root string, numa int64) resourceapi.Device {
	return placed(resourceapi.Device{Name: fmt.Sprintf("nic-%d", index)}, root, numa)
}

// publishNICs is the slice of a node's adapters.
func publishNICs(node string, devices ...resourceapi.Device) *resourceapi.ResourceSlice {
	slice := publish(node, devices...)
	slice.Name, slice.Spec.Driver = node+"-nics", nicDriver
	return slice
}

// randomCase is a node with GPUs and adapters, some of them held, and a pod that asks for
// both.
type randomCase struct {
	random  *rand.Rand
	objects []runtime.Object
	pod     *v1.Pod
}

func (c *randomCase) root() string {
	return []string{"r0", "r0", "r1", "r1", "r2", "r2", ""}[c.random.IntN(7)]
}

func (c *randomCase) chance(percent int) bool { return c.random.IntN(100) < percent }

// addDevices publishes the node's devices and claims some.
func (c *randomCase) addDevices() {
	var gpus, nics []resourceapi.Device
	for i := range int64(2 + c.random.IntN(5)) {
		gpu := wholeGPU(i, "")
		switch {
		case c.chance(10):
			gpu = vfioDevice(i)
		case c.chance(10):
			gpu = gpuShare(i)
		}
		gpus = append(gpus, placed(gpu, c.root(), int64(c.random.IntN(2))))
	}
	for i := range 1 + c.random.IntN(6) {
		nic := nicDevice(i, c.root(), int64(c.random.IntN(2)))
		if c.chance(10) {
			nic.Taints = []resourceapi.DeviceTaint{{Key: "broken", Effect: resourceapi.DeviceTaintEffectNoSchedule}}
		}
		if c.chance(15) {
			nic.AllowMultipleAllocations = ptr.To(true)
		}
		nics = append(nics, nic)
	}
	gpuSlice, nicSlice := publish("n", gpus...), publishNICs("n", nics...)
	switch c.random.IntN(8) {
	case 0:
		nicSlice.Spec.NodeName, nicSlice.Spec.AllNodes = nil, ptr.To(true)
	case 1:
		nicSlice.Spec.NodeName = nil
		nicSlice.Spec.NodeSelector = &v1.NodeSelector{NodeSelectorTerms: []v1.NodeSelectorTerm{{MatchExpressions: []v1.NodeSelectorRequirement{{
			Key: "rack", Operator: v1.NodeSelectorOpIn, Values: []string{[]string{"a", "b"}[c.random.IntN(2)]},
		}}}}}
	case 2:
		nicSlice.Spec.Pool.ResourceSliceCount = int64(1 + c.random.IntN(2))
	}
	c.objects = append(jointClasses(), gpuSlice, nicSlice)
	for _, slice := range []*resourceapi.ResourceSlice{gpuSlice, nicSlice} {
		for _, d := range slice.Spec.Devices {
			if c.chance(75) || d.AllowMultipleAllocations != nil {
				continue
			}
			claim := held("n", newClaim("held-"+d.Name, anyClass, 1), d.Name)
			claim.Status.Allocation.Devices.Results[0].Driver = slice.Spec.Driver
			c.objects = append(c.objects, claim)
		}
	}
}

// exactly is a random way to ask for devices.
func (c *randomCase) exactly() *resourceapi.ExactDeviceRequest {
	classes := []string{
		gpuClass, gpuClass, gpuClass, gpuClass, gpuClass, gpuClass, nicClass, nicClass, nicClass, nicClass, nicClass,
		anyClass, vfioClass, shareClass,
	}
	exactly := &resourceapi.ExactDeviceRequest{
		DeviceClassName: classes[c.random.IntN(len(classes))], AllocationMode: resourceapi.DeviceAllocationModeExactCount,
		Count: 1,
	}
	if c.chance(25) {
		exactly.Count = 2
	}
	if c.chance(5) {
		exactly.AllocationMode, exactly.Count = resourceapi.DeviceAllocationModeAll, 0
	}
	if c.chance(10) {
		exactly.AdminAccess = ptr.To(true)
	}
	return exactly
}

// addPod asks for devices in one or two claims with constraints.
func (c *randomCase) addPod() {
	c.pod = newPod("pod")
	c.pod.Spec.ResourceClaims = nil
	for k := range 1 + c.random.IntN(2) {
		claim := newClaim(fmt.Sprintf("claim-%d", k), gpuClass, 1)
		claim.Spec.Devices.Requests = nil
		var names []string
		for i := range 1 + c.random.IntN(2+c.random.IntN(2)) {
			request := resourceapi.DeviceRequest{Name: fmt.Sprintf("r%d", i)}
			names = append(names, request.Name)
			request.Exactly = c.exactly()
			if c.chance(15) {
				for a := range 2 {
					e := c.exactly()
					request.FirstAvailable = append(request.FirstAvailable, resourceapi.DeviceSubRequest{
						Name: fmt.Sprintf("a%d", a), DeviceClassName: e.DeviceClassName, AllocationMode: e.AllocationMode, Count: e.Count,
					})
				}
				request.Exactly = nil
				if c.chance(30) {
					names[i] += "/a1"
				}
			}
			claim.Spec.Devices.Requests = append(claim.Spec.Devices.Requests, request)
		}
		for range c.random.IntN(2 + c.random.IntN(2)) {
			attributes := []resourceapi.FullyQualifiedName{deviceapi.PCIeRoot, deviceapi.PCIeRoot, deviceapi.NUMANode, "gpu.ashlar.dev/index"}
			attribute := attributes[c.random.IntN(len(attributes))]
			constraint := resourceapi.DeviceConstraint{MatchAttribute: &attribute}
			if c.chance(20) {
				constraint = resourceapi.DeviceConstraint{DistinctAttribute: &attribute}
			}
			if c.chance(60) {
				constraint.Requests = names[:1+c.random.IntN(len(names))]
			}
			claim.Spec.Devices.Constraints = append(claim.Spec.Devices.Constraints, constraint)
		}
		c.objects = append(c.objects, claim)
		c.pod.Spec.ResourceClaims = append(c.pod.Spec.ResourceClaims, v1.PodResourceClaim{Name: claim.Name, ResourceClaimName: &claim.Name})
	}
}

// Whatever a pod asks for of GPUs and of other drivers' devices, it fits here if and only if
// it fits the in-tree plugin, which sees all devices.
func TestFitsAsInTree(t *testing.T) {
	fits, refused := 0, 0
	seeds := uint64(2000)
	if testing.Short() {
		seeds = 250
	}
	for seed := range seeds {
		c := &randomCase{random: rand.New(rand.NewPCG(seed, 1))}
		c.addDevices()
		c.addPod()
		node := newNode("n")
		node.Labels = map[string]string{"rack": "a"}
		s := newFakeScheduler(t, nil, []*v1.Node{node}, c.objects...)
		stock := framework.NewCycleState()
		want := stockFilter(s, stock, c.pod)
		state := framework.NewCycleState()
		got := fwk.NewStatus(fwk.Unschedulable)
		if _, status := s.PreFilter(context.Background(), state, c.pod, s.nodes); status.IsSuccess() {
			got = s.Filter(context.Background(), state, c.pod, s.nodes[0])
		}
		if got.IsSuccess() != want.IsSuccess() {
			t.Errorf("seed %d: %s %q, in-tree %s %q", seed, got.Code(), got.Message(), want.Code(), want.Message())
		}
		if want.IsSuccess() {
			fits++
		} else {
			refused++
		}
	}
	if fits < 50 || refused < 50 {
		t.Errorf("%d fit and %d do not: both should be many", fits, refused)
	}
}

// stockFilter is what the in-tree plugin says of the only node when nobody steers it.
func stockFilter(s *fakeScheduler, state fwk.CycleState, pod *v1.Pod) *fwk.Status {
	if _, status := s.DynamicResources.PreFilter(context.Background(), state, pod, s.nodes); !status.IsSuccess() {
		return status
	}
	return s.DynamicResources.Filter(context.Background(), state, pod, s.nodes[0])
}
