package gpuchain

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// chainComponent is what a link runs on each node.
type chainComponent struct {
	link Link
	// labels of its pods, as its charts and manifests have them: the first that a pod
	// carries is the one by which kubectl finds all.
	labels []componentLabel
	// container is a word in the name of one of its containers, for charts that label
	// the pods of several components alike; "" if the labels are enough.
	container string
	// deploy is the end of the GPU Operator's label nvidia.com/gpu.deploy.*, by which it
	// puts the component on a node; "" if there is none.
	deploy string
}

type componentLabel struct{ key, value string }

// components are those of the GPU Operator, of the charts of the device plugin and of
// NVIDIA's DRA driver, of GKE's installer, and Ashlar's driver.
var components = []*chainComponent{
	{link: LinkOperator, labels: []componentLabel{{"app", "gpu-operator"}}},
	driverComponent, toolkitComponent, migComponent, pluginComponent, draComponent, gfdComponent, validatorComponent,
}

var (
	driverComponent = &chainComponent{link: LinkDriver, deploy: "driver", labels: []componentLabel{
		{"app", "nvidia-driver-daemonset"}, {"app.kubernetes.io/component", "nvidia-driver"}, {"k8s-app", "nvidia-driver-installer"},
	}}
	toolkitComponent = &chainComponent{link: LinkToolkit, deploy: "container-toolkit", labels: []componentLabel{
		{"app", "nvidia-container-toolkit-daemonset"},
	}}
	migComponent = &chainComponent{link: LinkMIGManager, deploy: "mig-manager", labels: []componentLabel{{"app", "nvidia-mig-manager"}}}
	// HAMi's plugin hands out nvidia.com/gpu too.
	pluginComponent = &chainComponent{link: LinkDevicePlugin, deploy: "device-plugin", container: "device-plugin", labels: []componentLabel{
		{"app", "nvidia-device-plugin-daemonset"}, {"name", "nvidia-device-plugin-ds"}, {"app.kubernetes.io/name", "nvidia-device-plugin"},
		{"k8s-app", "nvidia-gpu-device-plugin"}, {"app.kubernetes.io/component", "hami-device-plugin"},
	}}
	draComponent = &chainComponent{link: LinkDRADriver, labels: []componentLabel{
		{"nvidia-dra-driver-gpu-component", "kubelet-plugin"}, {ashlarDriverLabel.key, ashlarDriverLabel.value},
	}}
	gfdComponent = &chainComponent{link: LinkGFD, deploy: "gpu-feature-discovery", container: "feature-discovery", labels: []componentLabel{
		{"app", "gpu-feature-discovery"}, {"app.kubernetes.io/name", "gpu-feature-discovery"},
		{"app.kubernetes.io/name", "nvidia-device-plugin"},
	}}
	validatorComponent = &chainComponent{link: LinkValidator, deploy: "operator-validator", labels: []componentLabel{
		{"app", "nvidia-operator-validator"},
	}}

	ashlarDriverLabel = componentLabel{"app.kubernetes.io/name", "ashlar-dra-driver"}
)

// labelOf is the label by which a pod or the pods of a DaemonSet belong to the component.
// The driver's DaemonSet on OpenShift has the release of the node's system behind its
// name.
func (c *chainComponent) labelOf(labels map[string]string, spec *corev1.PodSpec) (componentLabel, bool) {
	for _, want := range c.labels {
		have, found := labels[want.key]
		if !found || have != want.value && !(c == driverComponent && strings.HasPrefix(have, want.value+"-")) {
			continue
		}
		if c.container == "" || hasContainer(spec, c.container) {
			return componentLabel{want.key, have}, true
		}
	}
	return componentLabel{}, false
}

func hasContainer(spec *corev1.PodSpec, word string) bool {
	for i := range spec.Containers {
		if strings.Contains(spec.Containers[i].Name, word) {
			return true
		}
	}
	return false
}

// componentPod is a pod of a component on a node.
type componentPod struct {
	pod   *corev1.Pod
	label componentLabel
}

// nodePods are the pods of a node's components.
type nodePods map[*chainComponent][]componentPod

// podsByNode sorts pods of components by node.
func podsByNode(pods []*corev1.Pod) map[string]nodePods {
	byNode := map[string]nodePods{}
	for _, pod := range pods {
		if pod == nil || len(pod.Labels) == 0 {
			continue
		}
		for _, c := range components {
			label, found := c.labelOf(pod.Labels, &pod.Spec)
			if !found {
				continue
			}
			name := nodeOfPod(pod)
			if byNode[name] == nil {
				byNode[name] = nodePods{}
			}
			byNode[name][c] = append(byNode[name][c], componentPod{pod, label})
			break
		}
	}
	return byNode
}

// nodeOfPod is the node that a pod runs on, or is made for by its DaemonSet.
func nodeOfPod(pod *corev1.Pod) string {
	if pod.Spec.NodeName != "" || pod.Spec.Affinity == nil || pod.Spec.Affinity.NodeAffinity == nil ||
		pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return pod.Spec.NodeName
	}
	for _, term := range pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		for _, field := range term.MatchFields {
			if field.Key == metav1.ObjectNameField && field.Operator == corev1.NodeSelectorOpIn && len(field.Values) == 1 {
				return field.Values[0]
			}
		}
	}
	return ""
}
