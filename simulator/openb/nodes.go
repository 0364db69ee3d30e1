package openb

import (
	"io"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/simulator/openb/policy"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/forecast"
)

// podsPerNode is how many pods a node of the published experiments takes.
const podsPerNode = 1001

// mostMiB is the most memory of a node or a pod, in MiB.
const mostMiB = int64(policy.MaxMemory / topology.MiB)

// ReadNodes reads a node list, for example openb_node_list_gpu_node.csv, and sorts it
// by name. file is what errors call it.
func ReadNodes(file string, in io.Reader) ([]policy.NodeCapacity, error) {
	t, err := newTable(file, in, "sn", "cpu_milli", "memory_mib", "gpu", "model")
	if err != nil {
		return nil, err
	}
	var nodes []policy.NodeCapacity
	seen := names{}
	for {
		ok, err := t.next()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		node := policy.NodeCapacity{
			Name: t.text("sn"), CPU: t.whole("cpu_milli", forecast.MaxCPU),
			Memory: topology.Bytes(t.whole("memory_mib", mostMiB)) * topology.MiB, Pods: podsPerNode,
			GPUs: t.whole("gpu", topology.MaxGPUs), Model: t.text("model"),
		}
		seen.check(t, "sn", node.Name)
		if node.GPUs == 0 {
			node.Model = ""
		} else if node.Model == "" || strings.Contains(node.Model, forecast.ModelSeparator) {
			t.refuse("model", "%q: want the name of one GPU model", node.Model)
		}
		if t.err != nil {
			return nil, t.err
		}
		nodes = append(nodes, node)
	}
	slices.SortFunc(nodes, func(a, b policy.NodeCapacity) int { return strings.Compare(a.Name, b.Name) })
	return nodes, nil
}
