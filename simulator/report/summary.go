package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/simulator"
)

// section is a part of the summary.
type section struct {
	Name string
	Rows []row
}

// row is one figure for every policy.
type row struct {
	Name, About string
	Cells       []cell
}

// cell is the mean over the seeds, and the least and the most of them.
type cell struct {
	Text, Range string
	Best        bool
}

// metric is a row of the summary. better is 1 if more is better, -1 if less is.
type metric struct {
	name, about string
	better      int
	print       func(float64) string
	of          func(*Run) (float64, bool)
}

// from reads a figure of a simulated run.
func from(read func(*simulator.Result) float64) func(*Run) (float64, bool) {
	return func(run *Run) (float64, bool) {
		if run.Result == nil {
			return 0, false
		}
		return read(run.Result), true
	}
}

// where is from, for figures that some runs do not have.
func where(has func(*simulator.Result) bool, read func(*simulator.Result) float64) func(*Run) (float64, bool) {
	return func(run *Run) (float64, bool) {
		if run.Result == nil || !has(run.Result) {
			return 0, false
		}
		return read(run.Result), true
	}
}

func waited(read func(*simulator.Distribution) simulator.Time) func(*Run) (float64, bool) {
	return where(func(r *simulator.Result) bool { return r.All.Waits.Count > 0 },
		func(r *simulator.Result) float64 { return float64(read(&r.All.Waits)) })
}

func priced(r *simulator.Result) bool  { return r.DollarsPerHour > 0 || r.UsedDollarsPeak > 0 }
func sampled(r *simulator.Result) bool { return len(r.Samples) > 0 }

// experiment reads a figure of an openb experiment.
func experiment(read func(*Run) float64) func(*Run) (float64, bool) {
	return func(run *Run) (float64, bool) {
		if run.Curves == nil {
			return 0, false
		}
		return read(run), true
	}
}

func metrics() []struct {
	name string
	rows []metric
} {
	type result = simulator.Result
	type waits = simulator.Distribution
	type time = simulator.Time
	return []struct {
		name string
		rows []metric
	}{
		{"openb experiment", []metric{
			{"Allocated at 100 % asked", "GPUs held when pods had asked for as many as there are", 1, points, experiment(func(r *Run) float64 { return r.Curves.At(100).Allocated })},
			{"Allocated at 130 % asked", "GPUs held when pods had asked for 130 % of them", 1, points, experiment(func(r *Run) float64 { return r.Curves.At(130).Allocated })},
			{"Fragments at 100 % asked", "idle GPUs that the next pod is expected not to be able to use, of all GPUs", -1, points, experiment(func(r *Run) float64 { return r.Curves.At(100).Fragment })},
			{"Pods that fitted nowhere", "of all that arrived; a large one counts as much as a small one", 0, whole, experiment(func(r *Run) float64 { return float64(r.Curves.Failed) })},
		}},
		{"Waiting", []metric{
			{"Mean wait", "from arrival to the first placement; jobs that still wait count with what they have waited", -1, wait, waited(func(w *waits) time { return w.Mean })},
			{"Median wait", "", -1, wait, waited(func(w *waits) time { return w.P50 })},
			{"90th percentile", "", -1, wait, waited(func(w *waits) time { return w.P90 })},
			{"99th percentile", "", -1, wait, waited(func(w *waits) time { return w.P99 })},
			{"Longest wait", "", -1, wait, waited(func(w *waits) time { return w.Max })},
		}},
		{"Jobs", []metric{
			{"Arrived", "", 0, whole, from(func(r *result) float64 { return float64(r.Jobs.Arrived) })},
			{"Finished", "", 1, whole, from(func(r *result) float64 { return float64(r.Jobs.Finished) })},
			{"Running at the end", "", 0, whole, from(func(r *result) float64 { return float64(r.Jobs.Running) })},
			{"Waiting at the end", "", -1, whole, from(func(r *result) float64 { return float64(r.Jobs.Waiting) })},
			{"Failed", "given up; see the reasons below", -1, whole, from(func(r *result) float64 { return float64(r.Jobs.Failed) })},
		}},
		{"Use of the GPUs", []metric{
			{"Utilisation", "part of GPU time that was allocated", 1, percent, from(func(r *result) float64 { return r.Utilisation })},
			{"Useful work", "part of GPU time in which work was done that was not lost", 1, percent, from(func(r *result) float64 { return r.Served })},
			{"Stranded VRAM", "free memory on nodes where no kind of request fits, mean", -1, memory, where(sampled, func(r *result) float64 { return float64(r.StrandedBytes) })},
			{"Fragmentation", "part of the free memory on nodes where a typical request does not fit, mean", -1, percent, where(sampled, func(r *result) float64 { return r.Fragmentation })},
			{"Bandwidth between GPUs", "of the best that a free node would have given, mean over jobs on several GPUs", 1, percent,
				where(func(r *result) bool { return r.All.Measured > 0 }, func(r *result) float64 { return r.All.Bandwidth })},
		}},
		{"Trouble", []metric{
			{"Preemptions", "jobs ended for one of higher priority", -1, whole, from(func(r *result) float64 { return float64(r.Preemptions) })},
			{"Evictions", "jobs ended because their node went", -1, whole, from(func(r *result) float64 { return float64(r.Evictions) })},
			{"Out of memory", "starts that found less GPU memory than they need", -1, whole, from(func(r *result) float64 { return float64(r.OutOfMemory) })},
			{"MIG layouts changed", "", 0, whole, from(func(r *result) float64 { return float64(r.Reslices) })},
			{"Work lost", "GPU-hours that were done and had to be done again", -1, func(x float64) string { return short(x) + " GPU-h" }, from(func(r *result) float64 { return r.LostGPUHours })},
		}},
		{"GPUs and dollars", []metric{
			{"GPUs in the cluster", "at the end", 0, whole, from(func(r *result) float64 { return float64(r.GPUs) })},
			{"GPUs in use", "of which anything is held, mean", 0, short, from(func(r *result) float64 { return r.UsedGPUs })},
			{"GPUs in use, most", "", 0, whole, from(func(r *result) float64 { return float64(r.UsedGPUsPeak) })},
			{"Cluster per hour", "price of all GPUs", 0, dollars, where(priced, func(r *result) float64 { return r.DollarsPerHour })},
			{"In use per hour", "price of the GPUs in use, mean", 0, dollars, where(priced, func(r *result) float64 { return r.UsedDollarsPerHour })},
			{"In use per hour, most", "", 0, dollars, where(priced, func(r *result) float64 { return r.UsedDollarsPeak })},
		}},
	}
}

// summary leaves out what no run has.
func summary(policies []policy) []section {
	var sections []section
	for _, group := range metrics() {
		s := section{Name: group.name}
		for _, m := range group.rows {
			if r, some := m.row(policies); some {
				s.Rows = append(s.Rows, r)
			}
		}
		if len(s.Rows) > 0 {
			sections = append(sections, s)
		}
	}
	return sections
}

func (m *metric) row(policies []policy) (row, bool) {
	r := row{Name: m.name, About: m.about}
	values := make([]float64, len(policies))
	has := make([]bool, len(policies))
	some := false
	for i := range policies {
		var sum, low, high float64
		count := 0
		for k := range policies[i].runs {
			x, found := m.of(&policies[i].runs[k])
			if !found {
				continue
			}
			if count == 0 {
				low, high = x, x
			}
			sum, low, high = sum+x, min(low, x), max(high, x)
			count++
		}
		c := cell{Text: "–"}
		if count > 0 {
			some, has[i] = true, true
			values[i] = sum / float64(count)
			c.Text = m.print(values[i])
			if least, most := m.print(low), m.print(high); count > 1 && least != most {
				c.Range = least + " – " + most
			}
		}
		r.Cells = append(r.Cells, c)
	}
	if m.better != 0 {
		mark(r.Cells, values, has, m.better)
	}
	return r, some
}

// mark marks the best cells, unless all are the same.
func mark(cells []cell, values []float64, has []bool, better int) {
	best := -1
	for i := range values {
		if has[i] && (best < 0 || (values[i]-values[best])*float64(better) > 0) {
			best = i
		}
	}
	differ := false
	for i := range cells {
		differ = differ || has[i] && cells[i].Text != cells[best].Text
	}
	for i := range cells {
		cells[i].Best = differ && has[i] && cells[i].Text == cells[best].Text
	}
}

// table is one with a column for each policy.
type table struct {
	Head []string
	Rows []tableRow
}

type tableRow struct {
	Name  string
	Cells []string
}

// classesOf are the names of all classes, those with the most jobs first.
func classesOf(policies []policy) []string {
	jobs := map[string]int64{}
	for i := range policies {
		for _, r := range policies[i].results() {
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
func (p *policy) classResults(name string) []simulator.ClassResult {
	var list []simulator.ClassResult
	for _, r := range p.results() {
		for k := range r.Classes {
			if r.Classes[k].Name == name {
				list = append(list, r.Classes[k])
			}
		}
	}
	return list
}

// failures counts failed jobs by class and reason, summed over the seeds; nil if none
// failed.
func failures(policies []policy) *table {
	t := &table{}
	for i := range policies {
		t.Head = append(t.Head, policies[i].Name)
	}
	for _, class := range classesOf(policies) {
		r := tableRow{Name: className(class)}
		some := false
		for i := range policies {
			var counts simulator.JobCounts
			reasons := map[simulator.Failure]int64{}
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

func failureText(counts simulator.JobCounts, reasons map[simulator.Failure]int64) string {
	if counts.Failed == 0 {
		return "none"
	}
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		parts = append(parts, whole(float64(reasons[reason]))+" "+clip(string(reason)))
	}
	text := fmt.Sprintf("%s of %s", whole(float64(counts.Failed)), whole(float64(counts.Arrived)))
	if len(parts) == 1 {
		for reason := range reasons {
			text += ", " + clip(string(reason))
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
	return clip(name)
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
		whole(float64(total.Arrived) / n), whole(float64(total.Finished) / n), whole(float64(total.Waiting) / n), whole(float64(total.Failed) / n),
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
			cells = append(cells, wait(sum/float64(count)))
		}
	}
	return append(cells, bandwidth)
}

// classTables has all classes, then all priorities if there are several.
func classTables(policies []policy) []classTable {
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
				bandwidth = percent(sum / float64(jobs))
			}
			t.Rows = append(t.Rows, tableRow{policies[i].Name, classCells(counts, waits, bandwidth)})
		}
		tables = append(tables, t)
	}
	return append(tables, priorityTables(policies)...)
}

func priorityTables(policies []policy) []classTable {
	seen := map[int64]bool{}
	for i := range policies {
		for _, r := range policies[i].results() {
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
			for _, r := range policies[i].results() {
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
