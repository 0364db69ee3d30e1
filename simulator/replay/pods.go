package replay

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/topology"
)

// Pod is a row of the trace.
type Pod struct {
	Name  string
	Class string // quality of service: LS, BE, Burstable, Guaranteed
	Host  simulator.Host
	GPUs  int64
	// Milli is how much of each GPU, in thousandths, Models which are acceptable, none for
	// any.
	Milli  topology.MilliGPU
	Models []string
	// Created is when it was submitted. Ran is for how long it ran, and Waited for how
	// long it was in the queue; a pod that was never scheduled has Ran -1.
	Created, Ran, Waited simulator.Time
}

var columns = []string{"name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "gpu_spec", "qos", "creation_time", "deletion_time", "scheduled_time"}

// Bounds of what a row may state.
const (
	maxPods  = 1_000_000
	maxMilli = 1_000_000_000
	maxMiB   = 1 << 30
	maxTime  = int64(simulator.MaxTime / simulator.Second)
)

// ReadPods reads a pod list with times, by its header, sorted by creation. file is what
// errors call it.
func ReadPods(file string, in io.Reader) ([]Pod, error) {
	reader := csv.NewReader(in)
	header, err := reader.Read()
	if err != nil {
		return nil, fmt.Errorf("%s:1: %w", file, err)
	}
	at := map[string]int{}
	for _, name := range columns {
		if at[name] = slices.Index(header, name); at[name] < 0 {
			return nil, fmt.Errorf("%s:1: %s: the column is missing: want a pod list with times, %s", file, name, strings.Join(columns, ","))
		}
	}
	var pods []Pod
	for {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		line, _ := reader.FieldPos(0)
		if len(pods) == maxPods {
			return nil, fmt.Errorf("%s:%d: more than %d pods", file, line, maxPods)
		}
		r := row{file: file, line: line, cells: cells, at: at}
		pods = append(pods, r.pod())
		if r.err != nil {
			return nil, r.err
		}
	}
	if len(pods) == 0 {
		return nil, fmt.Errorf("%s:1: no pods", file)
	}
	slices.SortStableFunc(pods, func(a, b Pod) int { return int(min(1, max(-1, a.Created-b.Created))) })
	return pods, nil
}

// row is one line, and the first error about it.
type row struct {
	file  string
	line  int
	cells []string
	at    map[string]int
	err   error
}

func (r *row) text(column string) string { return r.cells[r.at[column]] }

func (r *row) whole(column string, most int64) int64 {
	value, err := strconv.ParseInt(r.text(column), 10, 64)
	if (err != nil || value < 0 || value > most) && r.err == nil {
		r.err = fmt.Errorf("%s:%d: %s: %q, want a whole number from 0 to %d", r.file, r.line, column, r.text(column), most)
	}
	return value
}

func (r *row) seconds(column string) simulator.Time {
	return simulator.Time(r.whole(column, maxTime)) * simulator.Second
}

func (r *row) pod() Pod {
	p := Pod{
		Name: r.text("name"), Class: r.text("qos"), GPUs: r.whole("num_gpu", topology.MaxGPUs),
		Host:    simulator.Host{CPU: simulator.MilliCPU(r.whole("cpu_milli", maxMilli)), Memory: topology.Bytes(r.whole("memory_mib", maxMiB)) * topology.MiB},
		Created: r.seconds("creation_time"), Ran: -1,
	}
	if p.Class == "" {
		p.Class = "none"
	}
	if p.GPUs > 0 {
		p.Milli = topology.MilliGPU(min(int64(topology.WholeGPU), max(1, r.whole("gpu_milli", maxMilli))))
		if spec := r.text("gpu_spec"); spec != "" {
			p.Models = strings.Split(spec, "|")
		}
	}
	deleted := r.seconds("deletion_time")
	p.Waited = deleted - p.Created
	if r.text("scheduled_time") != "" {
		scheduled := r.seconds("scheduled_time")
		p.Ran, p.Waited = deleted-scheduled, scheduled-p.Created
	}
	if r.err == nil && (p.Waited < 0 || p.Ran < -1) {
		r.err = fmt.Errorf("%s:%d: deletion_time: times go backwards: created, scheduled, deleted", r.file, r.line)
	}
	return p
}
