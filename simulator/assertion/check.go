package assertion

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/simulator/report"
	"github.com/ashlar-dev/ashlar/simulator/scenario"
	"github.com/ashlar-dev/ashlar/topology/nearest"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// maxTimes bounds how many times another figure something may be.
const maxTimes = 1e6

// Check returns everything about a scenario's assertions that cannot be:
// scenario.FieldErrors, joined.
func Check(s *scenario.Scenario) error {
	var problems []error
	for i := range s.Assertions {
		problems = append(problems, checkAssertion(s, &s.Assertions[i], fmt.Sprintf("assertions[%d]", i)))
	}
	return errors.Join(problems...)
}

func checkAssertion(s *scenario.Scenario, a *scenario.Assertion, path string) error {
	problems := []error{checkMetric(a.Metric, path+".metric"), checkRuns(s, a.Variant, a.Policy, path)}
	if a.AtLeast == nil && a.AtMost == nil && a.AtLeastOf == nil && a.AtMostOf == nil {
		problems = append(problems, problemAt(path, "want one of atLeast, atMost, atLeastOf and atMostOf"))
	}
	if a.AtLeast != nil && a.AtMost != nil && *a.AtLeast > *a.AtMost {
		problems = append(problems, problemAt(path+".atMost", "%v is less than atLeast, %v", *a.AtMost, *a.AtLeast))
	}
	for _, other := range []struct {
		field string
		*scenario.Multiple
	}{{".atLeastOf", a.AtLeastOf}, {".atMostOf", a.AtMostOf}} {
		if other.Multiple == nil {
			continue
		}
		if other.Variant == "" && other.Policy == "" {
			problems = append(problems, problemAt(path+other.field, "want a variant or a policy to compare with"))
		}
		if math.IsNaN(other.Times) || other.Times < 0 || other.Times > maxTimes {
			problems = append(problems, problemAt(path+other.field+".times", "%v, want above 0 and up to %v", other.Times, maxTimes))
		}
		problems = append(problems, checkRuns(s, other.Variant, other.Policy, path+other.field))
	}
	return errors.Join(problems...)
}

func checkMetric(name, path string) error {
	if metricNamed(name) != nil {
		return nil
	}
	var names []string
	for _, m := range report.TableMetrics() {
		names = append(names, m.Column)
	}
	hint := ""
	if near := nearest.Names(name, names); len(near) > 0 {
		hint = ", did you mean " + near[0] + "?"
	}
	return problemAt(path, "%q is no metric%s: want one of %s", name, hint, strings.Join(names, ", "))
}

func checkRuns(s *scenario.Scenario, variant, policy, path string) error {
	var problems []error
	if variant != "" && !slices.ContainsFunc(s.Variants, func(v scenario.Variant) bool { return v.Name == variant }) {
		names := make([]string, len(s.Variants))
		for i := range s.Variants {
			names[i] = s.Variants[i].Name
		}
		if len(names) == 0 {
			problems = append(problems, problemAt(path+".variant", "%q, but the scenario has no variants", variant))
		} else {
			problems = append(problems, problemAt(path+".variant", "%q, want one of %s", variant, strings.Join(names, ", ")))
		}
	}
	if policy != "" {
		if _, err := placement.PolicyNamed(policy, placement.PriorDemand(), 0); err != nil {
			problems = append(problems, problemAt(path+".policy", "%v", err))
		}
	}
	return errors.Join(problems...)
}

func metricNamed(column string) *report.RunMetric {
	for _, m := range report.TableMetrics() {
		if m.Column == column {
			return m
		}
	}
	return nil
}

func problemAt(path, format string, args ...any) error {
	return &scenario.FieldError{Path: path, Problem: fmt.Sprintf(format, args...)}
}
