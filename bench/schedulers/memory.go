package main

import (
	"maps"
	"slices"

	"github.com/ashlar-dev/ashlar/bench/procfs"
	"github.com/ashlar-dev/ashlar/test/cluster"
)

// memoryPeaks are the most memory that processes had, in MiB, by name. Of several processes
// of one name it is that of the largest.
type memoryPeaks map[string]int

func (m memoryPeaks) notePeak(process *cluster.Process) error {
	peak, err := procfs.PeakMiB(process.PID())
	if err != nil {
		return err
	}
	m[process.Name()] = max(m[process.Name()], peak)
	return nil
}

// listProcesses are the processes with the most memory first.
func (m memoryPeaks) listProcesses() []processMemory {
	var list []processMemory
	for _, name := range slices.Sorted(maps.Keys(m)) {
		list = append(list, processMemory{name, m[name]})
	}
	slices.SortStableFunc(list, func(a, b processMemory) int { return b.PeakMiB - a.PeakMiB })
	return list
}
