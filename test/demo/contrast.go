package demo

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"

	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/test/install"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

const (
	// contrastNamespace is where the same pods are placed by two schedulers.
	contrastNamespace = "contrast"
	contrastPods      = 6
)

// printContrast places the same pods, nvidia.com/gpu: 1 each, by Ashlar and by the stock
// scheduler, and writes a line about each: on which nodes, and how many took a GPU out of
// a set that NVLink connects. Ashlar is first, since it takes what remains of a set that
// is broken already.
func printContrast(ctx context.Context, c *cluster.Cluster, client kubernetes.Interface, w io.Writer) error {
	if err := install.EnsureNamespace(ctx, c, client, contrastNamespace); err != nil {
		return err
	}
	fmt.Fprintf(w, "The same %d pods, nvidia.com/gpu: 1 each, by two schedulers:\n", contrastPods)
	for _, scheduler := range []struct{ name, shown string }{
		{"ashlar-scheduler", "ashlar-scheduler"}, {corev1.DefaultSchedulerName, "kube-scheduler"},
	} {
		rows, err := placePods(ctx, c, client, scheduler.name, scheduler.shown)
		if err != nil {
			return err
		}
		linked := 0
		for _, row := range rows {
			takes, err := hasNVLink(ctx, client, row.pod.Spec.NodeName)
			if err != nil {
				return err
			}
			if takes {
				linked++
			}
		}
		fmt.Fprintf(w, "  %-16s  %d took a GPU out of a set linked by NVLink: %s\n", scheduler.shown, linked, describeNodes(rows))
	}
	return nil
}

// describeNodes counts rows by node: "a30-0 (A30) x4, l40s-1 (L40S) x2".
func describeNodes(rows []podRow) string {
	count := map[string]int{}
	for _, row := range rows {
		count[fmt.Sprintf("%s (%s)", row.pod.Spec.NodeName, row.productCell())]++
	}
	var words []string
	for _, name := range slices.Sorted(maps.Keys(count)) {
		word := name
		if count[name] > 1 {
			word += fmt.Sprintf(" x%d", count[name])
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

// placePods creates the pods and waits until all are placed.
func placePods(ctx context.Context, c *cluster.Cluster, client kubernetes.Interface, scheduler, name string) ([]podRow, error) {
	for i := range contrastPods {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s-%d", name, i)},
			Spec: corev1.PodSpec{SchedulerName: scheduler, Containers: []corev1.Container{{
				Name: "cuda", Image: "nvidia/cuda:13.0.1-base-ubuntu24.04",
				Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{install.PluginResource: resource.MustParse("1")}},
			}}},
		}
		if _, err := client.CoreV1().Pods(contrastNamespace).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
			return nil, fmt.Errorf("creating pod %s: %w", pod.Name, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var placed []podRow
	err := c.Until(ctx, "pods of "+name+" to be placed", func(ctx context.Context) error {
		rows, err := readRows(ctx, client, contrastNamespace)
		if err != nil {
			return err
		}
		placed = slices.DeleteFunc(rows, func(row podRow) bool { return row.pod.Spec.SchedulerName != scheduler || row.holding == nil })
		if len(placed) < contrastPods {
			return fmt.Errorf("%d of %d are", len(placed), contrastPods)
		}
		return nil
	})
	return placed, err
}

// hasNVLink reports whether the GPUs that Ashlar's driver publishes on a node are linked
// by NVLink.
func hasNVLink(ctx context.Context, client kubernetes.Interface, node string) (bool, error) {
	published, err := client.ResourceV1().ResourceSlices().List(ctx, metav1.ListOptions{
		FieldSelector: fields.Set{resourceapi.ResourceSliceSelectorNodeName: node}.String(),
	})
	if err != nil {
		return false, fmt.Errorf("listing the resource slices of node %s: %w", node, err)
	}
	for _, slice := range published.Items {
		for _, device := range slice.Spec.Devices {
			if device.Attributes[deviceapi.NVLinkIsland].IntValue != nil {
				return true, nil
			}
		}
	}
	return false, nil
}
