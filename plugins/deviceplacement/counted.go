package deviceplacement

import (
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/metrics"
	"github.com/ashlar-dev/ashlar/plugins/nodeview/deviceplugin"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// A device plugin's GPUs are counted by kube-scheduler and picked by the kubelet. What is
// decided here about them is whether a node has the memory, and which node is best.

const countedKey fwk.StateKey = Name + "/counted"

// countedCycle is what is known about a pod that asks for devices which some node's device
// plugin hands out. It does not change after PreFilter, but for
// what the pod gets.
type countedCycle struct {
	pod     *v1.Pod
	request *deviceplugin.PodRequest
	// claimed are the nodes of whose published GPUs claims hold something.
	claimed sets.Set[string]
	// What the pod gets; filled in Reserve. See podCycle.
	inventory *placement.Inventory
	devices   []placement.DeviceAllocation
	got       string
	product   string
	doubts    []string
}

// Clone implements fwk.StateData: what later steps change is copied.
func (c *countedCycle) Clone() fwk.StateData {
	copied := *c
	return &copied
}

// countedOf is nil for a pod that no device plugin could serve.
func countedOf(state fwk.CycleState) *countedCycle {
	if data, err := state.Read(countedKey); err == nil {
		if c, ok := data.(*countedCycle); ok {
			return c
		}
	}
	return nil
}

// readCounted reads what a pod asks of device plugins; nil if that is nothing.
func (p *Plugin) readCounted(pod *v1.Pod, nodes []fwk.NodeInfo) (*countedCycle, *fwk.Status) {
	request, err := deviceplugin.ReadPod(pod)
	if err != nil {
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, err.Error())
	}
	if request == nil {
		return nil, nil
	}
	if err := p.source.Refresh(); err != nil {
		return nil, fwk.AsStatus(err)
	}
	p.counted.Refresh(nodes)
	c := &countedCycle{pod: pod, request: request}
	for _, node := range nodes {
		if p.source.PublishesNothing() {
			break
		}
		if p.handsOutTwice(node) {
			if c.claimed, err = p.source.NodesInUse(); err != nil {
				return nil, fwk.AsStatus(err)
			}
			break
		}
	}
	return c, nil
}

// handsOutTwice reports whether a node hands out the same GPUs through its device plugin
// and to claims.
func (p *Plugin) handsOutTwice(node fwk.NodeInfo) bool {
	return p.counted.HandsOutTwice(node, p.source.GPUsOn(node.Node().Name))
}

// filterCounted refuses a node for what its device plugin hands out: memory that is not
// there, or GPUs that claims hold. nil leaves the node to others.
func (p *Plugin) filterCounted(c *countedCycle, node fwk.NodeInfo) *fwk.Status {
	if c.claimed.Has(node.Node().Name) && p.counted.ServesAny(c.request, node) && p.handsOutTwice(node) {
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable,
			"node(s) hand out the same GPUs through a device plugin and to claims, and claims hold some")
	}
	refusal := p.counted.RefusalOn(c.request, node)
	switch {
	case refusal == nil:
		return nil
	case refusal.TooSmall:
		metrics.CountModelTooLarge()
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, refusal.Text)
	case refusal.Never:
		return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, refusal.Text)
	}
	return fwk.NewStatus(fwk.Unschedulable, refusal.Text)
}

// filterClaimed refuses a node to a pod with claims if pods have the same GPUs through its
// device plugin: nothing tells which of them.
func (p *Plugin) filterClaimed(node fwk.NodeInfo) *fwk.Status {
	if p.handsOutTwice(node) && p.counted.AnyInUse(node) {
		return fwk.NewStatus(fwk.Unschedulable,
			"node(s) hand out the same GPUs through a device plugin and to claims, and pods have some through the device plugin")
	}
	return nil
}

// noteCounted notes what a pod takes of a node's device plugin for the later steps of its
// cycle.
func (p *Plugin) noteCounted(c *countedCycle, name string) {
	node, err := p.lister.NodeInfos().Get(name)
	if err != nil || !p.counted.ServesAny(c.request, node) {
		return
	}
	if choice := p.counted.ChooseOn(c.request, node); choice != nil {
		c.inventory, c.devices = choice.Inventory, choice.Devices
	}
	c.got, c.product = describeCounted(c.request, p.counted.LookUpNode(node.Node()))
	c.doubts = p.counted.DoubtsOn(c.request, node)
}

// describeCounted says what a pod gets from device plugins on a node: "2 of 8
// nvidia.com/gpu", and which model that is, "" if it is not told.
func describeCounted(request *deviceplugin.PodRequest, offered *deviceplugin.Node) (got, product string) {
	var parts, products []string
	for _, name := range request.Names() {
		r := offered.FindResource(name)
		if r == nil {
			continue
		}
		parts = append(parts, fmt.Sprintf("%d of %d %s", request.Amounts[name], r.Count, name))
		if r.Model != nil && !slices.Contains(products, r.Model.Product) {
			products = append(products, r.Model.Product)
		}
	}
	return strings.Join(parts, ", "), strings.Join(products, ", ")
}
