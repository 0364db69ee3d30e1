package main

import (
	"slices"
	"strconv"
)

// memoryColumns are the processes of the table, with the names of test/cluster.
var memoryColumns = []string{"kube-apiserver", "etcd", "kube-controller-manager", string(stockScheduler), string(ashlarScheduler)}

// describeMemory is the most memory that each process had.
func (r *benchmarkReport) describeMemory() string {
	table := markdownTable{columns: append([]string{"most memory, MiB"}, memoryColumns...)}
	for i := range r.Clusters {
		c := &r.Clusters[i]
		cells := []string{sizeCell(c.Size)}
		for _, name := range memoryColumns {
			cell := noFigure
			if at := slices.IndexFunc(c.Memory, func(m processMemory) bool { return m.Process == name }); at >= 0 {
				cell = strconv.Itoa(c.Memory[at].PeakMiB)
			}
			cells = append(cells, cell)
		}
		table.addRow(cells...)
	}
	return table.String()
}
