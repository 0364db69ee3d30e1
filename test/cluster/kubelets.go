package cluster

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"path/filepath"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// stages is what KWOK does with nodes and pods.
//
//go:embed stages.yaml
var stages []byte

// KWOK plays the kubelet of every node with this label.
const (
	fakeLabel = "type"
	fakeValue = "kwok"
	// fakeAnnotation marks a node as fake to those who read KWOK's convention.
	fakeAnnotation = "kwok.x-k8s.io/node"
)

const (
	// leaseSeconds is the kubelet's own default.
	leaseSeconds = 40
	// creators is how many nodes are created at a time.
	creators = 32
)

// RunFor is the annotation with which a pod whose restartPolicy is not Always
// says how long it runs on a fake node before it succeeds, for example "30s".
// Without it a pod runs until it is deleted.
const RunFor = "ashlar.dev/run-for"

// NodeSpec is a fake node to be.
type NodeSpec struct {
	Name        string
	Labels      map[string]string
	Annotations map[string]string
	Taints      []corev1.Taint
	// Capacity is what the node has of each resource, all of it allocatable. What
	// is missing of cpu, memory and pods becomes 128, 1Ti and 110.
	Capacity corev1.ResourceList
}

// nodeObject returns the node as its kubelet would register it.
func (s NodeSpec) nodeObject(kubeletVersion string) *corev1.Node {
	capacity := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("128"),
		corev1.ResourceMemory: resource.MustParse("1Ti"),
		corev1.ResourcePods:   resource.MustParse("110"),
	}
	maps.Copy(capacity, s.Capacity)
	labels := map[string]string{
		fakeLabel:              fakeValue,
		corev1.LabelHostname:   s.Name,
		corev1.LabelOSStable:   "linux",
		corev1.LabelArchStable: "amd64",
	}
	maps.Copy(labels, s.Labels)
	annotations := map[string]string{fakeAnnotation: "fake"}
	maps.Copy(annotations, s.Annotations)
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: s.Name, Labels: labels, Annotations: annotations},
		Spec:       corev1.NodeSpec{Taints: s.Taints},
		Status: corev1.NodeStatus{
			Capacity:    capacity,
			Allocatable: capacity,
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: "127.0.0.1"},
				{Type: corev1.NodeHostName, Address: s.Name},
			},
			NodeInfo: corev1.NodeSystemInfo{
				OperatingSystem: "linux",
				Architecture:    "amd64",
				KubeletVersion:  kubeletVersion,
			},
		},
	}
}

// AddNodes creates fake nodes, many at a time. With SilentKubelets they are
// Ready at once; otherwise see WaitNodesReady.
func (c *Cluster) AddNodes(ctx context.Context, specs []NodeSpec) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(creators)
	for _, spec := range specs {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			node := spec.nodeObject(c.options.Binaries.Kubernetes())
			if c.options.Kubelets == SilentKubelets {
				node.Status.Conditions = []corev1.NodeCondition{{
					Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady",
					LastHeartbeatTime: metav1.Now(), LastTransitionTime: metav1.Now(),
				}}
			}
			if _, err := c.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
				return fmt.Errorf("creating node %s: %w", spec.Name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// WaitNodesReady returns once every node of the cluster is Ready and no longer
// carries the taint of one that is not.
func (c *Cluster) WaitNodesReady(ctx context.Context) error {
	return c.Until(ctx, "all nodes to be ready", func(ctx context.Context) error {
		// From the API server's cache: thousands of nodes are asked for often.
		nodes, err := c.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{ResourceVersion: "0"})
		if err != nil {
			return fmt.Errorf("listing nodes: %w", err)
		}
		var waiting []string
		for i := range nodes.Items {
			if !isUsable(&nodes.Items[i]) {
				waiting = append(waiting, nodes.Items[i].Name)
			}
		}
		if len(waiting) > 0 {
			return fmt.Errorf("%d of %d nodes are not ready, for example %s", len(waiting), len(nodes.Items), waiting[0])
		}
		return nil
	})
}

// isUsable reports whether a scheduler would consider a node.
func isUsable(node *corev1.Node) bool {
	for _, taint := range node.Spec.Taints {
		if taint.Key == corev1.TaintNodeNotReady || taint.Key == corev1.TaintNodeUnreachable {
			return false
		}
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// stagesPath is where KWOK reads its stages.
func (c *Cluster) stagesPath() string {
	return filepath.Join(c.dir, "stages.yaml")
}
