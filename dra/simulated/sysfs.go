package simulated

import (
	"fmt"
	"io/fs"
	"path"
	"testing/fstest"

	"github.com/ashlar-dev/ashlar/topology"
)

// Sys is what sysfs would say of the machine's GPUs and network adapters: below
// bus/pci/devices a link for each to its directory, in which the file numa_node stands, and
// below class/infiniband a directory for each adapter. The directories are nested so that
// what two devices have in common tells how near they are.
func (l *Library) Sys() fs.FS {
	sys := simulatedSys{fstest.MapFS{}}
	node := l.machine.Node
	ports, switches, bridges := joinNear(node, topology.PXB), joinNear(node, topology.PIX), joinNear(node, topology.PHB)
	place := func(device int, address string, numa int64) {
		bridge, last := hostBridge(node, bridges, device)
		sys.addDevice(path.Join("devices", bridge,
			fmt.Sprintf("00f0:00:%02x.%d", ports[device]>>3, ports[device]&7),
			fmt.Sprintf("00f1:%02x:00.0", switches[device]), last, address), address, numa)
	}
	for i, device := range l.devices {
		place(i, device.busID, device.gpu.NUMA)
	}
	for i, nic := range node.NICs {
		address := fmt.Sprintf("00fd:%02x:00.0", i)
		place(len(node.GPUs)+i, address, nearNUMA(node, nic))
		sys.addLink(path.Join("class/infiniband", nic.Name, "device"), path.Join("bus/pci/devices", address))
	}
	return sys.MapFS
}

type simulatedSys struct{ fstest.MapFS }

// addDevice adds a PCI device. The links are relative, as the kernel's are.
func (s simulatedSys) addDevice(directory, address string, numa int64) {
	s.addLink(path.Join("bus/pci/devices", address), directory)
	s.MapFS[path.Join(directory, "numa_node")] = &fstest.MapFile{Mode: 0o444, Data: fmt.Appendln(nil, numa)}
}

func (s simulatedSys) addLink(name, target string) {
	s.MapFS[name] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte(path.Join("../../..", target))}
}

// joinNear parts GPUs and adapters into sets in which each is as near as kind to some other,
// and gives each the lowest number in its set. Adapter i has the number of GPUs plus i.
func joinNear(node *topology.Node, kind topology.LinkKind) []int {
	first := make([]int, len(node.GPUs)+len(node.NICs))
	for i := range first {
		first[i] = i
	}
	for i, nic := range node.NICs {
		for gpu, link := range nic.Links {
			if link.Kind < kind {
				continue
			}
			joined, other := first[gpu], first[len(node.GPUs)+i]
			for j := range first {
				if first[j] == max(joined, other) {
					first[j] = min(joined, other)
				}
			}
		}
	}
	return first
}

// hostBridge is the directory of a device's host bridge, and the last one before the device.
// The bridge of devices without a known root is where no root shows. Where devices that are
// near each other have different roots, as in virtual machines, each has its root of its own
// behind a bridge in common.
func hostBridge(node *topology.Node, bridges []int, device int) (bridge, last string) {
	last = fmt.Sprintf("00f2:%02x:00.0", device)
	first := bridges[device]
	if first >= len(node.GPUs) {
		return fmt.Sprintf("pci00fd:%02x", first-len(node.GPUs)), last
	}
	root := node.GPUs[first].PCIeRoot
	for gpu := range node.GPUs {
		if bridges[gpu] == first && node.GPUs[gpu].PCIeRoot != root {
			root = ""
			if device < len(node.GPUs) {
				last = node.GPUs[device].PCIeRoot
			}
		}
	}
	if root == "" {
		return fmt.Sprintf("platform/bridge-%d", first), last
	}
	return root, last
}

// nearNUMA is the NUMA node that an adapter tells. Machines of which the firmware's word does
// not fit how near the adapter is tell the one that does, or none.
func nearNUMA(node *topology.Node, nic topology.NIC) int64 {
	for gpu, link := range nic.Links {
		switch {
		case link.Kind == topology.NODE:
			return node.GPUs[gpu].NUMA
		case link.Kind == topology.SYS && node.GPUs[gpu].NUMA == nic.NUMA:
			return topology.NoNUMA
		}
	}
	return nic.NUMA
}
