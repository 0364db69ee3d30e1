package deviceplugin

import (
	"cmp"
	"slices"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

// ListOffers are the kinds of devices that the node hands out, as far as they are known.
func (n *Node) ListOffers() []modelmemory.Offer {
	var offers []modelmemory.Offer
	for i := range n.Resources {
		r := &n.Resources[i]
		if r.Device.Total == 0 {
			continue
		}
		offer := modelmemory.Offer{Device: r.offeredDevice(), Profile: r.Profile, Most: 1, Request: string(r.Name), Node: n.Name}
		if r.Sharing == Exclusive && r.Profile == "" {
			offer.Most = r.Count
		}
		offers = append(offers, offer)
	}
	return offers
}

// offeredDevice is what a model server gets by one device.
func (r *Resource) offeredDevice() modelmemory.Device {
	device := modelmemory.Device{GPU: r.Device}
	if r.Sharing == MPS && r.Replicas > 0 {
		device.Share = r.fairShare()
	}
	return device
}

// Supply is what there is of a resource on one node.
type Supply struct {
	Node string
	// Count is how many the node hands out, Used how many pods there ask for.
	Count, Used int64
	// Had is how many the node has, those that its device plugin reports unhealthy included.
	Had      int64
	Cordoned bool
	Resource *Resource
	// Holders are the pods that have some, as namespace/name, sorted.
	Holders []string
}

// ListSupplies is what the nodes have of a resource, the most first, then by name.
func (s *Source) ListSupplies(name v1.ResourceName, nodes []fwk.NodeInfo) []Supply {
	var supplies []Supply
	for _, node := range nodes {
		offered := s.LookUpNode(node.Node())
		if offered == nil {
			continue
		}
		r := offered.FindResource(name)
		if r == nil {
			continue
		}
		supply := Supply{Node: offered.Name, Count: r.Count, Used: node.GetRequested().GetScalarResources()[name],
			Cordoned: node.Node().Spec.Unschedulable, Resource: r}
		supply.Had = r.hadOn(node.Node())
		for _, info := range node.GetPods() {
			pod := info.GetPod()
			if !AsksForGPUs(pod) {
				continue
			}
			if request := s.readPod(pod); request != nil && request.Amounts[name] > 0 {
				supply.Holders = append(supply.Holders, pod.Namespace+"/"+pod.Name)
			}
		}
		slices.Sort(supply.Holders)
		supplies = append(supplies, supply)
	}
	slices.SortFunc(supplies, func(a, b Supply) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Node, b.Node)) })
	return supplies
}

// OfferedNames are the resources that any node hands out, sorted.
func (s *Source) OfferedNames(nodes []fwk.NodeInfo) []v1.ResourceName {
	var names []v1.ResourceName
	for _, node := range nodes {
		if offered := s.LookUpNode(node.Node()); offered != nil {
			for i := range offered.Resources {
				names = append(names, offered.Resources[i].Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// RefusesServer says why a model server does not start on one device, "" if it may.
func (r *Resource) RefusesServer(server *modelmemory.Server) string {
	if r.Device.Total == 0 {
		return ""
	}
	return server.Refuses(r.offeredDevice())
}

// MayHold reports whether a model server that takes more than its part of a shared device
// would start if it were told to take no more.
func (r *Resource) MayHold(server *modelmemory.Server) bool {
	device := r.offeredDevice()
	return device.Share > 0 && server.Refuses(modelmemory.Device{GPU: r.Device}) == "" && server.LeastOn(device) <= device.Share
}

// SmallestProfile is the MIG profile with the least memory on which a model server would
// start on the GPU that the resource is of; false if there is none.
func (r *Resource) SmallestProfile(server *modelmemory.Server) (string, bool) {
	if r.Model == nil {
		return "", false
	}
	table, err := catalogue.Default().MIG(r.Model.MIG)
	if err != nil || table == nil {
		return "", false
	}
	smallest, found := "", topology.Bytes(0)
	for i := range table.Profiles {
		profile := &table.Profiles[i]
		device := modelmemory.Device{GPU: memory.MIGSlice(r.Model, profile.Name, profile.Memory)}
		if profile.Memory > 0 && (found == 0 || profile.Memory < found) && server.Refuses(device) == "" {
			smallest, found = profile.Name, profile.Memory
		}
	}
	return smallest, found > 0
}
