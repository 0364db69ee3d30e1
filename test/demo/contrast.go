package demo

import (
	"context"
	"errors"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/test/install"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

const (
	// contrastNamespace is where the same pod is placed by two schedulers.
	contrastNamespace = "contrast"
	// contrastProduct is on a machine whose GPUs are linked unequally.
	contrastProduct = "Tesla-V100-SXM2-32GB"
	pairTemplate    = "pair"
)

// printContrast places the same pod, a claim of two GPUs on one machine, by the stock
// scheduler and by Ashlar, each on the same state of the cluster, and writes a line about
// each: which two, and what is between them.
func printContrast(ctx context.Context, c *cluster.Cluster, client kubernetes.Interface, w io.Writer) error {
	if err := install.EnsureNamespace(ctx, c, client, contrastNamespace); err != nil {
		return err
	}
	template := &resourceapi.ResourceClaimTemplate{
		ObjectMeta: metav1.ObjectMeta{Name: pairTemplate},
		Spec: resourceapi.ResourceClaimTemplateSpec{Spec: resourceapi.ResourceClaimSpec{Devices: resourceapi.DeviceClaim{
			Requests: []resourceapi.DeviceRequest{{
				Name: "gpus", Exactly: &resourceapi.ExactDeviceRequest{
					DeviceClassName: deviceapi.Driver, AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: 2,
				},
			}},
		}}},
	}
	if _, err := client.ResourceV1().ResourceClaimTemplates(contrastNamespace).Create(ctx, template, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating claim template %s: %w", pairTemplate, err)
	}
	fmt.Fprintf(w, "The same pod, a claim of two GPUs (%s), by two schedulers:\n", contrastProduct)
	for _, scheduler := range []struct{ name, shown string }{
		{corev1.DefaultSchedulerName, "kube-scheduler"}, {"ashlar-scheduler", "ashlar-scheduler"},
	} {
		row, err := placePair(ctx, c, client, scheduler.name, scheduler.shown)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "  %-16s  %s of %s: %s\n", scheduler.shown, row.devicesCell(), row.pod.Spec.NodeName, row.linkCell())
	}
	return nil
}

// placePair creates the pod, waits until it is placed, and takes it away again, with its
// claim.
func placePair(ctx context.Context, c *cluster.Cluster, client kubernetes.Interface, scheduler, name string) (podRow, error) {
	template := pairTemplate
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PodSpec{
			SchedulerName:  scheduler,
			NodeSelector:   map[string]string{deviceapi.ProductLabel: contrastProduct},
			ResourceClaims: []corev1.PodResourceClaim{{Name: "gpus", ResourceClaimTemplateName: &template}},
			Containers: []corev1.Container{{
				Name: "cuda", Image: "nvidia/cuda:13.0.1-base-ubuntu24.04",
				Resources: corev1.ResourceRequirements{Claims: []corev1.ResourceClaim{{Name: "gpus"}}},
			}},
		},
	}
	if _, err := client.CoreV1().Pods(contrastNamespace).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		return podRow{}, fmt.Errorf("creating pod %s: %w", name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var placed podRow
	err := c.Until(ctx, "pod "+name+" to be placed", func(ctx context.Context) error {
		rows, err := readRows(ctx, client, contrastNamespace)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.pod.Name == name && row.node != nil && row.holding != nil {
				placed = row
				return nil
			}
			if row.pod.Name == name && row.reason != "" {
				return errors.New(row.reason)
			}
		}
		return errors.New("it is not placed")
	})
	if err != nil {
		return podRow{}, err
	}
	if err := client.CoreV1().Pods(contrastNamespace).Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		return podRow{}, fmt.Errorf("deleting pod %s: %w", name, err)
	}
	return placed, c.Until(ctx, "the claim of pod "+name+" to be gone", func(ctx context.Context) error {
		list, err := client.ResourceV1().ResourceClaims(contrastNamespace).List(ctx, metav1.ListOptions{})
		if err == nil && len(list.Items) > 0 {
			err = fmt.Errorf("claim %s is there", list.Items[0].Name)
		}
		return err
	})
}
