package placement

import (
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// Inventory is what a node can hand out, and what that is worth under an expected
// demand. It is immutable, and all nodes of one make share it.
type Inventory struct {
	Node   *topology.Node
	Offers []Offer

	// ring, worth and distance are indexed by GPUSet: see newRings, newWorth and
	// newDistances.
	ring, worth, distance []int64
	// opens[i] is about the MIG placements of GPU i; nil without MIG.
	opens []*openness
	// divided is Demand.Divided.
	divided int64
	// memory[i] is GPU i's usable memory in MiB.
	memory []int64
	// numa[i] is a bit for the NUMA node of GPU i, 0 if unknown.
	numa []uint32
	// nic[i] is how GPU i reaches the nearest NIC; SYS if there is none.
	nic []topology.LinkKind
}

// maxSlices is the most memory slices that a GPU may have.
const maxSlices = 12

// NewInventory checks that every offer is about a GPU of the node and prepares
// what Place looks up. The media engines of a GPU are those of its largest MIG
// profile, which holds all of them.
func NewInventory(node *topology.Node, offers []Offer, demand Demand) (*Inventory, error) {
	if err := node.Validate(); err != nil {
		return nil, err
	}
	if err := demand.check(); err != nil {
		return nil, err
	}
	inv := &Inventory{Node: node, divided: demand.Divided, ring: newRings(node), numa: numaBits(node), nic: nearestNICs(node)}
	inv.worth = newWorth(node, inv.ring, demand)
	inv.distance = inv.newDistances()
	inv.Offers = slices.Clone(offers)
	instances := make([][]*Offer, len(node.GPUs))
	for i := range inv.Offers {
		offer := &inv.Offers[i]
		if offer.GPU < 0 || offer.GPU >= len(node.GPUs) {
			return nil, fmt.Errorf("offer %d is about GPU %d, the node has %d", i, offer.GPU, len(node.GPUs))
		}
		if offer.Memory < 0 {
			return nil, fmt.Errorf("offer %d has negative memory", i)
		}
		if offer.Form != MIG {
			continue
		}
		if p := offer.Placement; p.Start < 0 || p.Size < 1 || p.Start > maxSlices || p.Size > maxSlices-p.Start {
			return nil, fmt.Errorf("offer %d has placement %s, want memory slices within 0 to %d", i, p, maxSlices-1)
		}
		instances[offer.GPU] = append(instances[offer.GPU], offer)
	}
	for i, gpu := range node.GPUs {
		inv.memory = append(inv.memory, int64(gpu.Model.Usable()/topology.MiB))
		onlyScarceMedia(instances[i])
		open, err := inv.opennessOf(instances, i, demand)
		if err != nil {
			return nil, fmt.Errorf("GPU %d: %w", i, err)
		}
		inv.opens = append(inv.opens, open)
	}
	return inv, nil
}

// onlyScarceMedia drops the media engines that never run out from the offers of one
// GPU, so that fewer combinations need to be told apart.
func onlyScarceMedia(offers []*Offer) {
	var all mig.Media
	size := int64(0)
	for _, offer := range offers {
		all = maxMedia(all, offer.Media)
		size = max(size, offer.Placement.Size)
	}
	var parts []mig.Media
	for _, offer := range offers {
		if offer.Placement.Size < size {
			parts = append(parts, offer.Media)
		}
	}
	scarce := mig.Scarce(all, parts)
	for _, offer := range offers {
		offer.Media = offer.Media.Only(scarce)
		offer.slices, offer.scarce = offer.Placement.Slices(), offer.Media != mig.Media{}
	}
}

// opennessOf shares one table between GPUs that offer the same.
func (inv *Inventory) opennessOf(instances [][]*Offer, gpu int, demand Demand) (*openness, error) {
	if len(instances[gpu]) == 0 {
		return nil, nil
	}
	for earlier := range gpu {
		if inv.memory[earlier] == inv.memory[gpu] && slices.EqualFunc(instances[earlier], instances[gpu], func(a, b *Offer) bool {
			return a.Profile == b.Profile && a.Placement == b.Placement && a.Media == b.Media
		}) {
			return inv.opens[earlier], nil
		}
	}
	return newOpenness(instances[gpu], inv.memory[gpu], demand)
}

// Offers lists everything that a node with the given MIG tables can hand out.
// tables[i] is the table of GPU i, nil for a GPU without MIG. Placements are listed
// from the highest start, so that a choice between equals leaves the low end open,
// where the large profiles start.
func Offers(node *topology.Node, tables []*mig.Table) []Offer {
	var offers []Offer
	for i, gpu := range node.GPUs {
		offers = append(offers,
			Offer{Form: Whole, GPU: i, Memory: gpu.Model.Usable()},
			Offer{Form: Share, GPU: i, Memory: gpu.Model.Usable()})
		if tables[i] == nil {
			continue
		}
		// The table knows what the GPU has of each engine; the offers alone do not where
		// a capture lacks the largest profile's row.
		scarce := tables[i].ScarceMedia()
		for _, profile := range tables[i].Profiles {
			for _, placement := range slices.Backward(profile.Placements) {
				offers = append(offers, Offer{
					Form: MIG, GPU: i, Memory: profile.Memory,
					Profile: profile.ID, Placement: placement, Media: profile.Media.Only(scarce),
				})
			}
		}
	}
	return offers
}

// Select returns the offers for which accept holds.
func (inv *Inventory) Select(accept func(*Offer) bool) OfferSet {
	set := NewOfferSet(len(inv.Offers))
	for i := range inv.Offers {
		if accept(&inv.Offers[i]) {
			set.Add(i)
		}
	}
	return set
}

// Bandwidth is what a job on exactly these GPUs gets, in GB/s per direction: the
// slowest link of its best ring; 0 for fewer than two GPUs.
func (inv *Inventory) Bandwidth(gpus GPUSet) int64 { return inv.ring[gpus] }

// All is the set of the node's GPUs.
func (inv *Inventory) All() GPUSet { return 1<<len(inv.Node.GPUs) - 1 }

// numaBits numbers a node's NUMA nodes, of which there are at most as many as GPUs.
func numaBits(node *topology.Node) []uint32 {
	numbers := map[int64]int{}
	bits := make([]uint32, len(node.GPUs))
	for i, gpu := range node.GPUs {
		if gpu.NUMA == topology.NoNUMA {
			continue
		}
		if _, known := numbers[gpu.NUMA]; !known {
			numbers[gpu.NUMA] = len(numbers)
		}
		bits[i] = 1 << numbers[gpu.NUMA]
	}
	return bits
}

func nearestNICs(node *topology.Node) []topology.LinkKind {
	nearest := make([]topology.LinkKind, len(node.GPUs))
	for _, nic := range node.NICs {
		for i, link := range nic.Links {
			nearest[i] = max(nearest[i], link.Kind)
		}
	}
	return nearest
}
