package whatif

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
)

// Answer is what would become of the pods under one policy.
type Answer struct {
	Policy string `json:"policy"`
	Asked  int    `json:"asked"`
	Fit    int    `json:"fit"`
	// GPUsOpened are GPUs that were free and no longer are, NodesOpened nodes that had
	// no GPU in use.
	GPUsOpened  int `json:"gpusOpened"`
	NodesOpened int `json:"nodesOpened"`
	// MeanGBps and LeastGBps are of the rings through the GPUs of pods that got more
	// than one; 0 if none did.
	MeanGBps  int64  `json:"meanGBps,omitempty"`
	LeastGBps int64  `json:"leastGBps,omitempty"`
	Pods      []*Pod `json:"pods"`

	outcomes []outcome
}

// Pod is what would become of one pod.
type Pod struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// From says where a pod that is not of the manifests comes from.
	From string `json:"from,omitempty"`
	// Node is "" for a pod that waits, for the reason given.
	Node    string   `json:"node,omitempty"`
	Reason  string   `json:"reason,omitempty"`
	Devices []Device `json:"devices,omitempty"`
	// GBps is the bandwidth of the ring through the pod's whole GPUs.
	GBps int64 `json:"gbps,omitempty"`
	// Product, Got and Connection say the same in words.
	Product    string `json:"product,omitempty"`
	Got        string `json:"got,omitempty"`
	Connection string `json:"connection,omitempty"`
}

// Device is a device that a pod would hold.
type Device struct {
	Driver string `json:"driver"`
	Pool   string `json:"pool"`
	Name   string `json:"name"`
	// Bytes is the part of a shared device's memory.
	Bytes int64 `json:"bytes,omitempty"`
}

// holdings are the GPUs that claims hold now. Pools whose GPUs cannot be understood are
// left out.
func (w *world) holdings() ([]resourceslices.ClaimAllocation, error) {
	stored, err := w.claims.List()
	if err != nil {
		return nil, err
	}
	var all []resourceapi.ResourceClaim
	for _, claim := range stored {
		all = append(all, *claim)
	}
	slices.SortFunc(all, func(a, b resourceapi.ResourceClaim) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	published := make([]resourceapi.ResourceSlice, len(w.slices))
	for i, slice := range w.slices {
		published[i] = *slice
	}
	// What cannot be read has no say in how many GPUs are in use.
	allocations, _ := resourceslices.ClaimAllocations(published, all) //nolint:errcheck // see above
	return allocations, nil
}

// gpu is one GPU of a node.
type gpu struct {
	node  string
	index int
}

func inUse(holdings []resourceslices.ClaimAllocation) (gpus map[gpu]bool, nodes map[string]bool) {
	gpus, nodes = map[gpu]bool{}, map[string]bool{}
	for _, h := range holdings {
		nodes[h.Node] = true
		for _, held := range h.Devices {
			gpus[gpu{h.Node, held.Device.GPU}] = true
		}
	}
	return gpus, nodes
}

// finish fills the answer from the outcomes and what is held now.
func (a *Answer) finish(w *world, before []resourceslices.ClaimAllocation) error {
	after, err := w.holdings()
	if err != nil {
		return err
	}
	gpusBefore, nodesBefore := inUse(before)
	gpusAfter, nodesAfter := inUse(after)
	for g := range gpusAfter {
		if !gpusBefore[g] {
			a.GPUsOpened++
		}
	}
	for n := range nodesAfter {
		if !nodesBefore[n] {
			a.NodesOpened++
		}
	}
	claims, err := w.claims.List()
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
		pod := &Pod{Namespace: o.pod.Namespace, Name: o.pod.Name, From: o.from, Reason: o.refusal}
		a.Pods = append(a.Pods, pod)
		a.Asked++
		if o.bound == nil {
			continue
		}
		a.Fit++
		pod.got(o.bound, byUser[o.bound.UID], byClaim)
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

// got writes down what a bound pod's claims hold.
func (p *Pod) got(bound *corev1.Pod, claims []*resourceapi.ResourceClaim, holdings map[types.NamespacedName]*resourceslices.ClaimAllocation) {
	p.Node = bound.Spec.NodeName
	var products, got, connections []string
	for _, claim := range claims {
		if claim.Status.Allocation == nil {
			continue
		}
		var others []string
		holding := holdings[types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}]
		for _, result := range claim.Status.Allocation.Devices.Results {
			device := Device{Driver: result.Driver, Pool: result.Pool, Name: result.Device}
			if memory, shared := result.ConsumedCapacity["memory"]; shared {
				device.Bytes = memory.Value()
			}
			p.Devices = append(p.Devices, device)
			if holding == nil || !slices.ContainsFunc(holding.Devices, func(h resourceslices.AllocatedDevice) bool { return h.Name == result.Device }) {
				others = append(others, fmt.Sprintf("%s of %s", result.Device, result.Driver))
			}
		}
		if holding != nil {
			products, got = append(products, holding.ProductName()), append(got, holding.DescribeDevices())
			if holding.Bandwidth > 0 {
				connections = append(connections, holding.DescribeConnection())
				if p.GBps == 0 || holding.Bandwidth < p.GBps {
					p.GBps = holding.Bandwidth
				}
			}
		}
		got = append(got, others...)
	}
	slices.Sort(products)
	p.Product = strings.Join(slices.Compact(products), ", ")
	p.Got, p.Connection = strings.Join(got, "; "), strings.Join(connections, "; ")
}
