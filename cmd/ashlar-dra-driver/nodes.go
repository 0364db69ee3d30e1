package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"k8s.io/dynamic-resource-allocation/resourceslice"
	"k8s.io/klog/v2"
	"sigs.k8s.io/yaml"

	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/publish"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// publishedNode is one node and what is published for it.
type publishedNode struct {
	name      string
	resources resourceslice.DriverResources
}

// discoverNodes finds out what each node has.
func (o *driverOptions) discoverNodes(ctx context.Context) ([]publishedNode, error) {
	known := catalogue.Default()
	var wanted []simulated.Node
	switch {
	case o.nodesFile != "":
		text, err := os.ReadFile(o.nodesFile)
		if err != nil {
			return nil, fmt.Errorf("reading the list of nodes: %w", err)
		}
		if wanted, err = simulated.ReadNodes(o.nodesFile, text, known.Machine); err != nil {
			return nil, err
		}
	case o.machine != "":
		machine, err := known.Machine(o.machine)
		if err != nil {
			return nil, err
		}
		wanted = []simulated.Node{{Name: o.nodeName, Machine: machine}}
	default:
		node, err := discoverWithin(ctx, nvml.New())
		if errors.Is(err, discovery.ErrNoDriver) {
			err = fmt.Errorf("%w; use --machine to simulate one", err)
		}
		if err != nil {
			return nil, err
		}
		devices := discovery.SelectForms(node.ListDevices(discovery.DeviceOptions{}), o.forms)
		return []publishedNode{{o.nodeName, publish.DriverResources(o.nodeName, node, devices, nil)}}, nil
	}
	nodes := make([]publishedNode, 0, len(wanted))
	for _, want := range wanted {
		node, err := want.Discover(known.MIG)
		if err != nil {
			return nil, err
		}
		devices := discovery.SelectForms(node.ListDevices(discovery.DeviceOptions{AnyMode: true}), o.forms)
		nodes = append(nodes, publishedNode{want.Name, publish.DriverResources(want.Name, node, devices, nil)})
	}
	return nodes, nil
}

// discoverWithin asks this machine's driver. After boot the NVLink fabric takes a
// while, which is waited for.
func discoverWithin(ctx context.Context, library discovery.Library) (*discovery.Node, error) {
	const tries, pause = 24, 5 * time.Second
	for try := 1; ; try++ {
		node, err := discovery.ReadNode(library, os.DirFS("/sys"))
		if !errors.Is(err, discovery.ErrFabricNotReady) || try == tries {
			return node, err
		}
		klog.FromContext(ctx).Info("Waiting for the NVLink fabric", "reason", err)
		if err := sleepFor(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// sleepFor waits, unless ctx ends before.
func sleepFor(ctx context.Context, pause time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pause):
		return nil
	}
}

// printSlices writes the ResourceSlices of all nodes.
func printSlices(out io.Writer, format string, nodes []publishedNode) error {
	for _, node := range nodes {
		for _, slice := range publish.ResourceSlices(node.name, node.resources) {
			var text []byte
			var err error
			if format == "json" {
				text, err = json.MarshalIndent(slice, "", "  ")
				text = append(text, '\n')
			} else {
				text, err = yaml.Marshal(slice)
				text = append([]byte("---\n"), text...)
			}
			if err != nil {
				return fmt.Errorf("printing the ResourceSlices of node %s: %w", node.name, err)
			}
			if _, err := out.Write(text); err != nil {
				return fmt.Errorf("printing the ResourceSlices of node %s: %w", node.name, err)
			}
		}
	}
	return nil
}
