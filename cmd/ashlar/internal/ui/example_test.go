package ui

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/clustersource"
	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/publish"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

var update = flag.Bool("update", false, "write testdata/example.json anew")

// exampleFile is a snapshot to look at: what docs and the browser's tests show.
const exampleFile = "testdata/example.json"

// exampleStart is when the example's cluster was started.
var exampleStart = metav1.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)

// exampleCluster are seven nodes of three makes, with everything that the map can show.
type exampleCluster struct {
	t       testing.TB
	objects dryrun.ClusterObjects
	pods    int
}

func (e *exampleCluster) addNode(name, machine string, split func(device dra.Device) bool) *corev1.Node {
	e.t.Helper()
	found, err := catalogue.Default().Machine(machine)
	if err != nil {
		e.t.Fatal(err)
	}
	inventory, err := simulated.Node{Name: name, Machine: found}.Discover(catalogue.Default().MIG)
	if err != nil {
		e.t.Fatal(err)
	}
	offered := slices.DeleteFunc(inventory.ListDevices(discovery.DeviceOptions{AnyMode: true}), func(device dra.Device) bool {
		return device.Profile != nil && (strings.Contains(device.Profile.Name, "+") || !split(device))
	})
	for i, slice := range publish.ResourceSlices(name, publish.DriverResources(name, inventory, offered, nil)) {
		slice.Name = fmt.Sprintf("%s-%d", name, i)
		e.objects.Slices = append(e.objects.Slices, slice)
	}
	amount := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("192"), corev1.ResourceMemory: resource.MustParse("2Ti"),
		corev1.ResourcePods: resource.MustParse("110")}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID("node-" + name), CreationTimestamp: exampleStart},
		Status: corev1.NodeStatus{Capacity: amount, Allocatable: amount}}
	e.objects.Nodes = append(e.objects.Nodes, node)
	return node
}

// addPod adds a pod that has devices of a node; a share has so many GiB.
func (e *exampleCluster) addPod(namespace, name, node string, priority int32, gib int64, devices ...string) {
	e.pods++
	uid := types.UID(fmt.Sprintf("pod-%d", e.pods))
	created := metav1.NewTime(exampleStart.Add(time.Duration(e.pods) * 7 * time.Minute))
	class := "gpu.ashlar.dev"
	claim := &resourceapi.ResourceClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name + "-gpu", UID: types.UID("claim-" + name), CreationTimestamp: created}}
	for _, device := range devices {
		result := resourceapi.DeviceRequestAllocationResult{Request: "gpu", Driver: deviceapi.Driver, Pool: node, Device: device}
		switch {
		case strings.HasSuffix(device, "-share"):
			class = "share.gpu.ashlar.dev"
			result.ShareID = ptr.To(types.UID(fmt.Sprintf("00000000-0000-4000-8000-%012d", e.pods)))
			result.ConsumedCapacity = map[resourceapi.QualifiedName]resource.Quantity{deviceapi.Memory: *resource.NewQuantity(gib<<30,
				resource.BinarySI)}
		case strings.Contains(device, "-mig-"):
			class = "mig.gpu.ashlar.dev"
		}
		if claim.Status.Allocation == nil {
			claim.Status.Allocation = &resourceapi.AllocationResult{}
		}
		claim.Status.Allocation.Devices.Results = append(claim.Status.Allocation.Devices.Results, result)
	}
	request := &resourceapi.ExactDeviceRequest{DeviceClassName: class, AllocationMode: resourceapi.DeviceAllocationModeExactCount,
		Count: max(1, int64(len(devices)))}
	if node == "" {
		request.Count = gib
	}
	claim.Spec.Devices.Requests = []resourceapi.DeviceRequest{{Name: "gpu", Exactly: request}}
	if node != "" {
		claim.Status.ReservedFor = []resourceapi.ResourceClaimConsumerReference{{Resource: "pods", Name: name, UID: uid}}
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: uid, CreationTimestamp: created},
		Spec: corev1.PodSpec{NodeName: node, SchedulerName: "ashlar-scheduler", Priority: &priority,
			ResourceClaims: []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimName: ptr.To(claim.Name)}},
			Containers: []corev1.Container{{Name: "main", Image: "example.com/" + namespace,
				Resources: corev1.ResourceRequirements{Claims: []corev1.ResourceClaim{{Name: "gpu"}}}}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning},
	}
	if node == "" {
		pod.Status.Phase = corev1.PodPending
	}
	e.objects.Pods, e.objects.Claims = append(e.objects.Pods, pod), append(e.objects.Claims, claim)
}

// migDevice is the name of the MIG device of a profile on a GPU with the smallest start from some slice on.
func (e *exampleCluster) migDevice(node string, gpu int, profile string, from int64) string {
	e.t.Helper()
	best, start := "", int64(99)
	for _, slice := range e.objects.Slices {
		for _, device := range slice.Spec.Devices {
			a := device.Attributes
			if slice.Spec.Pool.Name != node || a[deviceapi.Profile].StringValue == nil || *a[deviceapi.Profile].StringValue != profile ||
				*a[deviceapi.Index].IntValue != int64(gpu) {
				continue
			}
			if at := *a[deviceapi.PlacementStart].IntValue; at >= from && at < start {
				best, start = device.Name, at
			}
		}
	}
	if best == "" {
		e.t.Fatalf("GPU %d of %s has no %s from slice %d", gpu, node, profile, from)
	}
	return best
}

func gpuNames(from, to int) []string {
	var names []string
	for i := from; i <= to; i++ {
		names = append(names, fmt.Sprintf("gpu-%d", i))
	}
	return names
}

// makeExample makes the snapshot.
func makeExample(t testing.TB) *dryrun.ClusterObjects {
	e := &exampleCluster{t: t}
	for _, kind := range []string{"gpu", "mig", "share"} {
		name := map[string]string{"gpu": "gpu.ashlar.dev"}[kind]
		if name == "" {
			name = kind + ".gpu.ashlar.dev"
		}
		e.objects.Classes = append(e.objects.Classes, &resourceapi.DeviceClass{ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec: resourceapi.DeviceClassSpec{Selectors: []resourceapi.DeviceSelector{{CEL: &resourceapi.CELDeviceSelector{
				Expression: fmt.Sprintf(`device.driver == "gpu.ashlar.dev" && device.attributes["gpu.ashlar.dev"].type == %q`, kind)}}}}})
	}
	none := func(dra.Device) bool { return false }
	lowest := func(count int64) func(dra.Device) bool {
		return func(device dra.Device) bool { return device.GPU.Index < count }
	}
	e.addNode("h100-1", "dgx-h100", lowest(3))
	e.addNode("h100-2", "dgx-h100", lowest(2))
	e.addNode("h100-3", "dgx-h100", none)
	e.addNode("a100-1", "hgx-a100-4gpu-2socket", lowest(4))
	e.addNode("a100-2", "hgx-a100-4gpu-2socket", none).Spec.Unschedulable = true
	e.addNode("l40s-1", "8xL40S-2socket-node", none)
	e.addNode("l40s-2", "8xL40S-2socket-node", none)

	mig := e.migDevice
	e.addPod("inference", "llama-70b-0", "h100-1", 100, 0, gpuNames(4, 7)...)
	e.addPod("inference", "qwen-32b-0", "h100-1", 100, 0, gpuNames(3, 3)...)
	e.addPod("inference", "embed-0", "h100-1", 100, 0, mig("h100-1", 0, "3g.40gb", 0))
	e.addPod("inference", "embed-1", "h100-1", 100, 0, mig("h100-1", 0, "2g.20gb", 4))
	e.addPod("notebooks", "anna", "h100-1", 0, 0, mig("h100-1", 0, "1g.10gb", 6))
	e.addPod("notebooks", "bela", "h100-1", 0, 0, mig("h100-1", 1, "1g.10gb", 1))
	e.addPod("research", "probe-0", "h100-1", 10, 0, mig("h100-1", 1, "1g.10gb", 3))
	e.addPod("research", "probe-1", "h100-1", 10, 0, mig("h100-1", 1, "2g.20gb", 4))
	e.addPod("training", "sft-0", "h100-2", 50, 0, gpuNames(4, 7)...)
	e.addPod("training", "sft-1", "h100-2", 50, 0, gpuNames(2, 3)...)
	e.addPod("research", "eval-0", "h100-2", 10, 0, mig("h100-2", 0, "4g.40gb", 0))
	e.addPod("notebooks", "chris", "h100-2", 0, 0, mig("h100-2", 0, "1g.10gb", 6))
	e.addPod("training", "pretrain-0", "h100-3", 50, 0, gpuNames(0, 4)...)
	e.addPod("inference", "rerank-0", "a100-1", 100, 0, mig("a100-1", 0, "3g.40gb", 0))
	e.addPod("inference", "rerank-1", "a100-1", 100, 0, mig("a100-1", 0, "3g.40gb", 4))
	e.addPod("notebooks", "dora", "a100-1", 0, 0, mig("a100-1", 1, "1g.10gb", 0))
	e.addPod("notebooks", "emil", "a100-1", 0, 0, mig("a100-1", 1, "1g.10gb", 2))
	e.addPod("research", "ablate-0", "a100-1", 10, 0, mig("a100-1", 1, "3g.40gb", 4))
	e.addPod("batch", "label-0", "a100-2", -10, 0, gpuNames(0, 1)...)
	for i := range 5 {
		e.addPod("inference", fmt.Sprintf("vllm-8b-%d", i), "l40s-1", 100, 20, fmt.Sprintf("gpu-%d-share", i/2))
	}
	e.addPod("notebooks", "finn", "l40s-1", 0, 12, "gpu-2-share")
	e.addPod("notebooks", "gwen", "l40s-1", 0, 8, "gpu-2-share")
	e.addPod("batch", "render-0", "l40s-1", -10, 0, gpuNames(3, 5)...)
	e.addPod("batch", "render-1", "l40s-2", -10, 0, gpuNames(0, 3)...)
	e.addPod("training", "pretrain-1", "", 50, 8)
	e.addPod("research", "eval-1", "", 10, 6)

	ctx := clustersource.SilenceScheduler(t.Context())
	answer, err := dryrun.AnswerQuestion(ctx, &e.objects, &dryrun.PlacementQuestion{Manifest: &dryrun.AppliedManifest{}, Waiting: true,
		Scheduler: "ashlar-scheduler"}, placement.KeepPlaceable{})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range answer.Pods {
		for _, pod := range e.objects.Pods {
			if pod.Name == one.Name && one.Node == "" {
				pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse,
					Reason: corev1.PodReasonUnschedulable, Message: one.Reason}}
			}
		}
	}
	return &e.objects
}

// The example is what the code above makes, and is read as what it was made of.
func TestExample(t *testing.T) {
	objects := makeExample(t)
	reasons := map[string][]corev1.PodCondition{}
	for _, pod := range objects.Pods {
		reasons[pod.Name] = pod.Status.Conditions
	}
	var saved bytes.Buffer
	if err := objects.SaveObjects(&saved); err != nil {
		t.Fatal(err)
	}
	// SaveObjects leaves conditions out; an example has those of the pods that wait.
	var lines []string
	for line := range strings.Lines(saved.String()) {
		text := strings.TrimSuffix(strings.TrimSpace(line), ",")
		var pod corev1.Pod
		if strings.HasPrefix(text, `{"kind":"Pod"`) && json.Unmarshal([]byte(text), &pod) == nil && len(reasons[pod.Name]) > 0 {
			pod.Status.Conditions = reasons[pod.Name]
			raw, err := json.Marshal(&pod)
			if err != nil {
				t.Fatal(err)
			}
			line = strings.Replace(line, text, string(raw), 1)
		}
		lines = append(lines, line)
	}
	made := strings.Join(lines, "")
	if *update {
		if err := os.WriteFile(exampleFile, []byte(made), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(kept) != made {
		t.Errorf("%s is not what is made now (%d bytes, %d): go test -run Example -update", exampleFile, len(kept), len(made))
	}
	feed := newFeed()
	drawer := newDrawer()
	if err := drawSnapshot(exampleFile, feed, drawer.drawAll); err != nil {
		t.Fatal(err)
	}
	change, _, _ := feed.changesSince(0)
	if len(change.Nodes) != 7 || string(change.Notes) != "[]" || strings.Count(string(change.Waiting), `"reason"`) != 2 {
		t.Errorf("%d nodes, notes %s, waiting %s", len(change.Nodes), change.Notes, change.Waiting)
	}
}
