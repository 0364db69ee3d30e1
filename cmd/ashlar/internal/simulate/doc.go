// Package simulate is ashlar simulate: flags and reports of runs of the simulator, their
// comparison over seeds, and the published experiments on openb's trace. What a run's
// figures are called stands in simulator/report.
package simulate
