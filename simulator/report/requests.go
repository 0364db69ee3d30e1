package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ashlar-dev/ashlar/simulator"
)

// WaitTable is how long jobs waited by what they asked for: MIG profile, number of GPUs, share,
// model. Heads name its columns, Rows have as many cells each, and Note says what they are.
type WaitTable struct {
	Note  string
	Heads []string
	Rows  [][]string
}

// maxWaitRows is how many kinds of requests a WaitTable has, those with the most jobs.
const maxWaitRows = 20

// RequestWaits makes the table of runs, nil where jobs asked for one thing only or nobody
// waited. Several seeds of a name are summed up: means, with the difference to the first name.
func RequestWaits(runs []Run) *WaitTable {
	grouped, err := byName(runs)
	if err != nil {
		return nil
	}
	variants := verdictVariants(grouped)
	if len(variants) == 0 {
		return nil
	}
	jobs := map[string]float64{}
	waited := map[string]bool{}
	var names []string
	for i := range variants {
		for _, r := range variants[i].results {
			for k := range r.Requests {
				request := &r.Requests[k]
				if _, known := jobs[request.Name]; !known {
					names = append(names, request.Name)
				}
				jobs[request.Name] += float64(request.Jobs.Arrived) / float64(len(variants)*variants[i].seedCount())
				waited[request.Name] = waited[request.Name] || request.Waits.Max > 0
			}
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(jobs[b], jobs[a]) })
	t := &WaitTable{Heads: []string{"Asked for", "Jobs"}}
	for i := range variants {
		t.Heads = append(t.Heads, variants[i].Name)
	}
	idle := 0
	for _, name := range names {
		if !waited[name] {
			idle++
		} else if len(t.Rows) < maxWaitRows {
			row := []string{clipName(name), plainWhole(jobs[name])}
			for i := range variants {
				row = append(row, variants[i].waitCell(name, &variants[0]))
			}
			t.Rows = append(t.Rows, row)
		}
	}
	if len(names) < 2 || len(t.Rows) == 0 {
		return nil
	}
	t.Note = "Mean wait, and what nine of ten did not exceed."
	if variants[0].seedCount() > 1 {
		t.Note = fmt.Sprintf("Mean wait over %d seeds; with the difference to %s, and whether that may be chance (95 %%).",
			variants[0].seedCount(), variants[0].Name)
	}
	if idle > 0 {
		t.Note += " " + countNoun(int64(idle), "other kind of request never waited.", "other kinds of requests never waited.")
	}
	if more := len(names) - idle - len(t.Rows); more > 0 {
		t.Note += " " + countNoun(int64(more), "rarer kind is left out.", "rarer kinds are left out.")
	}
	return t
}

// waitCell is a variant's wait for one kind of request.
func (v *verdictVariant) waitCell(name string, first *verdictVariant) string {
	waits := func(of *verdictVariant) []float64 {
		return of.figuresOf(func(r *simulator.Result) float64 {
			for i := range r.Requests {
				if r.Requests[i].Name == name {
					return r.Requests[i].Waits.Mean.Seconds()
				}
			}
			return 0
		})
	}
	values := waits(v)
	text := PlainDuration(meanValue(values))
	if v.seedCount() == 1 {
		for i := range v.results[0].Requests {
			if request := &v.results[0].Requests[i]; request.Name == name {
				return text + ", " + PlainDuration(request.Waits.P90.Seconds())
			}
		}
		return text
	}
	if v == first || v.Name == first.Name {
		return text
	}
	d := DifferenceOf(values, waits(first))
	difference := PlainDuration(d.Mean)
	if d.Mean > 0 {
		difference = "+" + difference
	}
	if !d.IsSignificant() {
		difference += ", chance"
	}
	return text + " (" + difference + ")"
}
