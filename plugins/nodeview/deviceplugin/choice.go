package deviceplugin

import (
	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// NodeChoice is what a pod would get on a node, in package placement's terms. The kubelet
// chooses the GPUs, so that it stands for as many as the pod asks for, not for certain
// ones: nodes are told apart by what GPUs they have and how many are in use.
type NodeChoice struct {
	// Inventory is the node's GPUs, GPUs what is held of them and Devices what the pod
	// would get; nil for MIG slices, whose places on the GPUs nobody tells.
	Inventory *placement.Inventory
	GPUs      placement.GPUStates
	Devices   []placement.DeviceAllocation
	// sliced is the memory of the slices that the pod would get.
	sliced topology.Bytes
	// linked says that the pod gets all of a machine whose links are proven.
	linked bool
}

// ChoiceKey tells nodes apart on which a pod's choice may differ: nodes with equal keys give
// the same.
type ChoiceKey struct {
	kind int
	used [maxKeyed]int64
}

// maxKeyed is how many resources a pod may ask for to have keys.
const maxKeyed = 2

// KeyOn is the key of a node for a pod, false if it has none.
func (s *Source) KeyOn(request *PodRequest, node fwk.NodeInfo) (ChoiceKey, bool) {
	offered, names := s.LookUpNode(node.Node()), request.Names()
	if offered == nil || len(names) > maxKeyed {
		return ChoiceKey{}, false
	}
	key := ChoiceKey{kind: offered.kind}
	requested := node.GetRequested().GetScalarResources()
	for i, name := range names {
		key.used[i] = requested[name]
	}
	return key, true
}

// ChooseOn is what a pod would get on a node; nil if the node hands out nothing of it of
// which anything is known.
func (s *Source) ChooseOn(request *PodRequest, node fwk.NodeInfo) *NodeChoice {
	offered := s.LookUpNode(node.Node())
	if offered == nil {
		return nil
	}
	var choice *NodeChoice
	for _, name := range request.Names() {
		r := offered.FindResource(name)
		if r == nil || r.Device.Total == 0 {
			continue
		}
		if choice == nil {
			choice = &NodeChoice{}
		}
		inventory := s.inventoryOf(offered, r, node.Node())
		if inventory == nil || choice.Inventory != nil {
			choice.sliced += topology.Bytes(request.Amounts[name]) * r.Device.Total
			continue
		}
		choice.chooseGPUs(inventory, r, request, node)
	}
	return choice
}

func (c *NodeChoice) chooseGPUs(inventory *placement.Inventory, r *Resource, request *PodRequest, node fwk.NodeInfo) {
	c.Inventory, c.GPUs = inventory, make(placement.GPUStates, len(inventory.Node.GPUs))
	count, devices := request.Amounts[r.Name], int64(len(c.GPUs))
	used := min(node.GetRequested().GetScalarResources()[r.Name], r.Count)
	for i := range min(used, devices) { // shared devices fill evenly
		replicas := topology.Bytes((used - i + devices - 1) / devices)
		inventory.HoldDevice(c.GPUs, int(i), placement.ShareSize{Bytes: replicas * r.fairShare()})
	}
	for i := range min(count, devices) {
		c.Devices = append(c.Devices, placement.DeviceAllocation{
			Device: int((used + i) % devices), ShareSize: placement.ShareSize{Bytes: r.takenBy(request.Server)},
		})
	}
	c.linked = r.Sharing == Exclusive && count == devices && provenMachine(node.Node(), r) != nil
}

// Rate is what placement says of the choice. Bandwidth counts only where it is known.
func (c *NodeChoice) Rate(policy placement.Policy) placement.Rating {
	rating := placement.Rating{}
	if c.Inventory != nil {
		rating = placement.RateAllocation(c.Inventory, c.GPUs, c.Devices, policy)
	}
	if !c.linked {
		rating.Bandwidth, rating.Distance = 0, 0
	}
	rating.OpportunityCost += int64(c.sliced / topology.MiB)
	return rating
}

// inventoryOf is a node's GPUs as package placement has them: nil for slices, and for more
// GPUs than a node can have there.
func (s *Source) inventoryOf(offered *Node, r *Resource, node *v1.Node) *placement.Inventory {
	devices := r.CountDevices()
	if r.Profile != "" || devices < 1 || devices > topology.MaxGPUs {
		return nil
	}
	machine := provenMachine(node, r)
	key := string(r.Name) + "\n" + offered.make
	if machine != nil {
		key += "machine " + instanceOf(node).Machine.Name
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if inventory, found := s.byMake[key]; found {
		return inventory
	}
	if machine == nil {
		machine = topology.FlatNode(r.Model, int(devices))
	}
	form := placement.Whole
	if r.Sharing != Exclusive {
		form = placement.Share
	}
	var all []placement.Device
	for gpu := range machine.GPUs {
		all = append(all, placement.Device{Form: form, GPU: gpu, Memory: r.Device.Total})
	}
	inventory, err := placement.NewInventory(machine, all, placement.PriorDemand())
	if err != nil {
		inventory = nil // it is placed by what is known of it otherwise
	}
	s.byMake[key] = inventory
	return inventory
}

// ListInventories are the GPUs of the nodes that Refresh was last given, by the nodes' names.
// Of a node that hands out several kinds the first by name counts.
func (s *Source) ListInventories() map[string]*placement.Inventory {
	var known []readNode
	s.nodes.Range(func(_, value any) bool {
		if one, ok := value.(readNode); ok {
			known = append(known, one)
		}
		return true
	})
	inventories := map[string]*placement.Inventory{}
	for _, one := range known {
		if one.node == nil {
			continue
		}
		for i := range one.node.Resources {
			r := &one.node.Resources[i]
			if r.Device.Total == 0 {
				continue
			}
			if inventory := s.inventoryOf(one.node, r, one.object); inventory != nil {
				inventories[one.node.Name] = inventory
				break
			}
		}
	}
	return inventories
}
