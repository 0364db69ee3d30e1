package discovery

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ashlar-dev/ashlar/topology"
)

const (
	// A switch with a GPU and an adapter, below it another switch with a GPU.
	switched = "devices/pci0000:10/0000:10:01.0/0000:11:00.0"
	gpuPath  = switched + "/0000:12:00.0/0000:13:00.0"
)

func TestCommonLevel(t *testing.T) {
	for name, tc := range map[string]struct {
		other     string
		numa      int64 // of both
		otherNUMA int64
		want      topology.LinkKind
	}{
		"one switch":               {other: switched + "/0000:12:04.0/0000:14:00.0", want: topology.PIX},
		"two functions":            {other: switched + "/0000:12:00.0/0000:13:00.1", want: topology.PIX},
		"a switch behind a switch": {other: switched + "/0000:12:04.0/0000:14:00.0/0000:15:00.0/0000:16:00.0", want: topology.PXB},
		"two switches":             {other: "devices/pci0000:10/0000:10:01.0/0000:20:00.0/0000:21:00.0", want: topology.PXB},
		"two ports":                {other: "devices/pci0000:10/0000:10:03.0/0000:20:00.0", want: topology.PHB},
		"in the host bridge":       {other: "devices/pci0000:10/0000:10:1f.0", want: topology.PHB},
		"two host bridges":         {other: "devices/pci0000:20/0000:20:01.0/0000:21:00.0", want: topology.NODE},
		"another socket":           {other: "devices/pci0000:80/0000:80:01.0/0000:81:00.0", otherNUMA: 1, want: topology.SYS},
		"NUMA of one unknown":      {other: "devices/pci0000:20/0000:20:01.0/0000:21:00.0", otherNUMA: -1, want: topology.SYS},
		"NUMA of both unknown":     {other: "devices/pci0000:20/0000:20:01.0/0000:21:00.0", numa: -1, otherNUMA: -1, want: topology.SYS},
		"near, NUMA unknown":       {other: switched + "/0000:12:04.0/0000:14:00.0", otherNUMA: -1, want: topology.PIX},
		"place unknown":            {otherNUMA: 1, want: topology.SYS},
		"path unknown":             {want: topology.NODE},
	} {
		gpu, other := sysfsPlace{path: pciPath(gpuPath), numa: tc.numa}, sysfsPlace{path: pciPath(tc.other), numa: tc.otherNUMA}
		if got := commonLevel(gpu, other); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
		if got := commonLevel(other, gpu); got != tc.want {
			t.Errorf("%s, from the other side: %v, want %v", name, got, tc.want)
		}
	}
}

// sysfsOf has PCI devices, and names in classes that lead to directories.
func sysfsOf(devices map[string]string, classes map[string]string) fstest.MapFS {
	sys := fstest.MapFS{}
	for directory, numa := range devices {
		address := directory[strings.LastIndex(directory, "/")+1:]
		sys["bus/pci/devices/"+address] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("../../../" + directory)}
		sys[directory+"/numa_node"] = &fstest.MapFile{Data: []byte(numa)}
	}
	for name, directory := range classes {
		inside := directory + "/" + name
		sys["class/"+name] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("../../" + inside)}
		if directory == "devices/virtual" {
			sys[inside+"/mtu"] = &fstest.MapFile{}
			continue
		}
		sys[inside+"/device"] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("../../../" + directory[strings.LastIndex(directory, "/")+1:])}
	}
	return sys
}

func TestReadNICs(t *testing.T) {
	const (
		first   = switched + "/0000:12:04.0/0000:14:00.0"
		second  = "devices/pci0000:00/0000:00:1c.0/0000:02:00.0"
		virtual = "devices/pci0000:00/0000:00:1c.0/0000:02:00.1"
		usb     = "devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0"
		virtio  = "devices/pci0000:00/0000:00:03.0/virtio0"
	)
	devices := map[string]string{first: "0\n", second: "-1\n", virtual: "0\n"}
	near := NIC{Name: "mlx5_0", BusID: "0000:14:00.0", PCIeRoot: "pci0000:10"}
	for name, tc := range map[string]struct {
		classes map[string]string
		change  func(fstest.MapFS)
		want    []NIC
		problem string
	}{
		"nothing":   {},
		"RDMA only": {classes: map[string]string{"infiniband/mlx5_0": first, "net/eth0": second}, want: []NIC{near}},
		"no RDMA": {classes: map[string]string{"net/eth0": second, "net/lo": "devices/virtual", "net/usb0": usb, "net/eth1": virtio},
			want: []NIC{{Name: "eth0", BusID: "0000:02:00.0", PCIeRoot: "pci0000:00", NUMA: topology.NoNUMA}}},
		"two ports of one device": {classes: map[string]string{"infiniband/mlx5_0": first, "infiniband/mlx5_1": first}, want: []NIC{near}},
		"virtual function": {classes: map[string]string{"infiniband/mlx5_0": first, "infiniband/mlx5_9": virtual},
			change: func(sys fstest.MapFS) {
				sys[virtual+"/physfn"] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("../0000:02:00.0")}
				sys["devices/pci0000:00/0000:00:1c.0/0000:02:00.0/class"] = &fstest.MapFile{}
			}, want: []NIC{near}},
		"one cannot be read": {classes: map[string]string{"infiniband/mlx5_0": first, "infiniband/mlx5_1": second},
			change: func(sys fstest.MapFS) { sys[second+"/numa_node"] = &fstest.MapFile{Data: []byte("two")} },
			want:   []NIC{near}, problem: "network adapter mlx5_1: reading the NUMA node from sysfs"},
	} {
		t.Run(name, func(t *testing.T) {
			sys := sysfsOf(devices, tc.classes)
			if tc.change != nil {
				tc.change(sys)
			}
			got, err := readNICs(sys)
			if diff := cmp.Diff(tc.want, got, cmpopts.IgnoreUnexported(NIC{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("adapters (-want +got):\n%s", diff)
			}
			if (err != nil) != (tc.problem != "") || err != nil && !strings.Contains(err.Error(), tc.problem) {
				t.Errorf("error %v, want %q", err, tc.problem)
			}
		})
	}
}

// Two GPUs with the same adapters in reach have one each, and an adapter far away has none.
func TestJoinNICs(t *testing.T) {
	below := func(port, address string) []string {
		return pciPath("devices/pci0000:10/0000:10:01.0/0000:11:00.0/" + port + "/" + address)
	}
	node := &Node{Topology: &topology.Node{}, GPUs: make([]GPU, 2), NICs: []NIC{
		{Name: "far", path: pciPath("devices/pci0000:80/0000:80:01.0/0000:81:00.0"), NUMA: 1},
		{Name: "a", path: below("0000:12:01.0", "0000:13:00.0")}, {Name: "b", path: below("0000:12:02.0", "0000:14:00.0")},
	}}
	node.joinNICs([]*gpuFacts{
		{place: sysfsPlace{path: below("0000:12:03.0", "0000:15:00.0")}}, {place: sysfsPlace{path: below("0000:12:04.0", "0000:16:00.0")}},
	})
	for gpu, want := range []string{"a", "b"} {
		if nic := node.GPUs[gpu].NIC; nic == nil || nic.Name != want || node.GPUs[gpu].NICLink.Kind != topology.PIX {
			t.Errorf("GPU %d: adapter %v (%s), want %s", gpu, nic, node.GPUs[gpu].NICLink, want)
		}
	}
	node = &Node{Topology: &topology.Node{}, GPUs: make([]GPU, 1)}
	node.joinNICs([]*gpuFacts{{}})
	if node.GPUs[0].NIC != nil {
		t.Errorf("adapter %s on a node without", node.GPUs[0].NIC.Name)
	}
}
