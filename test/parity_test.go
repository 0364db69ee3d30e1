package test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/publish"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// What the scheduler reads from the driver's ResourceSlices is the machine that
// the driver discovered: the same links, NUMA nodes, PCIe roots and offers.
func TestSchedulerReadsWhatTheDriverPublishes(t *testing.T) {
	c := catalogue.Default()
	for _, name := range c.Machines() {
		machine, err := c.Machine(name)
		if err != nil {
			machine, err = c.Machine(name + "/L40S") // a layout that any GPU may fill
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			discovered, err := simulated.Node{Name: "node", Machine: machine}.Discover(c.MIG)
			if err != nil {
				t.Fatal(err)
			}
			var devices []resourceapi.Device
			offered := discovered.ListDevices(discovery.DeviceOptions{AnyMode: true})
			for _, slice := range publish.ResourceSlices("node", publish.DriverResources("node", discovered, offered, nil)) {
				devices = append(devices, slice.Spec.Devices...)
			}
			reading, err := resourceslices.ReadPool(deviceapi.Driver, devices)
			if err != nil {
				t.Fatal(err)
			}
			if err := reading.Err(); err != nil {
				t.Fatalf("every device is understood: %v", err)
			}
			node := reading.Node

			for i, gpu := range node.GPUs {
				want := discovered.Topology.GPUs[i]
				if gpu.NUMA != want.NUMA {
					t.Fatalf("GPU %d: gpu.NUMA = %v, want %v", i, gpu.NUMA, want.NUMA)
				}
				if gpu.PCIeRoot != want.PCIeRoot {
					t.Fatalf("GPU %d: gpu.PCIeRoot = %q, want %q", i, gpu.PCIeRoot, want.PCIeRoot)
				}
				if gpu.Model.Product != want.Model.Product {
					t.Fatalf("GPU %d: gpu.Model.Product = %q, want %q", i, gpu.Model.Product, want.Model.Product)
				}
				for j := range node.GPUs {
					if got, want := node.Bandwidth(i, j), discovered.Topology.Bandwidth(i, j); got != want {
						t.Fatalf("GPUs %d and %d: node.Bandwidth(i, j) = %v, want %v", i, j, got, want)
					}
				}
			}
			if diff := cmp.Diff(discovered.Topology.Links, node.Links); diff != "" {
				t.Errorf("links (-discovered +read):\n%s", diff)
			}
			tables := make([]*mig.Table, len(discovered.GPUs))
			for i := range discovered.GPUs {
				tables[i] = discovered.GPUs[i].Table
			}
			if diff := cmp.Diff(keys(placement.NodeDevices(discovered.Topology, tables)), keys(reading.Devices)); diff != "" {
				t.Errorf("offers (-discovered +read):\n%s", diff)
			}
		})
	}
}

// keys identifies offers without what rounding and unpublished counters change.
func keys(offers []placement.Device) []string {
	var all []string
	for _, o := range offers {
		instance := deviceapi.MIGDevice(0, &mig.Profile{ID: o.Profile}, o.Placement.Start)
		all = append(all, o.Form.String()+" "+deviceapi.GPUDevice(int64(o.GPU))+" "+instance+" "+o.Placement.String())
	}
	slices.Sort(all)
	return all
}
