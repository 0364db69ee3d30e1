package dryrun

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ashlar-dev/ashlar/plugins/deviceplacement"
	"github.com/ashlar-dev/ashlar/plugins/podspec"
	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
)

// PlacementAnswer is what would become of the pods under one policy.
type PlacementAnswer struct {
	Policy string `json:"policy"`
	Asked  int    `json:"asked"`
	Fit    int    `json:"fit"`
	// GPUsOpened are GPUs that were free and no longer are, NodesOpened nodes that had
	// no GPU in use.
	GPUsOpened  int `json:"gpusOpened"`
	NodesOpened int `json:"nodesOpened"`
	// MeanGBps and LeastGBps are of the rings through the GPUs of pods that got more
	// than one; 0 if none did.
	MeanGBps  int64           `json:"meanGBps,omitempty"`
	LeastGBps int64           `json:"leastGBps,omitempty"`
	Pods      []*PodPlacement `json:"pods"`
	// Rejected are those of the pods without a place that the API server refuses.
	Rejected int `json:"rejected,omitempty"`
	// Scaling is how far the workloads could be scaled that are, after all other pods.
	Scaling []ScaleAnswer `json:"scaling,omitempty"`

	outcomes []PodOutcome
	// orderedGroups are the PodGroups that were refused where another order of their pods
	// might have had another end.
	orderedGroups []string
	// refused is why the last pod of a template was refused, as long as nothing was placed since.
	refused map[*podspec.PodTemplate]string
}

// PodPlacement is what would become of one pod.
type PodPlacement struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// From says where a pod that is not of the manifests comes from.
	From string `json:"from,omitempty"`
	// Node is "" for a pod that waits, for the reason given.
	Node   string `json:"node,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Rejected says that the API server refuses the pod, so that it does not even wait.
	Rejected bool              `json:"rejected,omitempty"`
	Devices  []AllocatedDevice `json:"devices,omitempty"`
	// GBps is the bandwidth of the ring through the pod's whole GPUs.
	GBps int64 `json:"gbps,omitempty"`
	// Product, Got and Connection say the same in words.
	Product    string `json:"product,omitempty"`
	Got        string `json:"got,omitempty"`
	Connection string `json:"connection,omitempty"`
}

// AllocatedDevice is a device that a pod would hold.
type AllocatedDevice struct {
	Driver string `json:"driver"`
	Pool   string `json:"pool"`
	Name   string `json:"name"`
	// Bytes is the part of a shared device's memory.
	Bytes int64 `json:"bytes,omitempty"`
}

// gpuHoldings are the GPUs that claims hold now. Pools whose GPUs cannot be understood are
// left out.
func (s *Snapshot) gpuHoldings() ([]resourceslices.ClaimAllocation, error) {
	stored, err := s.claims.List()
	if err != nil {
		return nil, err
	}
	slices.SortFunc(stored, func(a, b *resourceapi.ResourceClaim) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	// What cannot be read has no say in how many GPUs are in use.
	allocations, _ := resourceslices.ReadAllocations(s.pools, s.groups, stored)
	return allocations, nil
}

// nodeGPU is one GPU of a node.
type nodeGPU struct {
	node  string
	index int
}

// usedGPUs are the GPUs of which anything is held, and their nodes.
func usedGPUs(holdings []resourceslices.ClaimAllocation) (gpus map[nodeGPU]bool, nodes map[string]bool) {
	gpus, nodes = map[nodeGPU]bool{}, map[string]bool{}
	for _, h := range holdings {
		for _, held := range h.Devices {
			if held.AdminAccess {
				continue // takes nothing
			}
			nodes[h.Node] = true
			gpus[nodeGPU{h.Node, held.Device.GPU}] = true
		}
	}
	return gpus, nodes
}

// openedSince counts the GPUs that were free and the nodes that were idle before.
func (s *Snapshot) openedSince(before []resourceslices.ClaimAllocation) (gpus, nodes int, err error) {
	after, err := s.gpuHoldings()
	if err != nil {
		return 0, 0, err
	}
	gpus, nodes = openedBetween(before, after)
	return gpus, nodes, nil
}

func openedBetween(before, after []resourceslices.ClaimAllocation) (gpus, nodes int) {
	gpusBefore, nodesBefore := usedGPUs(before)
	gpusAfter, nodesAfter := usedGPUs(after)
	for g := range gpusAfter {
		if !gpusBefore[g] {
			gpus++
		}
	}
	for n := range nodesAfter {
		if !nodesBefore[n] {
			nodes++
		}
	}
	return gpus, nodes
}

// fillIn fills the answer from the outcomes and what is held now.
func (a *PlacementAnswer) fillIn(s *Snapshot, before []resourceslices.ClaimAllocation) error {
	after, err := s.gpuHoldings()
	if err != nil {
		return err
	}
	a.GPUsOpened, a.NodesOpened = openedBetween(before, after)
	claims, err := s.claims.List()
	if err != nil {
		return err
	}
	slices.SortFunc(claims, func(x, y *resourceapi.ResourceClaim) int { return cmp.Compare(x.Name, y.Name) })
	byUser := map[types.UID][]*resourceapi.ResourceClaim{}
	for _, claim := range claims {
		for _, user := range claim.Status.ReservedFor {
			byUser[user.UID] = append(byUser[user.UID], claim)
		}
	}
	byClaim := map[types.NamespacedName]*resourceslices.ClaimAllocation{}
	for i := range after {
		claim := after[i].Claim
		byClaim[types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}] = &after[i]
	}
	rings, sum := int64(0), int64(0)
	for i := range a.outcomes {
		o := &a.outcomes[i]
		pod := &PodPlacement{Namespace: o.Pod.Namespace, Name: o.Pod.Name, From: o.From, Reason: o.Refusal, Rejected: o.rejected}
		a.Pods = append(a.Pods, pod)
		a.Asked++
		if o.Bound == nil {
			if o.rejected {
				a.Rejected++
			}
			continue
		}
		a.Fit++
		pod.describeClaims(o.Bound, byUser[o.Bound.UID], byClaim)
		pod.addCounted(o.Counted)
		if pod.GBps > 0 {
			if rings == 0 || pod.GBps < a.LeastGBps {
				a.LeastGBps = pod.GBps
			}
			rings, sum = rings+1, sum+pod.GBps
		}
	}
	if rings > 0 {
		a.MeanGBps = sum / rings
	}
	return nil
}

// addCounted writes down what a bound pod has from a device plugin.
func (p *PodPlacement) addCounted(counted deviceplacement.CountedGPUs) {
	join := func(a, b, separator string) string {
		if a == "" || b == "" {
			return a + b
		}
		return a + separator + b
	}
	p.Product = join(p.Product, strings.TrimPrefix(counted.Product, "NVIDIA "), ", ")
	p.Got = join(p.Got, counted.Got, "; ")
}

// describeClaims writes down what a bound pod's claims hold.
func (p *PodPlacement) describeClaims(
	bound *corev1.Pod, claims []*resourceapi.ResourceClaim, holdings map[types.NamespacedName]*resourceslices.ClaimAllocation,
) {
	p.Node = bound.Spec.NodeName
	var got, connections []string
	var known []resourceslices.AllocatedDevice
	for _, claim := range claims {
		if claim.Status.Allocation == nil {
			continue
		}
		var others []string
		holding := holdings[types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}]
		for _, result := range claim.Status.Allocation.Devices.Results {
			device := AllocatedDevice{Driver: result.Driver, Pool: result.Pool, Name: result.Device}
			if memory, shared := result.ConsumedCapacity["memory"]; shared {
				device.Bytes = memory.Value()
			}
			p.Devices = append(p.Devices, device)
			isResult := func(d resourceslices.AllocatedDevice) bool {
				return d.Driver == result.Driver && d.Pool == result.Pool && d.Name == result.Device
			}
			if holding == nil || !slices.ContainsFunc(holding.Devices, isResult) {
				others = append(others, fmt.Sprintf("%s of %s", result.Device, result.Driver))
			}
		}
		if holding != nil {
			known, got = append(known, holding.Devices...), append(got, holding.DescribeDevices())
			if connection := holding.DescribeConnection(); connection != "-" {
				connections = append(connections, connection)
			}
			if holding.Bandwidth > 0 && (p.GBps == 0 || holding.Bandwidth < p.GBps) {
				p.GBps = holding.Bandwidth
			}
		}
		got = append(got, others...)
	}
	p.Product = resourceslices.ProductNames(known)
	p.Got, p.Connection = strings.Join(got, "; "), strings.Join(connections, "; ")
}
