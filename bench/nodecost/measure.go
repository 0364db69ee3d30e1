package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/publish"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

const (
	ashlarScheduler = "ashlar-scheduler"
	machine         = "dgx-h100"
)

// formChoices are the forms of nodes, as the driver's --forms has them. Nodes of the first publish nothing:
// theirs is what a node costs anyway.
var formChoices = [][]string{nil, {"whole"}, {"whole", "share"}, {"whole", "mig", "share"}}

// nodeCost is what one node of some forms costs.
type nodeCost struct {
	forms   []string
	devices int
	// json and protobuf are the bytes of its ResourceSlices.
	json, protobuf int
	// memory is by process, in bytes.
	memory map[string]int64
	// stored is what etcd's file grows by, in bytes.
	stored int64
}

// measureForms weighs a control plane with so many nodes, and with twice as many.
func measureForms(ctx context.Context, binaries *cluster.Binaries, forms []string, nodes int, say func(string)) (_ nodeCost, err error) {
	c, err := cluster.Start(ctx, cluster.Options{Binaries: binaries, Kubelets: cluster.SilentKubelets, Progress: say})
	if err != nil {
		return nodeCost{}, err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	if err := startAshlar(ctx, c, filepath.Dir(filepath.Dir(binaries.Dir()))); err != nil {
		return nodeCost{}, err
	}
	cost := nodeCost{forms: forms, memory: map[string]int64{}}
	if cost.devices, cost.json, cost.protobuf, err = measureSlices(forms); err != nil {
		return nodeCost{}, err
	}
	var weighed [2]*clusterWeight
	for half := range weighed {
		if err := addNodes(ctx, c, forms, half*nodes, nodes); err != nil {
			return nodeCost{}, err
		}
		say(fmt.Sprintf("%d nodes that publish %s: weighing", (half+1)*nodes, describeForms(forms)))
		if weighed[half], err = weighAtRest(ctx, c); err != nil {
			return nodeCost{}, err
		}
	}
	for name, memory := range weighed[1].memory {
		cost.memory[name] = (memory - weighed[0].memory[name]) / int64(nodes)
	}
	cost.stored = (weighed[1].stored - weighed[0].stored) / int64(nodes)
	return cost, nil
}

// startAshlar starts ashlar-scheduler beside kube-scheduler, as it is installed.
func startAshlar(ctx context.Context, c *cluster.Cluster, root string) error {
	folder := filepath.Join(root, "manifests", "overlays", "extended-resources")
	if _, err := c.Kubectl(ctx, "apply", "--server-side", "-k", folder); err != nil {
		return err
	}
	config, err := workload.ShippedConfiguration(root, c.Kubeconfig())
	if err != nil {
		return err
	}
	file := filepath.Join(c.Dir(), ashlarScheduler+"-config.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return err
	}
	_, err = c.Run(ctx, ashlarScheduler, c.Binaries().Command(ashlarScheduler), "--config", file, "--secure-port", "0")
	return err
}

// addNodes adds nodes and publishes their GPUs; the first has the given number.
func addNodes(ctx context.Context, c *cluster.Cluster, forms []string, first, count int) error {
	var specs []cluster.NodeSpec
	for i := range count {
		specs = append(specs, cluster.NodeSpec{Name: workload.NodeName(first + i)})
	}
	if err := c.AddNodes(ctx, specs); err != nil {
		return err
	}
	return workload.PublishSlices(ctx, c.RESTConfig(), first, count, func(number int) ([]*resourceapi.ResourceSlice, error) {
		slices, _, err := makeSlices(workload.NodeName(number), forms)
		return slices, err
	})
}

// makeSlices are a node's slices, as the driver publishes them with --forms, and how many devices they have.
func makeSlices(node string, forms []string) ([]*resourceapi.ResourceSlice, int, error) {
	if len(forms) == 0 {
		return nil, 0, nil
	}
	machineType, err := catalogue.Default().Machine(machine)
	if err != nil {
		return nil, 0, err
	}
	inventory, err := simulated.Node{Name: node, Machine: machineType}.Discover(catalogue.Default().MIG)
	if err != nil {
		return nil, 0, err
	}
	parsed, err := discovery.ParseForms(forms)
	if err != nil {
		return nil, 0, err
	}
	devices := discovery.SelectForms(inventory.ListDevices(discovery.DeviceOptions{AnyMode: true}), parsed)
	return publish.ResourceSlices(node, publish.DriverResources(node, inventory, devices, nil)), len(devices), nil
}

// measureSlices is how many devices and bytes a node publishes.
func measureSlices(forms []string) (devices, asJSON, asProtobuf int, err error) {
	slices, devices, err := makeSlices(workload.NodeName(0), forms)
	if err != nil {
		return 0, 0, 0, err
	}
	for _, slice := range slices {
		text, err := json.Marshal(slice)
		if err != nil {
			return 0, 0, 0, err
		}
		asJSON, asProtobuf = asJSON+len(text), asProtobuf+slice.Size()
	}
	return devices, asJSON, asProtobuf, nil
}
