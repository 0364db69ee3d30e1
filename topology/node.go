package topology

import (
	"errors"
	"fmt"
)

// MaxGPUs is the largest number of GPUs one node may have. Sets of GPUs are
// bit masks of this width.
const MaxGPUs = 16

// NoNUMA is the NUMA node of a device for which the firmware names none.
const NoNUMA int64 = -1

// GPU is one physical GPU of a node. Its position in Node.GPUs is its NVML index.
type GPU struct {
	Model *Model
	// NUMA is the NUMA node of the CPUs nearest to the GPU, NoNUMA if unknown.
	// It is never derived from the GPU's index: on a DGX A100 the order is
	// 3,3,1,1,7,7,5,5.
	NUMA int64
	// PCIeRoot is the root complex, for example "pci0000:18"; "" if unknown.
	PCIeRoot string
	// BusID is the PCI address in sysfs form, for example "0000:1b:00.0"; "" if unknown.
	BusID string
	// Clique is the multi-node NVLink domain, "<cluster UUID>.<clique id>";
	// "" for a GPU that is in none.
	Clique string
}

// NIC is a network adapter of a node.
type NIC struct {
	Name string
	NUMA int64
	// Links[i] is how the NIC reaches GPU i; len(Links) == len(Node.GPUs).
	Links []Link
}

// Node is what one node is made of. It is immutable once built.
type Node struct {
	GPUs []GPU
	// Links[i][j] is how GPU i reaches GPU j: square, len(GPUs) on each side,
	// Self on the diagonal and nowhere else. Captures of real machines are
	// symmetric; where one is not, Bandwidth takes the worse direction.
	Links [][]Link
	NICs  []NIC
}

// MachineType is a node as the catalogue knows it.
type MachineType struct {
	// Name is the catalogue's key, for example "dgx-h100".
	Name, Description string
	Node              *Node
	// Confidence and Sources say where the machine was seen.
	Confidence string
	Sources    []string
	// Addressed says that the GPUs of every machine of this type are at the PCI addresses
	// that Node gives, with its links.
	Addressed bool
}

// Validate reports the first thing about n that other packages could not rely on.
func (n *Node) Validate() error {
	if len(n.GPUs) == 0 {
		return errors.New("a node needs at least one GPU")
	}
	if len(n.GPUs) > MaxGPUs {
		return fmt.Errorf("%d GPUs on one node, at most %d are supported", len(n.GPUs), MaxGPUs)
	}
	if len(n.Links) != len(n.GPUs) {
		return fmt.Errorf("link table has %d rows for %d GPUs", len(n.Links), len(n.GPUs))
	}
	for i, row := range n.Links {
		if n.GPUs[i].Model == nil {
			return fmt.Errorf("GPU %d has no model", i)
		}
		if len(row) != len(n.GPUs) {
			return fmt.Errorf("link table row of GPU %d has %d entries for %d GPUs", i, len(row), len(n.GPUs))
		}
		for j, link := range row {
			if (link.Kind == Self) != (i == j) {
				return fmt.Errorf("link of GPU %d to GPU %d is %s", i, j, link)
			}
		}
	}
	for _, nic := range n.NICs {
		if len(nic.Links) != len(n.GPUs) {
			return fmt.Errorf("NIC %s has %d links for %d GPUs", nic.Name, len(nic.Links), len(n.GPUs))
		}
	}
	return nil
}

// Bandwidth is what GPUs i and j can exchange, in GB/s per direction: the worse
// of the two directions of the link table, at the slower GPU's NVLink rate.
//
// Without PCIe peer-to-peer every copy goes through host memory, and a near GPU is
// no faster than a far one, rather slower, because both share the switch's uplink
// (github.com/NVIDIA/nccl issues 1086 and 1130): all PCIe tiers count as the farthest.
func (n *Node) Bandwidth(i, j int) int64 {
	a, b := n.GPUs[i].Model, n.GPUs[j].Model
	rate := min(a.LaneGBps, b.LaneGBps)
	there, back := n.Links[i][j], n.Links[j][i]
	if !a.P2P || !b.P2P {
		there, back = there.withoutP2P(), back.withoutP2P()
	}
	return min(there.GBps(rate), back.GBps(rate))
}

// NoIsland is the island of a GPU that has no NVLink.
const NoIsland int64 = -1

// Islands returns, for each GPU, the lowest index in its NVLink island: the
// largest set in which every GPU has an NVLink to every other. Where sets
// overlap, as in the hybrid mesh of a DGX-1, being all-to-all decides: GPUs are
// added in index order to the first island that they fully connect to, so that
// islands never overlap. A GPU without a partner gets NoIsland.
func (n *Node) Islands() []int64 {
	islands := make([]int64, len(n.GPUs))
	var members [][]int
	for gpu := range n.GPUs {
		islands[gpu] = NoIsland
		home := -1
		for m, island := range members {
			if n.connectsToAll(gpu, island) {
				home = m
				break
			}
		}
		if home < 0 {
			members = append(members, []int{gpu})
			continue
		}
		members[home] = append(members[home], gpu)
	}
	for _, island := range members {
		if len(island) < 2 {
			continue
		}
		for _, gpu := range island {
			islands[gpu] = int64(island[0])
		}
	}
	return islands
}

func (n *Node) connectsToAll(gpu int, others []int) bool {
	for _, other := range others {
		if n.Links[gpu][other].Kind != NVLink || n.Links[other][gpu].Kind != NVLink {
			return false
		}
	}
	return true
}
