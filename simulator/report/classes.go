package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/simulator"
)

// policyTable is one with a column for each policy.
type policyTable struct {
	Head []string
	Rows []tableRow
}

type tableRow struct {
	Name  string
	Cells []string
}

// classesOf are the names of all classes, those with the most jobs first.
func classesOf(policies []policyRuns) []string {
	jobs := map[string]int64{}
	for i := range policies {
		for _, r := range policies[i].runResults() {
			for k := range r.Classes {
				jobs[r.Classes[k].Name] += r.Classes[k].Jobs.Arrived
			}
		}
	}
	return slices.SortedFunc(maps.Keys(jobs), func(a, b string) int {
		if jobs[a] != jobs[b] {
			if jobs[a] > jobs[b] {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
}

// classResults are the results of one class in all runs of a policy.
func (p *policyRuns) classResults(name string) []simulator.ClassResult {
	var list []simulator.ClassResult
	for _, r := range p.runResults() {
		for k := range r.Classes {
			if r.Classes[k].Name == name {
				list = append(list, r.Classes[k])
			}
		}
	}
	return list
}

// failureTable counts failed jobs by class and reason, summed over the seeds; nil if none
// failed.
func failureTable(policies []policyRuns) *policyTable {
	t := &policyTable{}
	for i := range policies {
		t.Head = append(t.Head, policies[i].Name)
	}
	for _, class := range classesOf(policies) {
		r := tableRow{Name: className(class)}
		some := false
		for i := range policies {
			var counts simulator.JobCounts
			reasons := map[simulator.FailureReason]int64{}
			for _, result := range policies[i].classResults(class) {
				counts.Arrived += result.Jobs.Arrived
				counts.Failed += result.Jobs.Failed
				for reason, count := range result.Jobs.Failures {
					reasons[reason] += count
				}
			}
			r.Cells = append(r.Cells, failureText(counts, reasons))
			some = some || counts.Failed > 0
		}
		if some {
			t.Rows = append(t.Rows, r)
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return t
}

func failureText(counts simulator.JobCounts, reasons map[simulator.FailureReason]int64) string {
	if counts.Failed == 0 {
		return "none"
	}
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		parts = append(parts, pageWhole(float64(reasons[reason]))+" "+clipName(string(reason)))
	}
	text := fmt.Sprintf("%s of %s", pageWhole(float64(counts.Failed)), pageWhole(float64(counts.Arrived)))
	if len(parts) == 1 {
		for reason := range reasons {
			text += ", " + clipName(string(reason))
		}
	} else if len(parts) > 1 {
		text += ": " + strings.Join(parts, ", ")
	}
	return text
}

// className is what a class is called in the page.
func className(name string) string {
	if name == "" {
		return "no class"
	}
	return clipName(name)
}

// classTable is what became of the jobs of one class or priority, a row for each policy.
type classTable struct {
	Name string
	Rows []tableRow
}

// classCells are the columns of a classTable after the first; their heads are in the
// template.
func classCells(counts []simulator.JobCounts, waits []simulator.Distribution, bandwidth string) []string {
	var total simulator.JobCounts
	for _, c := range counts {
		total.Arrived += c.Arrived
		total.Finished += c.Finished
		total.Waiting += c.Waiting
		total.Failed += c.Failed
	}
	n := float64(len(counts))
	cells := []string{
		pageWhole(float64(total.Arrived) / n), pageWhole(float64(total.Finished) / n),
		pageWhole(float64(total.Waiting) / n), pageWhole(float64(total.Failed) / n),
	}
	for _, read := range []func(*simulator.Distribution) simulator.Time{
		func(d *simulator.Distribution) simulator.Time { return d.P50 },
		func(d *simulator.Distribution) simulator.Time { return d.P90 },
		func(d *simulator.Distribution) simulator.Time { return d.P99 },
		func(d *simulator.Distribution) simulator.Time { return d.Max },
	} {
		sum, count := 0.0, 0
		for i := range waits {
			if waits[i].Count > 0 {
				sum += float64(read(&waits[i]))
				count++
			}
		}
		if count == 0 {
			cells = append(cells, "–")
		} else {
			cells = append(cells, pageDuration(sum/float64(count)))
		}
	}
	return append(cells, bandwidth)
}

// classTables has all classes, then all priorities if there are several.
func classTables(policies []policyRuns) []classTable {
	var tables []classTable
	for _, class := range classesOf(policies) {
		t := classTable{Name: className(class)}
		for i := range policies {
			results := policies[i].classResults(class)
			if len(results) == 0 {
				continue
			}
			var counts []simulator.JobCounts
			var waits []simulator.Distribution
			sum, jobs := 0.0, int64(0)
			for _, r := range results {
				counts, waits = append(counts, r.Jobs), append(waits, r.Waits)
				sum, jobs = sum+r.Bandwidth*float64(r.Measured), jobs+r.Measured
			}
			bandwidth := "–"
			if jobs > 0 {
				bandwidth = pagePart(sum / float64(jobs))
			}
			t.Rows = append(t.Rows, tableRow{policies[i].Name, classCells(counts, waits, bandwidth)})
		}
		tables = append(tables, t)
	}
	return append(tables, priorityTables(policies)...)
}

func priorityTables(policies []policyRuns) []classTable {
	seen := map[int64]bool{}
	for i := range policies {
		for _, r := range policies[i].runResults() {
			for k := range r.Priorities {
				seen[r.Priorities[k].Priority] = true
			}
		}
	}
	if len(seen) < 2 {
		return nil
	}
	levels := slices.Sorted(maps.Keys(seen))
	slices.Reverse(levels)
	var tables []classTable
	for _, level := range levels {
		t := classTable{Name: fmt.Sprintf("priority %d", level)}
		for i := range policies {
			var counts []simulator.JobCounts
			var waits []simulator.Distribution
			for _, r := range policies[i].runResults() {
				for k := range r.Priorities {
					if r.Priorities[k].Priority == level {
						counts, waits = append(counts, r.Priorities[k].Jobs), append(waits, r.Priorities[k].Waits)
					}
				}
			}
			if len(counts) > 0 {
				t.Rows = append(t.Rows, tableRow{policies[i].Name, classCells(counts, waits, "–")})
			}
		}
		tables = append(tables, t)
	}
	return tables
}
