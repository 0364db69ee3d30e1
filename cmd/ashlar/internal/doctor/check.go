package doctor

import "slices"

// FindingSeverity says how bad a finding is.
type FindingSeverity string

// Severities: what is broken ends the command with exit code 3, a warning does not.
const (
	Broken  FindingSeverity = "broken"
	Warning FindingSeverity = "warning"
)

// ClusterFinding is one thing that is wrong.
type ClusterFinding struct {
	Severity FindingSeverity `json:"severity"`
	// Object is kind/name, or kind/namespace/name, of what is concerned.
	Object string `json:"object"`
	// Cause is one sentence with figures, Remedy what to do, as a command where one does.
	Cause  string `json:"cause"`
	Remedy string `json:"remedy"`
}

// CheckStatus is the outcome of a check.
type CheckStatus string

// Outcomes beside those of findings.
const (
	Healthy    CheckStatus = "ok"
	NotChecked CheckStatus = "not checked"
)

// CheckResult is what one check found.
type CheckResult struct {
	Check  string      `json:"check"`
	Status CheckStatus `json:"status"`
	// Summary is one line: what is well, or why it was not checked.
	Summary  string           `json:"summary"`
	Findings []ClusterFinding `json:"findings,omitempty"`
}

// clusterCheck looks at one thing. Its summary is for the case that nothing was found; "" says that it could
// not be checked, for the reason in unchecked.
type clusterCheck struct {
	name string
	run  func(*Evidence) checkOutcome
}

// checkOutcome is what a check says: findings, or that all is well, or why nothing can be said.
type checkOutcome struct {
	well      string
	unchecked string
	findings  []ClusterFinding
}

func notChecked(reason string) checkOutcome { return checkOutcome{unchecked: reason} }

// checks are all, from what everything rests on to single pods.
var checks = []clusterCheck{
	{"API server", checkAPIServer},
	{"DeviceClasses", checkDeviceClasses},
	{"GPU stack", checkGPUStack},
	{"one way to each GPU", checkTwoWays},
	{"ResourceSlices", checkSlices},
	{"device health", checkDeviceHealth},
	{"node labels", checkNodeLabels},
	{"driver pods", checkDriverPods},
	{"scheduler", checkScheduler},
	{"webhook", checkWebhook},
	{"RuntimeClasses", checkRuntimeClasses},
	{"PodGroups", checkPodGroups},
	{"double allocations", checkDoubleAllocations},
	{"schedulerName", checkSchedulerNames},
	{"pending pods", checkPendingPods},
	{"annotations", checkAnnotations},
}

// runChecks runs all of them. A finding's severity is at least a check's status.
func runChecks(e *Evidence) []CheckResult {
	results := make([]CheckResult, 0, len(checks))
	for _, one := range checks {
		found := one.run(e)
		result := CheckResult{Check: one.name, Status: Healthy, Summary: found.well, Findings: found.findings}
		switch {
		case slices.ContainsFunc(found.findings, func(f ClusterFinding) bool { return f.Severity == Broken }):
			result.Status = CheckStatus(Broken)
		case len(found.findings) > 0:
			result.Status = CheckStatus(Warning)
		case found.unchecked != "":
			result.Status, result.Summary = NotChecked, found.unchecked
		}
		if len(found.findings) > 0 {
			result.Summary = found.findings[0].Cause
		}
		results = append(results, result)
	}
	return results
}
