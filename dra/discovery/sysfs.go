package discovery

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
)

// sysfsPlace is where sysfs says that a PCI device sits.
type sysfsPlace struct {
	numa int64  // topology.NoNUMA if unknown
	root string // "" if unknown
	// path are the directories that lead to the device: that of the host bridge, then one for
	// each bridge, then the device. It is empty if unknown.
	path []string
}

// readPlace reads the NUMA node and the PCIe root of a device. NVML's own
// GetNumaNodeId is no source for the former: on GH200 and GB200 it names the
// NUMA node that the GPU's memory is.
func readPlace(sys fs.FS, busID string) (sysfsPlace, error) {
	unknown := sysfsPlace{numa: topology.NoNUMA}
	if busID == "" {
		return unknown, nil
	}
	link := path.Join("bus/pci/devices", busID)
	target, err := fs.ReadLink(sys, link)
	if errors.Is(err, fs.ErrNotExist) {
		return unknown, nil
	}
	if err != nil {
		return unknown, fmt.Errorf("reading the PCIe root from sysfs: %w", err)
	}
	numa, err := readNUMA(sys, path.Join(link, "numa_node"))
	return sysfsPlace{numa: numa, root: pcieRoot(target), path: pciPath(target)}, err
}

// pciPath parts the path of a device into that of its host bridge and the directories below.
func pciPath(target string) []string {
	directories := strings.Split(target, "/")
	for i, directory := range directories {
		if pciAddress.MatchString(directory) {
			return append([]string{strings.Join(directories[:i], "/")}, directories[i:]...)
		}
	}
	return nil
}

// pciAddress is how sysfs writes one, "0000:1b:00.0".
var pciAddress = regexp.MustCompile(`^[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$`)

// pcieRoot finds the root complex in the path of a device, which is like
// "../../../devices/pci0000:18/0000:18:01.0/0000:1b:00.0". Under Hyper-V the
// root is not the first directory, and elsewhere there may be none: then "".
func pcieRoot(target string) string {
	for directory := range strings.SplitSeq(target, "/") {
		domain, bus, found := strings.Cut(strings.TrimPrefix(directory, "pci"), ":")
		if !strings.HasPrefix(directory, "pci") || !found {
			continue
		}
		_, domainErr := strconv.ParseUint(domain, 16, 32)
		_, busErr := strconv.ParseUint(bus, 16, 8)
		if domainErr == nil && busErr == nil {
			return directory
		}
	}
	return ""
}

// readNUMA reads a numa_node file. The kernel writes -1 for a device that the
// firmware assigns to no node.
func readNUMA(sys fs.FS, name string) (int64, error) {
	text, err := fs.ReadFile(sys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return topology.NoNUMA, nil
	}
	if err != nil {
		return topology.NoNUMA, fmt.Errorf("reading the NUMA node from sysfs: %w", err)
	}
	numa, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || numa < topology.NoNUMA {
		return topology.NoNUMA, fmt.Errorf("reading the NUMA node from sysfs: %s holds %q", name, text)
	}
	return numa, nil
}
