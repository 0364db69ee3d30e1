package doctor

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ashlar-dev/ashlar/topology/nearest"
)

// checkSchedulerNames looks for waiting pods whose schedulerName is close to ours: no scheduler has them.
func checkSchedulerNames(e *Evidence) checkOutcome {
	close := map[string][]string{}
	ours := 0
	for _, pod := range e.WaitingPods() {
		name := pod.Spec.SchedulerName
		switch {
		case name == e.SchedulerName:
			ours++
		case len(nearest.Names(name, []string{e.SchedulerName})) > 0:
			close[name] = append(close[name], pod.Namespace+"/"+pod.Name)
		}
	}
	o := checkOutcome{well: fmt.Sprintf("no waiting pod misspells %s, and %d name it", e.SchedulerName, ours)}
	for _, name := range slices.Sorted(maps.Keys(close)) {
		pods := close[name]
		o.findings = append(o.findings, ClusterFinding{
			Severity: Broken, Object: "Pod/" + pods[0],
			Cause: fmt.Sprintf("%d waiting pods have schedulerName %q (%s), and no scheduler has that name here: ours is %s",
				len(pods), name, shortList(pods), e.SchedulerName),
			Remedy: fmt.Sprintf("write schedulerName: %s in what makes them, and delete the pods: the field of a pod cannot be changed",
				e.SchedulerName),
		})
	}
	return o
}
