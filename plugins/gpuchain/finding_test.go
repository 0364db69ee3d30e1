package gpuchain

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// Where some node offers GPUs as asked, or none is asked for, nodes speak for themselves.
func TestFirstBrokenLinkIsSilent(t *testing.T) {
	nodes := gpuNodes(3, labels())
	one := append(gpuNodes(3, labels()), withAllocatable(gpuNodes(1, nil))...)
	device := resourceapi.Device{Name: "gpu-0"}
	for name, evidence := range map[string]Evidence{
		"no pod":             {Nodes: nodes},
		"no GPU asked for":   {Pod: asksFor("cpu"), Nodes: nodes},
		"another vendor":     {Pod: asksFor("amd.com/gpu"), Nodes: nodes},
		"a class of no GPU":  {Pod: &corev1.Pod{}, Claims: claimOf("nic.example.com"), Nodes: nodes},
		"no node":            {Pod: asksFor("nvidia.com/gpu")},
		"one node has GPUs":  {Pod: asksFor("nvidia.com/gpu"), Nodes: one},
		"one has other ones": {Pod: asksFor("nvidia.com/mig-1g.10gb"), Nodes: one},
		"slices by claim": {Pod: &corev1.Pod{}, Claims: claimOf("gpu.nvidia.com"), Nodes: nodes, ResourceSlices: slicesOf(nodes,
			"gpu.nvidia.com", 1, device)},
		"slices by resource": {
			Pod: asksFor("nvidia.com/gpu"), Nodes: nodes, ResourceSlices: slicesOf(nodes, "gpu.nvidia.com", 1, device),
			DeviceClasses: []*resourceapi.DeviceClass{classOf("gpu.nvidia.com", "gpu.nvidia.com", "nvidia.com/gpu")},
		},
		"slices for nodes by selector": {
			Pod: &corev1.Pod{}, Claims: claimOf("gpu.nvidia.com"), Nodes: nodes,
			ResourceSlices: []*resourceapi.ResourceSlice{{Spec: resourceapi.ResourceSliceSpec{
				Driver: "gpu.nvidia.com", AllNodes: ptr.To(true), Devices: []resourceapi.Device{device},
			}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if finding, found := FirstBrokenLink(evidence); found {
				t.Errorf("got %s", finding)
			}
		})
	}
}

// Nodes that break at different links are counted apart, the larger group first.
func TestBrokenLinksCountsGroups(t *testing.T) {
	nodes := gpuNodes(5, labels())
	nodes[0].Status.Conditions[0].Status = corev1.ConditionUnknown
	evidence := Evidence{
		Pod: asksFor("nvidia.com/gpu"), Nodes: append(nodes, withAllocatable(gpuNodes(1, nil))...),
		Pods: operatorPods(nodes[1:], driver, waiting("CrashLoopBackOff")),
	}
	evidence.Nodes[5].Name = "other"
	findings := BrokenLinks(evidence)
	if len(findings) != 2 || findings[0].Link != LinkDriver || len(findings[0].Nodes) != 4 || findings[1].Link != LinkNode ||
		!strings.Contains(findings[0].Cause, "5 node(s) have NVIDIA hardware (label "+pciLabel+") and offer no GPU: on 4 of them the driver "+
			"pods") {
		t.Errorf("got %v", findings)
	}
}

// Objects may say anything; a finding stays short, and its command whole.
func TestFindingStaysShort(t *testing.T) {
	long := strings.Repeat("ä", 150)
	nodes := gpuNodes(2, labels("nvidia.com/mig.config", long, "nvidia.com/mig.config.state", "failed"))
	nodes = append(nodes, nil)
	sets := []*appsv1.DaemonSet{nil, daemonSet("kube-system", long, "name", "nvidia-device-plugin-ds", "nvidia-device-plugin-ctr",
		corev1.PodSpec{
			NodeSelector: map[string]string{long: long}, RuntimeClassName: &long,
		})}
	for name, evidence := range map[string]Evidence{
		"label":     {Pod: asksFor("nvidia.com/mig-" + long), Nodes: nodes, Pods: []*corev1.Pod{nil}},
		"daemonset": {Pod: asksFor("nvidia.com/mig-" + long), Nodes: gpuNodes(2, labels()), DaemonSets: sets},
		"class": {
			Pod: &corev1.Pod{}, Claims: append(claimOf(long+".gpu.ashlar.dev"), nil), Nodes: gpuNodes(2, nil),
			ResourceSlices: []*resourceapi.ResourceSlice{nil}, DeviceClasses: []*resourceapi.DeviceClass{nil},
		},
	} {
		t.Run(name, func(t *testing.T) {
			finding, found := FirstBrokenLink(evidence)
			if text := finding.String(); !found || len(text) > longestText || !strings.HasSuffix(text, finding.Command) {
				t.Errorf("%d bytes: %s", len(text), text)
			}
		})
	}
}

func TestHardwareLabel(t *testing.T) {
	for key, want := range map[string]bool{
		"feature.node.kubernetes.io/pci-10de.present":           true,
		"feature.node.kubernetes.io/pci-0302_10de.present":      true,
		"feature.node.kubernetes.io/pci-0300_10de.present":      true,
		"feature.node.kubernetes.io/pci-0302_10de_20b5.present": true,
		"feature.node.kubernetes.io/pci-0680_10de.present":      false, // an NVSwitch
		"feature.node.kubernetes.io/pci-0302_1002.present":      false, // AMD
		"feature.node.kubernetes.io/pci-10de.sriov.capable":     false,
		"nvidia.com/gpu.present":                                true,
		"nvidia.com/gpu.deploy.driver":                          true,
		"nvidia.com/gpu.deploy.operands":                        false,
		"kubernetes.io/hostname":                                false,
	} {
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{key: "true"}}}
		if got := hardwareLabel(node); (got == key) != want {
			t.Errorf("%s: got %q, want %v", key, got, want)
		}
	}
}

func TestInstanceTypes(t *testing.T) {
	for name, want := range map[string]bool{
		"p4d.24xlarge": true, "p5en.48xlarge": true, "g5.xlarge": true, "g6e.12xlarge": true, "a3-highgpu-8g": true, "g2-standard-4": true,
		"Standard_NC96ads_A100_v4": true, "p6-b200.48xlarge": true,
		"g4ad.xlarge": false, "m5.large": false, "c3-standard-4": false, "Standard_ND96isr_MI300X_v5": false, "": false,
	} {
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{corev1.LabelInstanceTypeStable: name}}}
		if got := hardwareLabel(node) != ""; got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}
