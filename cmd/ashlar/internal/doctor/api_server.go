package doctor

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ashlar-dev/ashlar/internal/apiserver"
)

// checkAPIServer looks for what the API server lacks of what the scheduler and the driver build on.
func checkAPIServer(e *Evidence) checkOutcome {
	if e.Live == nil || e.Live.Server == nil {
		return notChecked("a snapshot does not hold its version and features: run it on the cluster, without --snapshot")
	}
	server := e.Live.Server
	needed := slices.Concat(apiserver.SchedulerFeatures(), apiserver.DriverFeatures())
	needed = slices.DeleteFunc(needed, func(f apiserver.Feature) bool { return f.Since == 0 }) // off unless asked for
	const object = "APIServer"
	missing := map[string]bool{}
	var o checkOutcome
	for _, feature := range apiserver.MissingFeatures(*server, needed) {
		if missing[feature.Gate] {
			continue
		}
		missing[feature.Gate] = true
		o.findings = append(o.findings, ClusterFinding{
			Severity: Warning, Object: object, Cause: apiserver.DescribeMissing(*server, feature),
			Remedy: fmt.Sprintf("upgrade to Kubernetes 1.%d, or start the API server with --feature-gates=%s=true", feature.Since, feature.Gate),
		})
	}
	for _, feature := range needed {
		if enabled, told := e.Live.Gates[feature.Gate]; told && !enabled && !missing[feature.Gate] {
			missing[feature.Gate] = true
			o.findings = append(o.findings, ClusterFinding{
				Severity: Warning, Object: object,
				Cause:  fmt.Sprintf("feature gate %s is off at %s: %s", feature.Gate, server.Version, feature.Without),
				Remedy: fmt.Sprintf("start the API server, kube-scheduler and the kubelets with --feature-gates=%s=true", feature.Gate),
			})
		}
	}
	o.well = server.Version + " has every feature that is used"
	if e.Live.Gates == nil {
		o.well += ", by its version: its feature gates were not readable"
	} else {
		off := slices.Sorted(maps.Keys(missing))
		o.well += fmt.Sprintf(" (%d of %d feature gates off)", len(off), len(needed))
	}
	return o
}
