package main

import (
	"context"
	"fmt"

	resourceapi "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// driverNodes selects the nodes that the DaemonSet of Ashlar's driver runs on.
const driverNodes = "ashlar.dev/driver=true"

// driverLacks is what idleDriver says, or why it could not find out; the scheduler serves
// other pods all the same.
func driverLacks(ctx context.Context, connection *rest.Config) []string {
	client, err := kubernetes.NewForConfig(connection)
	if err != nil {
		return []string{"connecting to " + connection.Host + ": " + oneLine(err)}
	}
	line, err := idleDriver(ctx, client)
	switch {
	case err != nil:
		return []string{"whether Ashlar's driver has nodes to run on is not known: " + oneLine(err)}
	case line != "":
		return []string{line}
	}
	return nil
}

// idleDriver says in one line that Ashlar's driver is installed and no node is labelled for
// it, "" if that is not so: the DaemonSet then wants no pod, which no object reports.
func idleDriver(ctx context.Context, client kubernetes.Interface) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	_, err := client.ResourceV1().DeviceClasses().Get(ctx, deviceapi.Driver, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "", nil // the scheduler alone is installed
	}
	if err != nil {
		return "", fmt.Errorf("reading DeviceClass %s: %w", deviceapi.Driver, err)
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: driverNodes, Limit: 1})
	if err != nil {
		return "", fmt.Errorf("listing nodes labelled %s: %w", driverNodes, err)
	}
	published, err := client.ResourceV1().ResourceSlices().List(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector(resourceapi.ResourceSliceSelectorDriver, deviceapi.Driver).String(), Limit: 1,
	})
	if err != nil {
		return "", fmt.Errorf("listing ResourceSlices of %s: %w", deviceapi.Driver, err)
	}
	if len(nodes.Items) > 0 || len(published.Items) > 0 {
		return "", nil
	}
	return fmt.Sprintf("no node carries %s: Ashlar's driver runs nowhere and %s has no devices; label the nodes whose GPUs it is to publish, "+
		"where no device plugin and no other DRA driver hands them out: kubectl label node NAME %s", driverNodes, deviceapi.Driver,
		driverNodes), nil
}
