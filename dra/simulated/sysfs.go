package simulated

import (
	"fmt"
	"io/fs"
	"path"
	"testing/fstest"
)

// Sys is what sysfs would say of the machine's GPUs: below bus/pci/devices a link
// for each GPU to its directory, in which the file numa_node stands.
func (l *Library) Sys() fs.FS {
	sys := fstest.MapFS{}
	for _, device := range l.devices {
		// Behind a root port, as on real machines. A GPU without a known root
		// is put where no root shows.
		directory := path.Join("devices", device.gpu.PCIeRoot, "0000:00:01.0", device.busID)
		if device.gpu.PCIeRoot == "" {
			directory = path.Join("devices/platform", device.busID)
		}
		sys[path.Join("bus/pci/devices", device.busID)] = &fstest.MapFile{
			Mode: fs.ModeSymlink, Data: []byte(path.Join("../../..", directory)),
		}
		sys[path.Join(directory, "numa_node")] = &fstest.MapFile{
			Mode: 0o444, Data: fmt.Appendln(nil, device.gpu.NUMA),
		}
	}
	return sys
}
