package openb

import (
	"io"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/simulator/openb/policy"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/forecast"
)

// mostMilli is the largest gpu_milli that is read. What is above a whole GPU counts as
// one.
const mostMilli = 1_000_000

// ReadPods reads a pod list, for example openb_pod_list_default.csv, sorted by name.
// The column gpu_spec may be missing; times are not looked at. file is what errors
// call it.
func ReadPods(file string, in io.Reader) ([]policy.TracePod, error) {
	t, err := newTable(file, in, "name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli")
	if err != nil {
		return nil, err
	}
	type named struct {
		name string
		pod  policy.TracePod
	}
	var rows []named
	seen := names{}
	for {
		ok, err := t.next()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		row := named{name: t.text("name"), pod: t.pod()}
		seen.check(t, "name", row.name)
		if t.err != nil {
			return nil, t.err
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b named) int { return strings.Compare(a.name, b.name) })
	pods := make([]policy.TracePod, len(rows))
	for i, row := range rows {
		pods[i] = row.pod
	}
	return pods, nil
}

// pod is the pod of a row. Without GPUs nothing else about GPUs counts; a share of
// nothing counts as the smallest there is.
func (t *table) pod() policy.TracePod {
	pod := policy.TracePod{
		PodClass: forecast.PodClass{CPU: t.whole("cpu_milli", forecast.MaxCPU), GPUs: t.whole("num_gpu", topology.MaxGPUs)},
		Memory:   topology.Bytes(t.whole("memory_mib", mostMiB)) * topology.MiB,
	}
	milli := topology.MilliGPU(t.whole("gpu_milli", mostMilli))
	if pod.GPUs == 0 {
		return pod
	}
	pod.PerGPU = min(max(milli, 1), topology.WholeGPU)
	pod.Models = t.text("gpu_spec")
	if pod.GPUs > 1 && pod.PerGPU < topology.WholeGPU {
		t.refuse("gpu_milli", "%d of each of %d GPUs: only pods with one GPU may share it, write %d", milli, pod.GPUs, topology.WholeGPU)
	}
	return pod
}
