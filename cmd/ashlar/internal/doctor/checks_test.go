package doctor

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	nodev1 "k8s.io/api/node/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"

	"github.com/ashlar-dev/ashlar/internal/apiserver"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func testNode(name string, labels map[string]string, gpus string) *corev1.Node {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	if gpus != "" {
		node.Status.Allocatable = corev1.ResourceList{"nvidia.com/gpu": resource.MustParse(gpus)}
	}
	return node
}

func testSlice(name, driver, node string, generation, count int64, devices ...resourceapi.Device) *resourceapi.ResourceSlice {
	return &resourceapi.ResourceSlice{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: resourceapi.ResourceSliceSpec{
			Driver: driver, NodeName: ptr.To(node), Devices: devices,
			Pool: resourceapi.ResourcePool{Name: node, Generation: generation, ResourceSliceCount: count},
		},
	}
}

func testGPU(uuid string) resourceapi.Device {
	return resourceapi.Device{Name: "gpu-0", Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{
		"uuid": {StringValue: ptr.To(uuid)}, "type": {StringValue: ptr.To("gpu")},
	}}
}

func testPod(name string, change func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name}}
	pod.Spec.SchedulerName = schedulerName
	change(pod)
	return pod
}

// Every check says of a cluster in which its trouble is that it is there, with the object.
func TestChecks(t *testing.T) {
	type objects = dryrun.ClusterObjects
	server := &apiserver.Server{Version: "v1.37.2", Served: map[string]bool{"resource.k8s.io/v1/devicetaintrules": true}}
	tainted := testGPU("GPU-1")
	tainted.Taints = []resourceapi.DeviceTaint{{Key: "gpu.ashlar.dev/unhealthy", Effect: resourceapi.DeviceTaintEffectNoExecute}}
	extended := func(name string) *resourceapi.DeviceClass {
		class := &resourceapi.DeviceClass{ObjectMeta: metav1.ObjectMeta{Name: name}}
		class.Spec.ExtendedResourceName = ptr.To("nvidia.com/gpu")
		return class
	}
	lease := func(age time.Duration) []*coordinationv1.Lease {
		return []*coordinationv1.Lease{{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ashlar-system", Name: schedulerName},
			Spec: coordinationv1.LeaseSpec{
				HolderIdentity: ptr.To("a"), LeaseDurationSeconds: ptr.To[int32](10), RenewTime: ptr.To(metav1.NewMicroTime(now.Add(-age))),
			},
		}}
	}
	hook := []*admissionv1.MutatingWebhookConfiguration{{
		ObjectMeta: metav1.ObjectMeta{Name: webhookName},
		Webhooks: []admissionv1.MutatingWebhook{{ClientConfig: admissionv1.WebhookClientConfig{
			Service: &admissionv1.ServiceReference{Namespace: "ashlar-system", Name: webhookName},
		}}},
	}}
	claimed := func(name string, version string) *resourceapi.ResourceClaim {
		claim := &resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: "u-" + "x", ResourceVersion: version}}
		claim.UID = "uid-1"
		if name == "b" {
			claim.UID = "uid-2"
		}
		claim.Status.Allocation = &resourceapi.AllocationResult{}
		claim.Status.Allocation.Devices.Results = []resourceapi.DeviceRequestAllocationResult{
			{Driver: "gpu.ashlar.dev", Pool: "n", Device: "gpu-0"},
		}
		claim.Status.ReservedFor = []resourceapi.ResourceClaimConsumerReference{{Resource: "pods", Name: "pod-" + name}}
		return claim
	}
	named := map[string]string{driverLabel: "true"}
	product := map[string]string{productLabel: "NVIDIA-H100-80GB-HBM3"}
	for name, tc := range map[string]struct {
		check   func(*Evidence) checkOutcome
		objects objects
		live    *LiveEvidence
		// want is severity and object of each finding; wantWell or wantUnchecked the line where there is none.
		want                    []string
		wantWell, wantUnchecked string
	}{
		"server, snapshot": {check: checkAPIServer,
			wantUnchecked: "a snapshot does not hold its version and features: run it on the cluster, without --snapshot"},
		"server, well": {check: checkAPIServer, live: &LiveEvidence{Server: server},
			wantWell: "v1.37.2 has every feature that is used, by its version: its feature gates were not readable"},
		"server, gate off": {check: checkAPIServer, live: &LiveEvidence{Server: server, Gates: map[string]bool{"DRAPartitionableDevices": false}},
			want: []string{"warning APIServer"}},
		"class missing": {check: checkDeviceClasses, objects: objects{Slices: []*resourceapi.ResourceSlice{
			testSlice("s", "gpu.ashlar.dev", "n", 1, 1, testGPU("GPU-1"))}}, want: []string{"broken DeviceClass/gpu.ashlar.dev"}},
		"classes collide": {check: checkDeviceClasses, objects: objects{Classes: []*resourceapi.DeviceClass{
			extended("gpu.nvidia.com"), extended("gpu.ashlar.dev")}}, want: []string{"broken DeviceClass/gpu.ashlar.dev"}},
		"plugin and slices": {check: checkTwoWays, objects: objects{Nodes: []*corev1.Node{testNode("n", nil, "1")},
			Slices: []*resourceapi.ResourceSlice{testSlice("s", "gpu.ashlar.dev", "n", 1, 1, testGPU("GPU-1"))}}, want: []string{"broken Node/n"}},
		"two drivers": {check: checkTwoWays, objects: objects{Nodes: []*corev1.Node{testNode("n", nil, "")},
			Slices: []*resourceapi.ResourceSlice{testSlice("s", "gpu.ashlar.dev", "n", 1, 1, testGPU("GPU-1")),
				testSlice("t", "gpu.nvidia.com", "n", 1, 1, testGPU("gpu-1"))}}, want: []string{"broken Node/n"}},
		"two drivers, other GPUs": {check: checkTwoWays, objects: objects{Nodes: []*corev1.Node{testNode("n", nil, "")},
			Slices: []*resourceapi.ResourceSlice{testSlice("s", "gpu.ashlar.dev", "n", 1, 1, testGPU("GPU-1")),
				testSlice("t", "gpu.nvidia.com", "n", 1, 1, testGPU("GPU-2"))}}, wantWell: "no GPU of 1 nodes is offered twice"},
		"slices incomplete": {check: checkSlices, objects: objects{Nodes: []*corev1.Node{testNode("n", nil, "")},
			Slices: []*resourceapi.ResourceSlice{testSlice("s", "d", "n", 2, 2)}}, want: []string{"broken ResourceSlice/s"}},
		"slices stale": {check: checkSlices, objects: objects{Nodes: []*corev1.Node{testNode("n", nil, "")},
			Slices: []*resourceapi.ResourceSlice{testSlice("s", "d", "n", 2, 1), testSlice("r", "d", "n", 1, 1)}},
			want: []string{"warning ResourceSlice/s"}},
		"node gone": {check: checkSlices, objects: objects{Slices: []*resourceapi.ResourceSlice{testSlice("s", "d", "n", 2, 1)}},
			want: []string{"warning ResourceSlice/s"}},
		"device tainted": {check: checkDeviceHealth, objects: objects{Slices: []*resourceapi.ResourceSlice{
			testSlice("s", "d", "n", 1, 1, tainted)}}, want: []string{"warning ResourceSlice/s"}},
		"labelled and silent": {check: checkNodeLabels, objects: objects{Nodes: []*corev1.Node{testNode("n", named, "")}},
			want: []string{"broken Node/n"}},
		"label misspelt": {check: checkNodeLabels, objects: objects{Nodes: []*corev1.Node{testNode("n", map[string]string{driverLabel: "yes"}, "")}},
			want: []string{"warning Node/n"}},
		"no product label": {check: checkNodeLabels, objects: objects{Nodes: []*corev1.Node{testNode("n", nil, "8"), testNode("m", product, "8")}},
			want: []string{"warning Node/n"}},
		"no driver pod": {check: checkDriverPods, live: &LiveEvidence{}, objects: objects{Nodes: []*corev1.Node{testNode("n", named, "")}},
			want: []string{"broken Node/n"}},
		"driver pod not ready": {check: checkDriverPods, live: &LiveEvidence{}, objects: objects{Nodes: []*corev1.Node{testNode("n", named, "")},
			Pods: []*corev1.Pod{testPod("d", func(p *corev1.Pod) {
				p.Labels, p.Spec.NodeName = map[string]string{nameLabel: driverName}, "n"
			})}}, want: []string{"broken Pod/ns/d"}},
		"no scheduler": {check: checkScheduler, live: &LiveEvidence{Now: now, Deployments: []*appsv1.Deployment{}, Leases: []*coordinationv1.Lease{}},
			want: []string{"broken Deployment/ashlar-system/ashlar-scheduler"}},
		"lease stale": {check: checkScheduler, live: &LiveEvidence{Now: now, Leases: lease(time.Hour)},
			want: []string{"broken Lease/ashlar-system/ashlar-scheduler"}},
		"lease fresh":               {check: checkScheduler, live: &LiveEvidence{Now: now, Leases: lease(time.Second)}, wantWell: "a leads"},
		"scheduler may not be seen": {check: checkScheduler, live: &LiveEvidence{Now: now}, wantUnchecked: notAllowed},
		"webhook silent": {check: checkWebhook, live: &LiveEvidence{Now: now, Webhooks: hook, Endpoints: []*discoveryv1.EndpointSlice{}},
			want: []string{"broken MutatingWebhookConfiguration/ashlar-webhook", "broken MutatingWebhookConfiguration/ashlar-webhook"}},
		"no webhook": {check: checkWebhook, live: &LiveEvidence{Webhooks: []*admissionv1.MutatingWebhookConfiguration{}},
			wantWell: "not installed, and not needed"},
		"no RuntimeClass": {check: checkRuntimeClasses, live: &LiveEvidence{RuntimeClasses: []*nodev1.RuntimeClass{}},
			objects: objects{Pods: []*corev1.Pod{testPod("p", func(p *corev1.Pod) { p.Spec.RuntimeClassName = ptr.To("nvidia") })}},
			want:    []string{"broken RuntimeClass/nvidia"}},
		"group too small": {check: checkPodGroups, objects: objects{
			PodGroups: []*v1alpha1.PodGroup{{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "g"}, Spec: v1alpha1.PodGroupSpec{MinMember: 4}}},
			Pods:      []*corev1.Pod{testPod("p", func(p *corev1.Pod) { p.Labels = map[string]string{v1alpha1.PodGroupLabel: "g"} })},
		}, want: []string{"warning PodGroup/ns/g"}},
		"no group": {check: checkPodGroups, objects: objects{
			Pods: []*corev1.Pod{testPod("p", func(p *corev1.Pod) { p.Labels = map[string]string{v1alpha1.PodGroupLabel: "g"} })},
		}, want: []string{"broken Pod/ns/p"}},
		"allocated twice": {check: checkDoubleAllocations, objects: objects{
			Slices: []*resourceapi.ResourceSlice{testSlice("s", "gpu.ashlar.dev", "n", 1, 1, testGPU("GPU-1"))},
			Claims: []*resourceapi.ResourceClaim{claimed("a", "5"), claimed("b", "6")},
		}, want: []string{"broken ResourceClaim/ns/b"}},
		"allocated once": {check: checkDoubleAllocations, objects: objects{Claims: []*resourceapi.ResourceClaim{claimed("a", "5")}},
			wantWell: "none among 1 allocated claims"},
		"schedulerName": {check: checkSchedulerNames, objects: objects{Pods: []*corev1.Pod{
			testPod("p", func(p *corev1.Pod) { p.Spec.SchedulerName = "ashlar-schedular" }),
			testPod("q", func(p *corev1.Pod) { p.Spec.SchedulerName = "default-scheduler" }),
		}}, want: []string{"broken Pod/ns/p"}},
		"no template": {check: checkPendingPods, objects: objects{Pods: []*corev1.Pod{testPod("p", func(p *corev1.Pod) {
			p.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "g", ResourceClaimTemplateName: ptr.To("t")}}
		})}}, want: []string{"broken Pod/ns/p"}},
		"annotation misspelt": {check: checkAnnotations, objects: objects{Pods: []*corev1.Pod{testPod("p", func(p *corev1.Pod) {
			p.Annotations = map[string]string{"ashlar.dev/gpumemory": "8Gi", "ashlar.dev/model": "m", "other/x": ""}
		})}}, want: []string{"warning Pod/ns/p"}},
		"GPU stack": {check: checkGPUStack, objects: objects{Nodes: []*corev1.Node{
			testNode("n", map[string]string{"nvidia.com/gpu.present": "true"}, ""), testNode("m", product, "8")}}, want: []string{"broken Node/n"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := tc.check(&Evidence{ClusterObjects: &tc.objects, SchedulerName: schedulerName, Live: tc.live})
			var found []string
			for _, f := range got.findings {
				found = append(found, string(f.Severity)+" "+f.Object)
				if f.Cause == "" || f.Remedy == "" {
					t.Errorf("%+v lacks its cause or remedy", f)
				}
				t.Log(f.Cause, "->", f.Remedy)
			}
			if diff := cmp.Diff(tc.want, found); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if tc.want == nil && (got.well != tc.wantWell && tc.wantWell != "" || got.unchecked != tc.wantUnchecked) {
				t.Errorf("says %q, not checked %q; want %q, %q", got.well, got.unchecked, tc.wantWell, tc.wantUnchecked)
			}
		})
	}
}
