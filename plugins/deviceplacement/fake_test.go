package deviceplacement

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/events"
	"k8s.io/dynamic-resource-allocation/deviceclass/extendedresourcecache"
	"k8s.io/dynamic-resource-allocation/resourceslice/tracker"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/dynamicresources"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/kubernetes/pkg/scheduler/metrics"
	"k8s.io/kubernetes/pkg/scheduler/util/assumecache"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

const space = "default"

// The device classes of the tests, and the extended resource behind the first.
const (
	gpuClass    = "gpu"
	sliceClass  = "slice"
	shareClass  = "share"
	vfioClass   = "vfio"
	adapters    = "nics"
	gpuResource = "example.com/gpu"
)

// fakeScheduler is the plugin on a framework of kube-scheduler with a fake API server, for
// tests that play the scheduler.
type fakeScheduler struct {
	*Plugin
	t        testing.TB
	client   kubernetes.Interface
	claims   fwk.ResourceClaimTracker
	classes  fwk.DeviceClassLister
	recorder *events.FakeRecorder
	nodes    []fwk.NodeInfo
	// asked are the nodes that the last PreFilter let others ask about.
	asked *fwk.PreFilterResult
	// activated are the pods that are to be tried again at once.
	activating sync.Mutex
	activated  []*v1.Pod
	// finish ends what the scheduler has running.
	finish func()
	// nominations are what the scheduler's queue knows.
	nominations *fakeNominator
}

// fakeNominator knows of one pod that is nominated for one node.
type fakeNominator struct {
	fwk.PodNominator
	node string
	pod  fwk.PodInfo
}

func (n *fakeNominator) NominatedPodsForNode(node string) []fwk.PodInfo {
	if n.pod == nil || n.node != node {
		return nil
	}
	return []fwk.PodInfo{n.pod}
}

// newFakeScheduler builds the plugin; objects are slices and claims, beside the classes.
func newFakeScheduler(t testing.TB, args runtime.Object, nodes []*v1.Node, objects ...runtime.Object) *fakeScheduler {
	t.Helper()
	metrics.InitMetrics() // the in-tree plugin counts into them
	if args == nil {
		args = askAllNodes()
	}
	ctx, stop := context.WithCancel(context.Background())
	client := fake.NewClientset(append(objects, deviceClasses()...)...)
	factory := informers.NewSharedInformerFactory(client, 0)
	slicesOf, err := tracker.StartTracker(ctx, tracker.Options{SliceInformer: factory.Resource().V1().ResourceSlices()})
	if err != nil {
		t.Fatal(err)
	}
	claims := assumecache.NewAssumeCache(klog.FromContext(ctx), factory.Resource().V1().ResourceClaims().Informer(), "resource claim", "", nil)
	manager := dynamicresources.NewDRAManager(ctx, claims, slicesOf, factory)
	if names, ok := manager.DeviceClassResolver().(*extendedresourcecache.ExtendedResourceCache); ok {
		if _, err := factory.Resource().V1().DeviceClasses().Informer().AddEventHandler(names); err != nil {
			t.Fatal(err)
		}
	}
	s := &fakeScheduler{
		t: t, client: client, claims: manager.ResourceClaims(), classes: manager.DeviceClasses(),
		recorder: events.NewFakeRecorder(100), nominations: &fakeNominator{},
	}
	for _, node := range nodes {
		info := framework.NewNodeInfo()
		info.SetNode(node)
		s.nodes = append(s.nodes, info)
	}
	handle, err := frameworkruntime.NewFramework(ctx, nil, nil,
		frameworkruntime.WithClientSet(client), frameworkruntime.WithInformerFactory(factory),
		frameworkruntime.WithSharedDRAManager(manager), frameworkruntime.WithPodActivator(s), frameworkruntime.WithEventRecorder(s.recorder),
		frameworkruntime.WithPodNominator(s.nominations), frameworkruntime.WithSnapshotSharedLister(fakeSnapshot{scheduler: s}))
	if err != nil {
		t.Fatal(err)
	}
	plugin, err := New(ctx, args, handle)
	if err != nil {
		t.Fatal(err)
	}
	var ok bool
	if s.Plugin, ok = plugin.(*Plugin); !ok {
		t.Fatalf("New returned a %T", plugin)
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	s.finish = sync.OnceFunc(func() {
		stop()
		factory.Shutdown()
		frameworkruntime.WaitForShutdown(handle)
	})
	t.Cleanup(s.finish)
	s.waitForObjects(objects, slicesOf)
	return s
}

// waitForObjects returns once the caches behind the informers have all objects.
func (s *fakeScheduler) waitForObjects(objects []runtime.Object, published *tracker.Tracker) {
	s.t.Helper()
	wantClaims, wantSlices := 0, 0
	held, shares := map[string]bool{}, map[string]bool{}
	for _, object := range objects {
		switch object := object.(type) {
		case *resourceapi.ResourceClaim:
			wantClaims++
			if object.Status.Allocation == nil {
				continue
			}
			for _, result := range object.Status.Allocation.Devices.Results {
				device := result.Driver + "/" + result.Pool + "/" + result.Device
				switch {
				case result.AdminAccess != nil && *result.AdminAccess:
				case result.ShareID != nil:
					shares[device+"/"+string(*result.ShareID)] = true
				default:
					held[device] = true
				}
			}
		case *resourceapi.ResourceSlice:
			wantSlices++
		}
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		claims, err := s.claims.List()
		if err != nil {
			s.t.Fatal(err)
		}
		slicesNow, err := published.ListPatchedResourceSlices()
		if err != nil {
			s.t.Fatal(err)
		}
		allocated, err := s.claims.GatherAllocatedState() // an error says that claims come in just now
		known := err == nil && len(allocated.AllocatedDevices) == len(held) && len(allocated.AllocatedSharedDeviceIDs) == len(shares)
		if len(claims) == wantClaims && len(slicesNow) == wantSlices && known && s.source.ClassFor(gpuResource) {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%d claims and %d slices, want %d and %d", len(claims), len(slicesNow), wantClaims, wantSlices)
		}
	}
}

// fakeSnapshot has the nodes of a fakeScheduler and nothing else.
type fakeSnapshot struct {
	fwk.SharedLister
	scheduler *fakeScheduler
}

func (s fakeSnapshot) NodeInfos() fwk.NodeInfoLister { return fakeNodes{nodes: s.scheduler.nodes} }

// fakeNodes lists the nodes of a fakeScheduler.
type fakeNodes struct {
	fwk.NodeInfoLister
	nodes []fwk.NodeInfo
}

func (l fakeNodes) List() ([]fwk.NodeInfo, error) { return l.nodes, nil }

func (l fakeNodes) Get(name string) (fwk.NodeInfo, error) {
	for _, node := range l.nodes {
		if node.Node().Name == name {
			return node, nil
		}
	}
	return nil, fmt.Errorf("no node %s", name)
}

// preFilter begins a cycle, which must succeed. A plugin that says so is not asked about
// nodes.
func (s *fakeScheduler) preFilter(pod *v1.Pod) fwk.CycleState {
	s.t.Helper()
	state := framework.NewCycleState()
	result, status := s.PreFilter(context.Background(), state, pod, s.nodes)
	s.asked = result
	switch {
	case status.IsSkip():
		state.SetSkipFilterPlugins(sets.New(Name))
	case !status.IsSuccess():
		s.t.Fatalf("PreFilter: %v", status)
	}
	return state
}

// filterAll runs Filter on all nodes and returns the feasible ones and the statuses of
// the others.
func (s *fakeScheduler) filterAll(state fwk.CycleState, pod *v1.Pod) ([]fwk.NodeInfo, *framework.NodeToStatus) {
	s.t.Helper()
	var feasible []fwk.NodeInfo
	refused := framework.NewDefaultNodeToStatus()
	if state.GetSkipFilterPlugins().Has(Name) {
		return s.nodes, refused
	}
	for _, node := range s.nodes {
		if !s.asked.AllNodes() && !s.asked.NodeNames.Has(node.Node().Name) {
			continue
		}
		status := s.Filter(context.Background(), state, pod, node)
		switch {
		case status.IsSuccess():
			feasible = append(feasible, node)
		case status.Code() == fwk.Error:
			s.t.Fatalf("Filter on node %s: %v", node.Node().Name, status)
		default:
			status.SetPlugin(Name)
			refused.Set(node.Node().Name, status)
		}
	}
	return feasible, refused
}

// Activate notes that pods are to be tried again at once.
func (s *fakeScheduler) Activate(_ klog.Logger, pods map[string]*v1.Pod) {
	s.activating.Lock()
	defer s.activating.Unlock()
	for _, pod := range pods {
		s.activated = append(s.activated, pod)
	}
}

// events are those that were sent so far.
func (s *fakeScheduler) events() []string {
	var sent []string
	for {
		select {
		case event := <-s.recorder.Events:
			sent = append(sent, event)
		default:
			return sent
		}
	}
}

func deviceClasses() []runtime.Object {
	var classes []runtime.Object
	for name, kind := range map[string]string{
		gpuClass: deviceapi.TypeGPU, sliceClass: deviceapi.TypeMIG, shareClass: deviceapi.TypeShare, vfioClass: "vfio",
	} {
		class := &resourceapi.DeviceClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: resourceapi.DeviceClassSpec{
			Selectors: []resourceapi.DeviceSelector{{CEL: &resourceapi.CELDeviceSelector{
				Expression: hasType(kind),
			}}},
		}}
		if name == gpuClass {
			extended := gpuResource
			class.Spec.ExtendedResourceName = &extended
		}
		classes = append(classes, class)
	}
	for name, driver := range map[string]string{nvidiaClass: "gpu.nvidia.com", adapters: "nic.example.com"} {
		classes = append(classes, &resourceapi.DeviceClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: resourceapi.DeviceClassSpec{
			Selectors: []resourceapi.DeviceSelector{{CEL: &resourceapi.CELDeviceSelector{Expression: fmt.Sprintf("device.driver == %q", driver)}}},
		}})
	}
	return classes
}

// hasType is the expression for a type of device.
func hasType(kind string) string {
	return fmt.Sprintf("device.driver == %q && device.attributes[%q].type == %q", deviceapi.Driver, deviceapi.Driver, kind)
}

func newNode(name string) *v1.Node {
	capacity := v1.ResourceList{v1.ResourceCPU: resource.MustParse("32")}
	return &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: v1.NodeStatus{Capacity: capacity, Allocatable: capacity}}
}

// device is a device of our driver on a GPU.
func device(name, kind string, gpu int64, memory string) resourceapi.Device {
	product := "NVIDIA H100 80GB HBM3"
	lane := int64(25)
	return resourceapi.Device{
		Name: name,
		Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{
			deviceapi.Type: {StringValue: &kind}, deviceapi.Index: {IntValue: &gpu}, deviceapi.ProductName: {StringValue: &product},
			deviceapi.NVLinkLaneBandwidth: {IntValue: &lane},
		},
		Capacity: map[resourceapi.QualifiedName]resourceapi.DeviceCapacity{deviceapi.Memory: {Value: resource.MustParse(memory)}},
	}
}

// wholeGPU is GPU gpu of a node with the given row of the link table.
func wholeGPU(gpu int64, links string) resourceapi.Device {
	d := device(deviceapi.GPUDevice(gpu), deviceapi.TypeGPU, gpu, "80Gi")
	d.Attributes[deviceapi.Links] = resourceapi.DeviceAttribute{StringValue: &links}
	return d
}

// migSlice is a 1g.10gb of a GPU.
func migSlice(gpu, start int64) resourceapi.Device {
	d := device(fmt.Sprintf("gpu-%d-mig-1g10gb-19-%d", gpu, start), deviceapi.TypeMIG, gpu, "9984Mi")
	profile := "1g.10gb"
	d.Attributes[deviceapi.Profile] = resourceapi.DeviceAttribute{StringValue: &profile}
	for name, value := range map[resourceapi.QualifiedName]int64{
		deviceapi.ProfileID: 19, deviceapi.PlacementStart: start, deviceapi.PlacementSize: 1,
	} {
		d.Attributes[name] = resourceapi.DeviceAttribute{IntValue: &value}
	}
	return d
}

// gpuShare is the shared memory of a GPU.
func gpuShare(gpu int64) resourceapi.Device {
	d := device(deviceapi.ShareDevice(gpu), deviceapi.TypeShare, gpu, "80Gi")
	multiple := true
	d.AllowMultipleAllocations = &multiple
	return d
}

func vfioDevice(gpu int64) resourceapi.Device {
	return device(fmt.Sprintf("gpu-vfio-%d", gpu), "vfio", gpu, "80Gi")
}

// fourGPUs are two pairs of GPUs with a fast link in each.
func fourGPUs() []resourceapi.Device {
	return []resourceapi.Device{wholeGPU(0, "X NV4 SYS*2"), wholeGPU(1, "NV4 X SYS*2"), wholeGPU(2, "SYS*2 X NV4"), wholeGPU(3, "SYS*2 NV4 X")}
}

// publish is the slice of a node.
func publish(node string, devices ...resourceapi.Device) *resourceapi.ResourceSlice {
	return &resourceapi.ResourceSlice{ObjectMeta: metav1.ObjectMeta{Name: node + "-gpus"}, Spec: resourceapi.ResourceSliceSpec{
		Driver: deviceapi.Driver, NodeName: &node, Pool: resourceapi.ResourcePool{
			Name: node, Generation: 1, ResourceSliceCount: 1,
		}, Devices: devices,
	}}
}

// newClaim asks for devices of a class.
func newClaim(name, class string, count int64, change ...func(*resourceapi.ResourceClaim)) *resourceapi.ResourceClaim {
	claim := &resourceapi.ResourceClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: name, UID: types.UID("claim-" + name)},
		Spec: resourceapi.ResourceClaimSpec{Devices: resourceapi.DeviceClaim{Requests: []resourceapi.DeviceRequest{{
			Name: "devices",
			Exactly: &resourceapi.ExactDeviceRequest{
				DeviceClassName: class, AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: count,
			},
		}}}},
	}
	for _, c := range change {
		c(claim)
	}
	return claim
}

// shareOf is how much memory a claim asks for.
func shareOf(amount string) func(*resourceapi.ResourceClaim) {
	return func(claim *resourceapi.ResourceClaim) {
		claim.Spec.Devices.Requests[0].Exactly.Capacity = &resourceapi.CapacityRequirements{
			Requests: map[resourceapi.QualifiedName]resource.Quantity{deviceapi.Memory: resource.MustParse(amount)},
		}
	}
}

// where selects devices.
func where(expression string) func(*resourceapi.ResourceClaim) {
	return func(claim *resourceapi.ResourceClaim) {
		claim.Spec.Devices.Requests[0].Exactly.Selectors = []resourceapi.DeviceSelector{
			{CEL: &resourceapi.CELDeviceSelector{Expression: expression}},
		}
	}
}

// held is a claim that has devices of a node, for a pod of the same name.
func held(node string, claim *resourceapi.ResourceClaim, devices ...string) *resourceapi.ResourceClaim {
	claim.Status.Allocation = &resourceapi.AllocationResult{}
	for _, name := range devices {
		claim.Status.Allocation.Devices.Results = append(claim.Status.Allocation.Devices.Results, resourceapi.DeviceRequestAllocationResult{
			Request: "devices", Driver: deviceapi.Driver, Pool: node, Device: name,
		})
	}
	claim.Status.ReservedFor = []resourceapi.ResourceClaimConsumerReference{
		{Resource: "pods", Name: claim.Name, UID: types.UID("pod-" + claim.Name)},
	}
	return claim
}

// newPod uses the claim of its own name.
func newPod(name string, change ...func(*v1.Pod)) *v1.Pod {
	pod := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: name, UID: types.UID("pod-" + name)},
		Spec: v1.PodSpec{
			ResourceClaims: []v1.PodResourceClaim{{Name: "devices", ResourceClaimName: &name}},
			Containers:     []v1.Container{{Name: "main", Image: "ubuntu"}},
		},
	}
	for _, c := range change {
		c(pod)
	}
	return pod
}

// on binds a pod to a node.
func on(node string) func(*v1.Pod) { return func(pod *v1.Pod) { pod.Spec.NodeName = node } }

// serving makes a pod run a model server of 8 billion parameters in 16 bits.
func serving(pod *v1.Pod) {
	pod.Spec.Containers[0].Image = "vllm/vllm-openai:v0.11.0"
	pod.Spec.Containers[0].Args = []string{"--model", "meta-llama/Llama-3.1-8B-Instruct", "--max-model-len", "4096"}
}

// names are the nodes' names, sorted.
func names(nodes []fwk.NodeInfo) []string {
	var all []string
	for _, node := range nodes {
		all = append(all, node.Node().Name)
	}
	slices.Sort(all)
	return all
}
