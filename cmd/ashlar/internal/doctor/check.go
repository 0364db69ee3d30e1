package doctor

import "slices"

// Severity says how bad a finding is.
type Severity string

// Severities: what is broken ends the command with exit code 3, a warning does not.
const (
	Broken  Severity = "broken"
	Warning Severity = "warning"
)

// Finding is one thing that is wrong.
type Finding struct {
	Severity Severity `json:"severity"`
	// Object is kind/name, or kind/namespace/name, of what is concerned.
	Object string `json:"object"`
	// Cause is one sentence with figures, Remedy what to do, as a command where one does.
	Cause  string `json:"cause"`
	Remedy string `json:"remedy"`
}

// Status is the outcome of a check.
type Status string

// Outcomes beside those of findings.
const (
	Healthy    Status = "ok"
	NotChecked Status = "not checked"
)

// CheckResult is what one check found.
type CheckResult struct {
	Check  string `json:"check"`
	Status Status `json:"status"`
	// Summary is one line: what is well, or why it was not checked.
	Summary  string    `json:"summary"`
	Findings []Finding `json:"findings,omitempty"`
}

// check looks at one thing. Its summary is for the case that nothing was found; "" says that it could
// not be checked, for the reason in unchecked.
type check struct {
	name string
	run  func(*Evidence) outcome
}

// outcome is what a check says: findings, or that all is well, or why nothing can be said.
type outcome struct {
	well      string
	unchecked string
	findings  []Finding
}

func notChecked(reason string) outcome { return outcome{unchecked: reason} }

// checks are all, from what everything rests on to single pods.
var checks = []check{
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
		case slices.ContainsFunc(found.findings, func(f Finding) bool { return f.Severity == Broken }):
			result.Status = Status(Broken)
		case len(found.findings) > 0:
			result.Status = Status(Warning)
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
