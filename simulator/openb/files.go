package openb

import (
	"io"

	"github.com/ashlar-dev/ashlar/simulator/openb/policy"
	"github.com/ashlar-dev/ashlar/simulator/trace"
	"github.com/ashlar-dev/ashlar/topology/forecast"
)

// podsPerNode is how many pods a node of the published experiments takes.
const podsPerNode = 1001

// ReadNodes reads a node list, for example openb_node_list_gpu_node.csv, sorted by name.
// file is what errors call it.
func ReadNodes(file string, in io.Reader) ([]policy.NodeCapacity, error) {
	rows, err := trace.ReadNodes(file, in)
	if err != nil {
		return nil, err
	}
	nodes := make([]policy.NodeCapacity, len(rows))
	for i, row := range rows {
		nodes[i] = policy.NodeCapacity{
			Name: row.Name, CPU: int64(row.Host.CPU), Memory: row.Host.Memory, Pods: podsPerNode, GPUs: row.GPUs, Model: row.Model,
		}
	}
	return nodes, nil
}

// ReadPods reads a pod list, for example openb_pod_list_default.csv, sorted by name. file
// is what errors call it.
func ReadPods(file string, in io.Reader) ([]policy.TracePod, error) {
	rows, err := trace.ReadPods(file, in)
	if err != nil {
		return nil, err
	}
	pods := make([]policy.TracePod, len(rows))
	for i, row := range rows {
		pods[i] = policy.TracePod{
			PodClass: forecast.PodClass{CPU: int64(row.Host.CPU), GPUs: row.GPUs, PerGPU: row.PerGPU, Models: row.Models}, Memory: row.Host.Memory,
		}
	}
	return pods, nil
}
