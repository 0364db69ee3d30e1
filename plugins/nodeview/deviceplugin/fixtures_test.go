package deviceplugin

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// nodeOf is a node with labels and allocatable amounts.
func nodeOf(labels map[string]string, allocatable map[string]string) *v1.Node {
	node := &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-0", Labels: labels}}
	node.Status.Allocatable = v1.ResourceList{}
	for name, amount := range allocatable {
		node.Status.Allocatable[v1.ResourceName(name)] = resource.MustParse(amount)
	}
	return node
}

// labelsOf are labels of GPU feature discovery.
func labelsOf(product, memory, count string, more ...string) map[string]string {
	labels := map[string]string{}
	for label, value := range map[string]string{productLabel: product, "nvidia.com/gpu.memory": memory, "nvidia.com/gpu.count": count} {
		if value != "" {
			labels[label] = value
		}
	}
	for i := 0; i < len(more); i += 2 {
		labels[more[i]] = more[i+1]
	}
	return labels
}

var podNumber int

// podOf is a pod that asks for an amount of a resource.
func podOf(name, amount string, annotations map[string]string, args ...string) *v1.Pod {
	podNumber++
	amounts := v1.ResourceList{v1.ResourceName(name): resource.MustParse(amount)}
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: fmt.Sprintf("pod-%d", podNumber), UID: types.UID(fmt.Sprintf("uid-%d", podNumber)), Annotations: annotations,
		},
		Spec: v1.PodSpec{Containers: []v1.Container{{
			Name: "server", Image: "vllm/vllm-openai:v0.11.0", Args: args,
			Resources: v1.ResourceRequirements{Limits: amounts, Requests: amounts},
		}}},
	}
}

// stated is a pod that says how much memory it takes of each GPU.
func stated(name, memory string) *v1.Pod {
	return podOf(name, "1", map[string]string{"ashlar.dev/gpu-memory": memory})
}

func infoOf(node *v1.Node, pods ...*v1.Pod) fwk.NodeInfo {
	info := framework.NewNodeInfo(pods...)
	info.SetNode(node)
	return info
}
