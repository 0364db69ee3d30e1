package placement

import (
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// Inventory is what a node can hand out. It is immutable, and all nodes of one
// make can share it.
type Inventory struct {
	Node   *topology.Node
	Offers []Offer

	links *linkTable
	// byGPU[i] lists the MIG offers of GPU i, as indexes into Offers.
	byGPU [][]int
	// media[i] is what GPU i has of each media engine that MIG instances compete for.
	media []mig.Media
	// numa[i] is a bit for the NUMA node of GPU i, 0 if unknown.
	numa []uint32
	// open[i] is the number of MIG offers of GPU i that fit when it is empty.
	open []int64
}

// NewInventory checks that every offer is about a GPU of the node and prepares
// what Place looks up. The media engines of a GPU are those of its largest MIG
// profile, which holds all of them.
func NewInventory(node *topology.Node, offers []Offer) (*Inventory, error) {
	if err := node.Validate(); err != nil {
		return nil, err
	}
	inv := &Inventory{
		Node:   node,
		Offers: offers,
		links:  newLinkTable(node),
		byGPU:  make([][]int, len(node.GPUs)),
		media:  make([]mig.Media, len(node.GPUs)),
		numa:   numaBits(node),
		open:   make([]int64, len(node.GPUs)),
	}
	for i, offer := range offers {
		if offer.GPU < 0 || offer.GPU >= len(node.GPUs) {
			return nil, fmt.Errorf("offer %d is about GPU %d, the node has %d", i, offer.GPU, len(node.GPUs))
		}
		if offer.Memory < 0 {
			return nil, fmt.Errorf("offer %d has negative memory", i)
		}
		if offer.Form != MIG {
			continue
		}
		if p := offer.Placement; p.Start < 0 || p.Size < 1 || p.Start+p.Size > 16 {
			return nil, fmt.Errorf("offer %d has placement %s, want memory slices within 0 to 15", i, p)
		}
		inv.byGPU[offer.GPU] = append(inv.byGPU[offer.GPU], i)
		inv.media[offer.GPU] = maxMedia(inv.media[offer.GPU], offer.Media)
	}
	for gpu := range node.GPUs {
		inv.open[gpu] = inv.placeable(gpu, GPUState{})
	}
	return inv, nil
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
		for _, profile := range tables[i].Profiles {
			for _, placement := range slices.Backward(profile.Placements) {
				offers = append(offers, Offer{
					Form: MIG, GPU: i, Memory: profile.Memory,
					Profile: profile.ID, Placement: placement, Media: profile.Media,
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
func (inv *Inventory) Bandwidth(gpus GPUSet) int64 { return inv.links.ring[gpus] }

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

// numaNodes is the set of NUMA nodes that the GPUs are on.
func (inv *Inventory) numaNodes(gpus GPUSet) uint32 {
	var nodes uint32
	for ; gpus != 0; gpus &= gpus - 1 {
		nodes |= inv.numa[gpus.lowest()]
	}
	return nodes
}

// placeable counts the MIG offers of GPU gpu that fit beside what state holds.
func (inv *Inventory) placeable(gpu int, state GPUState) int64 {
	var count int64
	for _, i := range inv.byGPU[gpu] {
		if inv.fits(state, &inv.Offers[i], 0) {
			count++
		}
	}
	return count
}

func maxMedia(a, b mig.Media) mig.Media {
	return mig.Media{
		Decoders: max(a.Decoders, b.Decoders), Encoders: max(a.Encoders, b.Encoders),
		JPEG: max(a.JPEG, b.JPEG), OFA: max(a.OFA, b.OFA),
	}
}
