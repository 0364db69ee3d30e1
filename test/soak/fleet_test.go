package soak

import (
	"context"
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"strings"

	resourceapi "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/publish"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// nicDriver publishes one adapter at each PCIe root of a node with adapters, of the class nicClass.
const (
	nicDriver = "nic.example.com"
	nicClass  = "nic.example.com"
)

// driven are the machines of nodes that Ashlar's driver publishes, changing those whose slices
// the test publishes, and changes.
var (
	driven   = []string{"dgx-a100", "dgx-a100", "dgx-h100", "4xA30-pcie", "8xL40S-2socket-node", "aws-p3.16xlarge"}
	changing = []string{"dgx-a100", "dgx-h100", "dgx-h100", "azure-nc96ads-a100", "hgx-a100-2nic", "4xA30-pcie"}
)

// fleetNode is a node whose slices the test publishes, as a driver would.
type fleetNode struct {
	name, machine string
	found         *discovery.Node
	// adapters says that it has some.
	adapters   bool
	generation int64
	// hidden are the GPUs that the pool lacks at the moment, tainted those that are unhealthy.
	hidden  map[string]bool
	tainted map[string]resourceapi.DeviceTaintEffect
	lost    bool
}

func newFleet() ([]*fleetNode, error) {
	known := catalogue.Default()
	var fleet []*fleetNode
	for i, name := range changing {
		machine, err := known.Machine(name)
		if err != nil {
			return nil, err
		}
		n := &fleetNode{
			name: changingName(i), machine: name, adapters: strings.HasPrefix(name, "dgx-h100"),
			hidden: map[string]bool{}, tainted: map[string]resourceapi.DeviceTaintEffect{},
		}
		if n.found, err = (simulated.Node{Name: n.name, Machine: machine}).Discover(known.MIG); err != nil {
			return nil, err
		}
		fleet = append(fleet, n)
	}
	return fleet, nil
}

// published are the node's slices as they should be now, in a new generation.
func (n *fleetNode) published() []*resourceapi.ResourceSlice {
	n.generation++
	devices := slices.DeleteFunc(n.found.ListDevices(discovery.DeviceOptions{AnyMode: true}), func(d dra.Device) bool {
		return n.hidden[d.GPU.UUID]
	})
	taints := func(d dra.Device) []resourceapi.DeviceTaint {
		if effect := n.tainted[d.GPU.UUID]; effect != "" {
			return []resourceapi.DeviceTaint{{Key: "example.com/unhealthy", Value: "true", Effect: effect}}
		}
		return nil
	}
	objects := publish.ResourceSlices(n.name, publish.DriverResources(n.name, n.found, devices, taints))
	if n.adapters {
		objects = append(objects, n.adapterSlice(objects))
	}
	for i, object := range objects {
		object.GenerateName, object.Name = "", fmt.Sprintf("%s-g%d-%d", n.name, n.generation, i)
		object.Spec.Pool.Generation = n.generation
	}
	return objects
}

// adapterSlice has an adapter at each PCIe root at which the node has a GPU.
func (n *fleetNode) adapterSlice(gpus []*resourceapi.ResourceSlice) *resourceapi.ResourceSlice {
	roots := map[string]bool{}
	for _, slice := range gpus {
		for i := range slice.Spec.Devices {
			if root := slice.Spec.Devices[i].Attributes[deviceapi.PCIeRoot].StringValue; root != nil {
				roots[*root] = true
			}
		}
	}
	slice := &resourceapi.ResourceSlice{Spec: resourceapi.ResourceSliceSpec{
		Driver: nicDriver, NodeName: &n.name, Pool: resourceapi.ResourcePool{Name: n.name, ResourceSliceCount: 1},
	}}
	for i, root := range slices.Sorted(maps.Keys(roots)) {
		slice.Spec.Devices = append(slice.Spec.Devices, resourceapi.Device{
			Name:       fmt.Sprintf("nic-%d", i),
			Attributes: map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{deviceapi.PCIeRoot: {StringValue: &root}},
		})
	}
	return slice
}

// publish writes the node's slices anew and removes those of earlier generations.
func (w *world) publish(ctx context.Context, n *fleetNode) error {
	node, err := w.client.CoreV1().Nodes().Get(ctx, n.name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	api := w.client.ResourceV1().ResourceSlices()
	for _, object := range n.published() {
		object.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: n.name, UID: node.UID}}
		err := w.persist(ctx, func(ctx context.Context) error {
			_, err := api.Create(ctx, object, metav1.CreateOptions{})
			return err
		})
		if err != nil {
			return fmt.Errorf("publishing %s: %w", object.Name, err)
		}
	}
	return w.persist(ctx, func(ctx context.Context) error {
		old, err := api.List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + n.name})
		if err != nil {
			return err
		}
		for i := range old.Items {
			if old.Items[i].Spec.Pool.Generation == n.generation {
				continue
			}
			if err := api.Delete(ctx, old.Items[i].Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
				return err
			}
		}
		return nil
	})
}

// drawGPU draws a GPU of the node.
func (n *fleetNode) drawGPU(random *rand.Rand) string {
	return n.found.GPUs[random.Intn(len(n.found.GPUs))].UUID
}

// heal ends all that is wrong with the node's GPUs, and reports whether something was.
func (n *fleetNode) heal() bool {
	wrong := len(n.hidden)+len(n.tainted) > 0
	clear(n.hidden)
	clear(n.tainted)
	return wrong
}
