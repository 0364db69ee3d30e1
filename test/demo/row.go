package demo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/test/install"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// podRow is one pod of the table.
type podRow struct {
	pod *corev1.Pod
	// owner is the name that the pod goes by in expected/pods.yaml.
	owner   string
	holding *resourceslices.ClaimAllocation
	// node is where the pod runs, nil if it is not scheduled.
	node *corev1.Node
	// reason is why the pod is not scheduled.
	reason string
	// attributes are those of a device, by driver, pool and name.
	attributes map[string]map[resourceapi.QualifiedName]resourceapi.DeviceAttribute
}

// readRows reads the pods of a namespace and what their claims hold.
func readRows(ctx context.Context, client kubernetes.Interface, namespace string) ([]podRow, error) {
	pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	claims, err := client.ResourceV1().ResourceClaims(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing claims: %w", err)
	}
	slicesOf, err := client.ResourceV1().ResourceSlices().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing resource slices: %w", err)
	}
	holdings, err := resourceslices.ClaimAllocations(slicesOf.Items, claims.Items)
	if err != nil {
		return nil, err
	}
	byUser := map[types.UID]*resourceslices.ClaimAllocation{}
	for i := range holdings {
		for _, user := range holdings[i].Claim.Status.ReservedFor {
			byUser[user.UID] = &holdings[i]
		}
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing nodes: %w", err)
	}
	byName := map[string]*corev1.Node{}
	for i := range nodes.Items {
		byName[nodes.Items[i].Name] = &nodes.Items[i]
	}
	attributes := map[string]map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{}
	for i := range slicesOf.Items {
		spec := &slicesOf.Items[i].Spec
		for _, device := range spec.Devices {
			attributes[spec.Driver+"/"+spec.Pool.Name+"/"+device.Name] = device.Attributes
		}
	}
	var rows []podRow
	for i := range pods.Items {
		pod := &pods.Items[i]
		rows = append(rows, podRow{
			pod: pod, owner: ownerOf(pod), holding: byUser[pod.UID], node: byName[pod.Spec.NodeName], reason: reasonOf(pod),
			attributes: attributes,
		})
	}
	slices.SortFunc(rows, func(a, b podRow) int { return cmp.Compare(a.pod.Name, b.pod.Name) })
	return rows, nil
}

// ownerOf undoes the suffixes that Deployments (name-hash-suffix), Jobs (name-index-suffix) and
// StatefulSets (name-index) give their pods.
func ownerOf(pod *corev1.Pod) string {
	if len(pod.OwnerReferences) == 0 {
		return pod.Name
	}
	suffixes := 2
	if pod.OwnerReferences[0].Kind == "StatefulSet" {
		suffixes = 1
	}
	parts := strings.Split(pod.Name, "-")
	return strings.Join(parts[:max(1, len(parts)-suffixes)], "-")
}

func reasonOf(pod *corev1.Pod) string {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return condition.Message
		}
	}
	return ""
}

// countedGPUs are those that a device plugin hands out to the pod: the node counts them,
// and the kubelet picks them.
func (r podRow) countedGPUs() int64 {
	if r.node == nil || pluginGPUs(r.node) == 0 {
		return 0
	}
	var sum int64
	for i := range r.pod.Spec.Containers {
		sum += r.pod.Spec.Containers[i].Resources.Limits.Name(install.PluginResource, resource.DecimalSI).Value()
	}
	return sum
}

// throughCell is who hands the row's GPUs out.
func (r podRow) throughCell() string {
	switch {
	case r.holding != nil && len(r.holding.Claim.Status.Allocation.Devices.Results) > 0:
		return r.holding.Claim.Status.Allocation.Devices.Results[0].Driver
	case r.countedGPUs() > 0:
		return "device plugin"
	}
	return ""
}

// devicesCell describes the devices of a row in one cell.
func (r podRow) devicesCell() string {
	switch {
	case r.holding != nil:
		return r.holding.DescribeDevices()
	case r.countedGPUs() > 0:
		return fmt.Sprintf("%d, picked by the kubelet", r.countedGPUs())
	}
	return ""
}

// linkCell describes the connection between a row's whole GPUs.
func (r podRow) linkCell() string {
	if r.holding == nil {
		return "-"
	}
	return r.holding.DescribeConnection()
}

func (r podRow) productCell() string {
	switch {
	case r.holding != nil:
		return r.holding.ProductName()
	case r.node != nil:
		return r.node.Labels[deviceapi.ProductLabel]
	}
	return ""
}
