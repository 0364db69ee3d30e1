package trace

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/topology"
)

// mostMilli is the largest gpu_milli that is read. What is above a whole GPU counts as
// one.
const mostMilli = 1_000_000

// Pod is a row of a pod list.
type Pod struct {
	Name string
	Host topology.HostResources
	GPUs int64
	// PerGPU is how much the pod takes of each of its GPUs: at most one GPU, and less
	// only if it is the pod's only one. Models are the acceptable ones as the file states
	// them, with "|" between their names; "" for any. Without GPUs neither is read.
	PerGPU topology.MilliGPU
	Models string
	// PodTimes is zero unless ReadTimedPods read the pod.
	PodTimes
}

// PodTimes is when a pod was there.
type PodTimes struct {
	// QoS is the quality of service: LS, BE, Burstable, Guaranteed; "none" if not stated.
	QoS string
	// Created is when it was submitted. Ran is for how long it ran, and Waited for how
	// long it was in the queue; a pod that was never scheduled has Ran -1.
	Created, Ran, Waited simulator.Time
}

// podColumns must be in every pod list, timeColumns in one with times.
var (
	podColumns  = []string{"name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli"}
	timeColumns = []string{"gpu_spec", "qos", "creation_time", "deletion_time", "scheduled_time"}
)

// ReadPods reads a pod list, for example openb_pod_list_default.csv, sorted by name. The
// column gpu_spec may be missing; times are not looked at. file is what errors call it.
func ReadPods(file string, in io.Reader) ([]Pod, error) {
	t, err := newCSVTable(file, in, podColumns...)
	if err != nil {
		return nil, err
	}
	pods, err := readRows(t, podOfRow)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(pods, func(a, b Pod) int { return strings.Compare(a.Name, b.Name) })
	return pods, nil
}

// ReadTimedPods reads a pod list with times, sorted by creation; those that were created
// together stay in the file's order. A list without pods is refused. file is what errors
// call it.
func ReadTimedPods(file string, in io.Reader) ([]Pod, error) {
	t, err := newCSVTable(file, in, slices.Concat(podColumns, timeColumns)...)
	if err != nil {
		return nil, err
	}
	pods, err := readRows(t, func(t *csvTable) Pod {
		pod := podOfRow(t)
		pod.PodTimes = timesOfRow(t)
		return pod
	})
	if err != nil {
		return nil, err
	}
	if len(pods) == 0 {
		return nil, fmt.Errorf("%s:1: no pods: want a row for each below the header", file)
	}
	slices.SortStableFunc(pods, func(a, b Pod) int { return cmp.Compare(a.Created, b.Created) })
	return pods, nil
}

// podOfRow is the pod of a row. Without GPUs nothing else about GPUs counts; a share of
// nothing counts as the smallest there is.
func podOfRow(t *csvTable) Pod {
	pod := Pod{Name: t.nameOf("name"), Host: hostOfRow(t), GPUs: t.wholeNumber("num_gpu", topology.MaxGPUs)}
	milli := topology.MilliGPU(t.wholeNumber("gpu_milli", mostMilli))
	if pod.GPUs == 0 {
		return pod
	}
	pod.PerGPU = min(max(milli, 1), topology.WholeGPU)
	pod.Models = t.textOf("gpu_spec")
	if pod.GPUs > 1 && pod.PerGPU < topology.WholeGPU {
		t.refuseCell("gpu_milli", "%d of each of %d GPUs: only pods with one GPU may share it, write %d", milli, pod.GPUs, topology.WholeGPU)
	}
	return pod
}

// timesOfRow is when the pod of a row was there.
func timesOfRow(t *csvTable) PodTimes {
	times := PodTimes{QoS: cmp.Or(t.textOf("qos"), "none"), Created: t.secondsOf("creation_time"), Ran: -1}
	deleted := t.secondsOf("deletion_time")
	times.Waited = deleted - times.Created
	if t.textOf("scheduled_time") != "" {
		scheduled := t.secondsOf("scheduled_time")
		times.Ran, times.Waited = deleted-scheduled, scheduled-times.Created
	}
	if times.Waited < 0 || times.Ran < -1 {
		t.refuseCell("deletion_time", "times go backwards: want created, scheduled, deleted in this order")
	}
	return times
}

// secondsOf is a cell with a time in whole seconds.
func (t *csvTable) secondsOf(column string) simulator.Time {
	return simulator.Time(t.wholeNumber(column, int64(simulator.MaxTime/simulator.Second))) * simulator.Second
}
