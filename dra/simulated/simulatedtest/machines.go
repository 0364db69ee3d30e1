package simulatedtest

import (
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
)

// ListMachines returns every machine type of the catalogue; where the catalogue does
// not say which GPU is in it, one without MIG and one with. A few more carry GPU
// models that no machine of the catalogue has.
func ListMachines(t testing.TB) []*topology.MachineType {
	t.Helper()
	var result []*topology.MachineType
	names := catalogue.Default().Machines()
	for _, name := range []string{
		"GH200-144GB", "GB300", "B200", "H20", "H100-NVL-94GB", "A100-SXM4-40GB", "GH200-96GB", "A40",
	} {
		names = append(names, "hgx-a100-4gpu-epyc/"+name)
	}
	for _, name := range names {
		machine, err := catalogue.Default().Machine(name)
		if err == nil {
			result = append(result, machine)
			continue
		}
		if !strings.Contains(err.Error(), "does not say which GPU") {
			t.Fatal(err)
		}
		for _, model := range []string{"L40S", "H100-PCIe-80GB"} {
			machine, err := catalogue.Default().Machine(name + "/" + model)
			if err != nil {
				t.Fatal(err)
			}
			result = append(result, machine)
		}
	}
	return result
}

// ReadNode discovers a simulated machine.
func ReadNode(t testing.TB, machine *topology.MachineType) *discovery.Node {
	t.Helper()
	result, err := simulated.Node{Name: "node-0", Machine: machine}.Discover(catalogue.Default().MIG)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// EachMachine runs a test for every machine.
func EachMachine(t *testing.T, test func(*testing.T, *topology.MachineType)) {
	for _, machine := range ListMachines(t) {
		t.Run(strings.ReplaceAll(machine.Name, "/", "+"), func(t *testing.T) { test(t, machine) })
	}
}
