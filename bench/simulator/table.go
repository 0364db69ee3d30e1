package main

import (
	"fmt"
	"runtime"
	"strings"
)

// benchmarkReport is all that was measured.
type benchmarkReport struct {
	// hours is how long the MIG mix runs in simulated time.
	hours int
	runs  []*runMeasurement
}

// formatTables is the runs, and what the MIG mix costs by size.
func (r *benchmarkReport) formatTables() string {
	var text strings.Builder
	text.WriteString("| scenario | nodes | jobs | commit | CPU seconds | microseconds a job | most memory, MiB |\n")
	text.WriteString("| --- | ---: | ---: | --- | ---: | ---: | ---: |\n")
	for _, m := range r.runs {
		fmt.Fprintf(&text, "| %s | %d | %d | %s | %.1f | %.1f | %.0f |\n",
			m.scenario, m.nodes, m.jobs, m.runner, m.cpu, m.perJob(), m.memory)
	}
	fmt.Fprintf(&text, "\n%d simulated hours of mig-mix at up to %d nodes, fewer beyond. %d cores, %s\n",
		r.hours, fullSize, runtime.NumCPU(), runtime.Version())
	return text.String()
}
