package trace

import (
	"io"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/forecast"
)

// MaxMemory bounds the memory of a node and of a pod, in bytes: 4 TiB, so that sums over
// a million of them fit in an int64.
const MaxMemory topology.Bytes = 1 << 42

// Node is a row of a node list.
type Node struct {
	Name string
	Host topology.HostResources
	GPUs int64
	// Model is the trace's name for the GPUs, "" for a node without any.
	Model string
}

// ReadNodes reads a node list, for example openb_node_list_gpu_node.csv, and sorts it by
// name. file is what errors call it.
func ReadNodes(file string, in io.Reader) ([]Node, error) {
	t, err := newCSVTable(file, in, "sn", "cpu_milli", "memory_mib", "gpu", "model")
	if err != nil {
		return nil, err
	}
	nodes, err := readRows(t, nodeOfRow)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(nodes, func(a, b Node) int { return strings.Compare(a.Name, b.Name) })
	return nodes, nil
}

func nodeOfRow(t *csvTable) Node {
	node := Node{Name: t.nameOf("sn"), Host: hostOfRow(t), GPUs: t.wholeNumber("gpu", topology.MaxGPUs), Model: t.textOf("model")}
	if node.GPUs == 0 {
		node.Model = ""
	} else if node.Model == "" || strings.Contains(node.Model, forecast.ModelSeparator) {
		t.refuseCell("model", "%q: want the name of one GPU model", node.Model)
	}
	return node
}

// hostOfRow is what a row states beside GPUs.
func hostOfRow(t *csvTable) topology.HostResources {
	return topology.HostResources{
		CPU:    topology.MilliCPU(t.wholeNumber("cpu_milli", forecast.MaxCPU)),
		Memory: topology.Bytes(t.wholeNumber("memory_mib", int64(MaxMemory/topology.MiB))) * topology.MiB,
	}
}
