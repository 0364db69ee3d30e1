package discovery

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
)

// NIC is what the driver knows of a network adapter beyond its place in the node.
type NIC struct {
	// Name is the kernel's, for example "mlx5_0".
	Name string
	// BusID is the PCI address as sysfs writes it, "0000:1a:00.0".
	BusID string
	// PCIeRoot is the root complex, for example "pci0000:18"; "" if unknown.
	PCIeRoot string
	// NUMA is the NUMA node of the nearest CPUs, topology.NoNUMA if unknown.
	NUMA int64
	path []string // see sysfsPlace
}

// readNICs reads the node's network adapters, in the order of their PCI addresses: those
// that can do RDMA, which are the ones that nvidia-smi topo shows, or on a node without any
// those of class net. Adapters that are not on PCI are left out (bridges, bonds, USB, virtio),
// as are virtual functions of an adapter that is on this node. The error names each
// adapter that could not be read.
func readNICs(sys fs.FS) ([]NIC, error) {
	for _, class := range []string{"class/infiniband", "class/net"} {
		nics, err := readNICClass(sys, class)
		if len(nics) > 0 || err != nil {
			return nics, err
		}
	}
	return nil, nil
}

func readNICClass(sys fs.FS, class string) ([]NIC, error) {
	entries, err := fs.ReadDir(sys, class)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing network adapters in sysfs: %w", err)
	}
	byAddress := map[string]NIC{}
	var problems []error
	for _, entry := range entries {
		nic, found, err := readNIC(sys, path.Join(class, entry.Name()))
		if err != nil {
			problems = append(problems, fmt.Errorf("network adapter %s: %w", entry.Name(), err))
			continue
		}
		// One PCI device may have several ports with a name each: the first stands for it.
		if _, known := byAddress[nic.BusID]; found && !known {
			byAddress[nic.BusID] = nic
		}
	}
	nics := make([]NIC, 0, len(byAddress))
	for _, nic := range byAddress {
		nics = append(nics, nic)
	}
	slices.SortFunc(nics, func(a, b NIC) int { return strings.Compare(a.BusID, b.BusID) })
	return nics, errors.Join(problems...)
}

// readNIC reads one adapter; found is false for what is none on PCI.
func readNIC(sys fs.FS, directory string) (nic NIC, found bool, err error) {
	target, err := fs.ReadLink(sys, path.Join(directory, "device"))
	if errors.Is(err, fs.ErrNotExist) {
		return NIC{}, false, nil
	}
	if err != nil {
		return NIC{}, false, fmt.Errorf("reading its device from sysfs: %w", err)
	}
	address := path.Base(target)
	if !pciAddress.MatchString(address) {
		return NIC{}, false, nil
	}
	if _, err := fs.Stat(sys, path.Join("bus/pci/devices", address, "physfn")); err == nil {
		return NIC{}, false, nil
	}
	place, err := readPlace(sys, address)
	if err != nil {
		return NIC{}, false, err
	}
	return NIC{Name: path.Base(directory), BusID: address, PCIeRoot: place.root, NUMA: place.numa, path: place.path}, true, nil
}

// joinNICs tells how each adapter reaches each GPU, and finds each GPU's nearest. Where
// several are equally near, the one is chosen that the fewest GPUs have already, so that two
// GPUs with two adapters in common have one each.
func (n *Node) joinNICs(gpus []*gpuFacts) {
	for _, nic := range n.NICs {
		links := make([]topology.Link, 0, len(gpus))
		for _, gpu := range gpus {
			links = append(links, topology.Link{Kind: commonLevel(gpu.place, sysfsPlace{numa: nic.NUMA, path: nic.path})})
		}
		n.Topology.NICs = append(n.Topology.NICs, topology.NIC{Name: nic.Name, NUMA: nic.NUMA, Links: links})
	}
	taken := make([]int, len(n.NICs))
	for gpu := range n.GPUs {
		nearest := -1
		for i, nic := range n.Topology.NICs {
			if nearest < 0 {
				nearest = i
				continue
			}
			than := n.Topology.NICs[nearest].Links[gpu].Kind
			if kind := nic.Links[gpu].Kind; kind > than || kind == than && taken[i] < taken[nearest] {
				nearest = i
			}
		}
		if nearest >= 0 {
			n.GPUs[gpu].NIC, n.GPUs[gpu].NICLink = &n.NICs[nearest], n.Topology.NICs[nearest].Links[gpu]
			taken[nearest]++
		}
	}
}

// commonLevel is how far two PCI devices are from each other, in the words of
// `nvidia-smi topo -m`: PIX if at most one switch is between them, PXB for several bridges
// below one port of a host bridge, PHB for two ports of it, NODE for two host bridges of one
// NUMA node, and SYS for anything farther or unknown.
func commonLevel(a, b sysfsPlace) topology.LinkKind {
	common := 0
	for common < min(len(a.path), len(b.path)) && a.path[common] == b.path[common] {
		common++
	}
	const switchAndDevice = 2 // a switch's port towards a device, and the device
	switch {
	case common == 0 && a.numa != topology.NoNUMA && a.numa == b.numa:
		return topology.NODE
	case common == 0:
		return topology.SYS
	case common == 1:
		return topology.PHB
	case max(len(a.path), len(b.path))-common <= switchAndDevice:
		return topology.PIX
	}
	return topology.PXB
}
