package demo

import (
	"context"
	"errors"
	"fmt"
	"io"

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

// contrastNamespace is where the same pod is placed by two schedulers.
const contrastNamespace = "contrast"

// printContrast places the same pod, nvidia.com/gpu: 1, by Ashlar and by the stock
// scheduler, and writes a line about each: which GPU of which node. Ashlar is first, since
// it takes what remains of a set of GPUs that is broken already.
func printContrast(ctx context.Context, c *cluster.Cluster, client kubernetes.Interface, w io.Writer) error {
	if err := install.EnsureNamespace(ctx, c, client, contrastNamespace); err != nil {
		return err
	}
	fmt.Fprintln(w, "The same pod, nvidia.com/gpu: 1, by two schedulers:")
	for _, scheduler := range []struct{ name, shown string }{
		{"ashlar-scheduler", "ashlar-scheduler"}, {corev1.DefaultSchedulerName, "kube-scheduler"},
	} {
		row, err := placeOne(ctx, c, client, scheduler.name, scheduler.shown)
		if err != nil {
			return err
		}
		where := "waits: " + row.reason
		if row.node != nil {
			where = fmt.Sprintf("%s: %s of %s", row.node.Name, row.devicesCell(), row.productCell())
			if row.holding != nil {
				where += fmt.Sprintf(", %s", row.holding.Devices[0].Bytes)
			}
			linked, err := hasNVLink(ctx, client, row.node.Name)
			if err != nil {
				return err
			}
			if linked {
				where += ", out of a set linked by NVLink"
			}
		}
		fmt.Fprintf(w, "  %-16s  %s\n", scheduler.shown, where)
	}
	return nil
}

// placeOne creates the pod and waits until it is placed, or is said to wait.
func placeOne(ctx context.Context, c *cluster.Cluster, client kubernetes.Interface, scheduler, name string) (podRow, error) {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PodSpec{SchedulerName: scheduler, Containers: []corev1.Container{{
			Name: "cuda", Image: "nvidia/cuda:13.0.1-base-ubuntu24.04",
			Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{install.PluginResource: resource.MustParse("1")}},
		}}},
	}
	if _, err := client.CoreV1().Pods(contrastNamespace).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		return podRow{}, fmt.Errorf("creating pod %s: %w", name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var found podRow
	err := c.Until(ctx, "pod "+name+" to be placed", func(ctx context.Context) error {
		rows, err := readRows(ctx, client, contrastNamespace)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.pod.Name == name && (row.node != nil || row.reason != "") {
				found = row
				return nil
			}
		}
		return errors.New("it is neither placed nor refused")
	})
	return found, err
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
