package demo

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ashlar-dev/ashlar/test/install"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// labelForDriver labels the nodes of Ashlar's driver for it, as an administrator does.
func labelForDriver(nodes []install.Node) {
	for i := range nodes {
		if nodes[i].Offer == install.OfferedByAshlar {
			nodes[i].Labels = map[string]string{"ashlar.dev/driver": "true"}
		}
	}
}

// nodeKind is one way in which nodes offer GPUs.
type nodeKind struct {
	offer     install.GPUOffer
	what, ask string
}

var nodeKinds = []nodeKind{
	{install.OfferedByAshlar, "Ashlar's driver", "claim of gpu.ashlar.dev, mig.gpu.ashlar.dev, share.gpu.ashlar.dev; nvidia.com/gpu"},
	{install.OfferedByNVIDIA, "NVIDIA's DRA driver", "claim of gpu.nvidia.com"},
	{install.OfferedByPlugin, "NVIDIA's device plugin", "nvidia.com/gpu"},
}

// printKinds writes the kinds of nodes side by side, with what is really offered there.
func printKinds(ctx context.Context, w io.Writer, client kubernetes.Interface, nodes []install.Node) error {
	gpus, err := offeredGPUs(ctx, client)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "GPUS OFFERED BY\tNODES\tGPUS\tPODS ASK BY")
	for _, kind := range nodeKinds {
		count, sum := 0, int64(0)
		for _, node := range nodes {
			if node.Offer == kind.offer {
				count++
				sum += gpus[node.Name]
			}
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\n", kind.what, count, sum, kind.ask)
	}
	return table.Flush()
}

// offeredGPUs counts the whole GPUs that each node offers, in slices or by a plugin.
func offeredGPUs(ctx context.Context, client kubernetes.Interface) (map[string]int64, error) {
	gpus := map[string]int64{}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing nodes: %w", err)
	}
	for i := range nodes.Items {
		gpus[nodes.Items[i].Name] = pluginGPUs(&nodes.Items[i])
	}
	published, err := client.ResourceV1().ResourceSlices().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing resource slices: %w", err)
	}
	for _, slice := range published.Items {
		for _, device := range slice.Spec.Devices {
			kind := device.Attributes[deviceapi.Type].StringValue
			if slice.Spec.NodeName != nil && kind != nil && *kind == deviceapi.TypeGPU {
				gpus[*slice.Spec.NodeName]++
			}
		}
	}
	return gpus, nil
}

// pluginGPUs are the GPUs that a device plugin hands out on a node.
func pluginGPUs(node *corev1.Node) int64 {
	return node.Status.Allocatable.Name(install.PluginResource, resource.DecimalSI).Value()
}
