package e2e

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// Ashlar's driver takes its devices back as soon as a device plugin hands out the same
// node's GPUs: what a real kubelet writes into the node's status is what it looks for.
func TestDevicePluginDisplacesDriver(t *testing.T) {
	needsNode(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	const name = "ashlar-dra-driver"
	binaries := world.cluster.Binaries()
	if err := binaries.Ensure(ctx, nil, name); err != nil {
		t.Fatal(err)
	}
	node, err := world.cluster.StartNode(ctx, cluster.NodeOptions{Name: "beside-plugin"})
	if err != nil {
		t.Fatal(err)
	}
	driver, err := node.Run(ctx, name, binaries.Command(name),
		"--kubeconfig", world.cluster.Kubeconfig(), "--node-name", node.Name(), "--machine", "4xA30-pcie")
	if err != nil {
		t.Fatal(err)
	}
	waitSlices := func(want bool) {
		t.Helper()
		err := driver.Until(ctx, fmt.Sprintf("slices of the driver: %v", want), func(ctx context.Context) error {
			found, err := world.client.ResourceV1().ResourceSlices().List(ctx, metav1.ListOptions{
				FieldSelector: fields.Set{
					resourceapi.ResourceSliceSelectorDriver: deviceapi.Driver, resourceapi.ResourceSliceSelectorNodeName: node.Name(),
				}.String(),
			})
			if err == nil && (len(found.Items) > 0) != want {
				err = fmt.Errorf("there are %d", len(found.Items))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	waitSlices(true)

	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	plugin, err := node.Run(ctx, "test-plugin", "/usr/bin/env", pluginVariable+"=yes", program)
	if err != nil {
		t.Fatal(err)
	}
	waitLog(ctx, t, plugin, "registered\n")
	waitSlices(false)
	now, err := world.client.CoreV1().Nodes().Get(ctx, node.Name(), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := now.Status.Allocatable[pluginGPUs]; got.Value() != 2 {
		t.Errorf("the node has %s %s, want 2", got.String(), pluginGPUs)
	}
	for _, stop := range []func() error{plugin.Stop, driver.Stop, node.Stop} {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}
