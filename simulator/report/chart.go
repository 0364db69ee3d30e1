package report

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/openb"
)

// lineChart is one drawing with a line for each policy.
type lineChart struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	// Note says what is drawn.
	Note   string        `json:"note,omitempty"`
	X      chartAxis     `json:"x"`
	Y      chartAxis     `json:"y"`
	Series []chartSeries `json:"series"`
}

// chartAxis says how values are to be read. Kind is "time" (ms), "number", "rank" (percent,
// by the number of nines) or "wait" (ms, logarithmic).
type chartAxis struct {
	Label string `json:"label"`
	Kind  string `json:"kind"`
	Unit  string `json:"unit,omitempty"`
	// Max is where the axis ends, 0 for after the last value.
	Max float64 `json:"max,omitempty"`
}

// chartSeries is one line. Low and High are the least and the most of the seeds.
type chartSeries struct {
	Policy int       `json:"policy"`
	X      []float64 `json:"x"`
	Y      []float64 `json:"y"`
	Low    []float64 `json:"low,omitempty"`
	High   []float64 `json:"high,omitempty"`
}

// chartGroup is a row of charts of the page.
type chartGroup struct {
	ID, Title, About string
	Charts           []chartPlace
}

// chartPlace is where the script draws a chart.
type chartPlace struct {
	ID, Title, Note string
	// Data is what a reader without a script, or without eyes, gets.
	Data string
}

const (
	groupOpenb = "openb"
	groupTime  = "time"
	groupWaits = "waits"
)

// maxWaitCharts is how many classes are drawn.
const maxWaitCharts = 11

func chartGroups(policies []policyRuns) ([]chartGroup, []lineChart) {
	var groups []chartGroup
	var all []lineChart
	add := func(id, title, about string, list []lineChart) {
		group := chartGroup{ID: id, Title: title, About: about}
		for _, c := range list {
			if len(c.Series) > 0 {
				group.Charts = append(group.Charts, chartPlace{c.ID, c.Title, c.Note, c.inWords(policies)})
				all = append(all, c)
			}
		}
		if len(group.Charts) > 0 || id == groupWaits && about != "" {
			groups = append(groups, group)
		}
	}
	add(groupOpenb, "openb experiment",
		"Pods arrive one by one and never leave, until they have asked for 130 % of all GPUs.", openbCharts(policies))
	add(groupTime, "Over time", "", timeCharts(policies))
	list, about := waitCharts(policies)
	add(groupWaits, "How long jobs waited", about, list)
	return groups, all
}

// inWords is the last value of each line.
func (c *lineChart) inWords(policies []policyRuns) string {
	text := ""
	for _, s := range c.Series {
		last := len(s.Y) - 1
		value := pageShort(s.Y[last]) + " " + c.Y.Unit
		if c.Y.Kind == "wait" {
			value = pageDuration(s.Y[last])
		}
		text += fmt.Sprintf("; %s ends at %s", policies[s.Policy].Name, value)
	}
	return c.Y.Label + text
}

func openbCharts(policies []policyRuns) []lineChart {
	asked := chartAxis{Label: "asked for so far, % of all GPUs", Kind: "number", Unit: "%", Max: openb.ArrivingPercent}
	list := []lineChart{
		{ID: "openb-allocated", Title: "Allocated",
			Note: "GPUs that pods hold.",
			X:    asked, Y: chartAxis{Label: "% of all GPUs", Kind: "number", Unit: "%", Max: 100}},
		{ID: "openb-behind", Title: "Behind the best policy",
			Note: "What the best of these policies holds by then, with the same arrivals, less what this one does.",
			X:    asked, Y: chartAxis{Label: "% of all GPUs", Kind: "number", Unit: "%"}},
		{ID: "openb-fragment", Title: "Fragments",
			Note: "Idle GPUs that the next pod is expected not to be able to use.",
			X:    asked, Y: chartAxis{Label: "% of all GPUs", Kind: "number", Unit: "%"}},
		{ID: "openb-idle", Title: "Fragments of what is idle", X: asked,
			Y: chartAxis{Label: "% of idle GPUs", Kind: "number", Unit: "%", Max: 100}},
	}
	best := map[int64]*[openb.ArrivingPercent + 1]float64{} // by seed
	for i := range policies {
		for _, run := range policies[i].experimentRuns() {
			if best[run.Seed] == nil {
				best[run.Seed] = &[openb.ArrivingPercent + 1]float64{}
			}
			for column := range best[run.Seed] {
				best[run.Seed][column] = max(best[run.Seed][column], run.Curves.At(column).Allocated)
			}
		}
	}
	read := []func(run Run, column int, p openb.CurvePoint) float64{
		func(_ Run, _ int, p openb.CurvePoint) float64 { return p.Allocated },
		func(run Run, column int, p openb.CurvePoint) float64 { return best[run.Seed][column] - p.Allocated },
		func(_ Run, _ int, p openb.CurvePoint) float64 { return p.Fragment },
		func(_ Run, _ int, p openb.CurvePoint) float64 { return p.FragmentOfIdle },
	}
	for i := range policies {
		runs := policies[i].experimentRuns()
		if len(runs) == 0 {
			continue
		}
		for c := range list {
			s := chartSeries{Policy: i}
			for column := range openb.ArrivingPercent + 1 {
				values := make([]float64, len(runs))
				for k, run := range runs {
					values[k] = read[c](run, column, run.Curves.At(column))
				}
				s.addPoint(float64(column), values)
			}
			list[c].Series = append(list[c].Series, s)
		}
	}
	if len(list[1].Series) < 2 {
		list = slices.Delete(list, 1, 2)
	}
	return list
}

// experimentRuns are the runs with curves.
func (p *policyRuns) experimentRuns() []Run {
	return slices.DeleteFunc(slices.Clone(p.runs), func(run Run) bool { return run.Curves == nil })
}

// addPoint adds the mean of some values, and their range if there are several.
func (s *chartSeries) addPoint(x float64, values []float64) {
	sum := 0.0
	for _, value := range values {
		sum += value
	}
	s.X, s.Y = append(s.X, fiveDigits(x)), append(s.Y, fiveDigits(sum/float64(len(values))))
	if len(values) > 1 || len(s.Low) > 0 {
		for len(s.Low) < len(s.Y)-1 {
			s.Low, s.High = append(s.Low, s.Y[len(s.Low)]), append(s.High, s.Y[len(s.High)])
		}
		s.Low, s.High = append(s.Low, fiveDigits(slices.Min(values))), append(s.High, fiveDigits(slices.Max(values)))
	}
}

func timeCharts(policies []policyRuns) []lineChart {
	at := chartAxis{Label: "time since the start", Kind: "time"}
	scale, unit := memoryUnit(policies)
	list := []struct {
		lineChart
		read func(*simulator.Sample) float64
	}{
		{lineChart{ID: "allocated", Title: "GPU time allocated",
			Note: "GPUs that jobs hold, parts of GPUs counted as parts.",
			X:    at, Y: chartAxis{Label: "% of GPUs", Kind: "number", Unit: "%", Max: 100}},
			func(s *simulator.Sample) float64 { return ratioOf(float64(s.Allocated)/10, float64(s.GPUs)) }},
		{lineChart{ID: "fragmentation", Title: "Free memory out of reach",
			Note: "Free GPU memory on nodes where a request drawn from the arrivals does not fit.",
			X:    at, Y: chartAxis{Label: "% of free GPU memory", Kind: "number", Unit: "%", Max: 100}},
			func(s *simulator.Sample) float64 { return 100 * s.Fragmentation }},
		{lineChart{ID: "stranded", Title: "Memory nobody can use",
			Note: "Free GPU memory on nodes where no kind of request fits.",
			X:    at, Y: chartAxis{Label: unit, Kind: "number", Unit: unit}},
			func(s *simulator.Sample) float64 { return float64(s.StrandedBytes) / scale }},
		{lineChart{ID: "waiting", Title: "Jobs waiting", X: at, Y: chartAxis{Label: "jobs", Kind: "number", Unit: "jobs"}},
			func(s *simulator.Sample) float64 { return float64(s.Waiting) }},
		{lineChart{ID: "used", Title: "GPUs in use",
			Note: "GPUs of which anything is held.",
			X:    at, Y: chartAxis{Label: "GPUs", Kind: "number", Unit: "GPUs"}},
			func(s *simulator.Sample) float64 { return float64(s.Used) }},
		{lineChart{ID: "dollars", Title: "Dollars per hour",
			Note: "Price of the GPUs in use.",
			X:    at, Y: chartAxis{Label: "US dollars per hour", Kind: "number", Unit: "$/h"}},
			func(s *simulator.Sample) float64 { return float64(s.MicroDollars) / 1e6 }},
	}
	var drawn []lineChart
	for c := range list {
		some := list[c].ID != "dollars"
		for i := range policies {
			if s := overTime(&policies[i], list[c].read); len(s.X) > 0 {
				s.Policy = i
				list[c].Series = append(list[c].Series, s)
				some = some || slices.Max(s.Y) > 0
			}
		}
		if some {
			drawn = append(drawn, list[c].lineChart)
		}
	}
	return drawn
}

func ratioOf(part, all float64) float64 {
	if all == 0 {
		return 0
	}
	return part / all
}

// memoryUnit is in what stranded memory is drawn.
func memoryUnit(policies []policyRuns) (float64, string) {
	for i := range policies {
		for _, r := range policies[i].runResults() {
			for k := range r.Samples {
				if r.Samples[k].StrandedBytes >= 10*tebibyte {
					return tebibyte, "TiB"
				}
			}
		}
	}
	return gibibyte, "GiB"
}

// overTime has a point for each time at which any run has a sample; of each run that
// has not ended its latest sample counts.
func overTime(p *policyRuns, read func(*simulator.Sample) float64) chartSeries {
	var s chartSeries
	times := map[simulator.Time]bool{}
	for _, r := range p.runResults() {
		for k := range r.Samples {
			times[r.Samples[k].At] = true
		}
	}
	for _, at := range slices.Sorted(maps.Keys(times)) {
		var values []float64
		for _, r := range p.runResults() {
			after := sort.Search(len(r.Samples), func(k int) bool { return r.Samples[k].At > at })
			if after > 0 && (after < len(r.Samples) || r.Samples[after-1].At == at) {
				values = append(values, read(&r.Samples[after-1]))
			}
		}
		if len(values) > 0 {
			s.addPoint(float64(at), values)
		}
	}
	return s
}

// waitQuantile is one figure of a Distribution.
type waitQuantile struct {
	percent float64
	of      func(*simulator.Distribution) simulator.Time
}

func waitQuantiles() []waitQuantile {
	return []waitQuantile{
		{50, func(d *simulator.Distribution) simulator.Time { return d.P50 }},
		{90, func(d *simulator.Distribution) simulator.Time { return d.P90 }},
		{99, func(d *simulator.Distribution) simulator.Time { return d.P99 }},
		{100, func(d *simulator.Distribution) simulator.Time { return d.Max }},
	}
}

// waitCharts draws the workloads that had to wait, and says what is to be seen.
func waitCharts(policies []policyRuns) ([]lineChart, string) {
	all := waitChart(policies, "waits-all", "All jobs", func(p *policyRuns) []simulator.Distribution {
		var waits []simulator.Distribution
		for _, r := range p.runResults() {
			waits = append(waits, r.All.Waits)
		}
		return waits
	})
	list := []lineChart{all}
	classes := classesOf(policies)
	var idle []string
	left := 0
	for i, class := range classes {
		c := waitChart(policies, fmt.Sprintf("waits-%d", i), className(class), func(p *policyRuns) []simulator.Distribution {
			var waits []simulator.Distribution
			for _, r := range p.classResults(class) {
				waits = append(waits, r.Waits)
			}
			return waits
		})
		switch {
		case len(c.Series) == 0:
		case !c.hasWaited():
			idle = append(idle, className(class))
		case len(list) > maxWaitCharts:
			left++
		default:
			list = append(list, c)
		}
	}
	if len(list[0].Series) == 0 && len(list) == 1 && len(idle) == 0 {
		return nil, ""
	}
	if len(idle) == len(classes) || len(list) == 1 && !all.hasWaited() {
		return nil, "Nobody waited."
	}
	about := "The wait that 50, 90 and 99 % of the jobs, and all of them, did not exceed. Zero is the lowest line."
	if len(idle) > 0 {
		about += " No wait at all: " + strings.Join(idle[:min(len(idle), maxWaitCharts)], ", ")
		if more := len(idle) - maxWaitCharts; more > 0 {
			about += fmt.Sprintf(" and %d more", more)
		}
		about += "."
	}
	if left > 0 {
		about += " " + countNoun(int64(left), "more workload is", "more workloads are") + " in the table at the end."
	}
	if len(list) == 2 && len(classes) == 1 {
		list = list[:1] // both are the same
	}
	return list, about
}

func (c *lineChart) hasWaited() bool {
	return slices.ContainsFunc(c.Series, func(s chartSeries) bool { return slices.Max(s.Y) > 0 })
}

func waitChart(policies []policyRuns, id, title string, of func(*policyRuns) []simulator.Distribution) lineChart {
	c := lineChart{ID: id, Title: title,
		X: chartAxis{Label: "% of the jobs", Kind: "rank", Unit: "%"}, Y: chartAxis{Label: "wait, logarithmic", Kind: "wait"}}
	jobs := 0.0
	for i := range policies {
		s := chartSeries{Policy: i}
		waits := slices.DeleteFunc(of(&policies[i]), func(d simulator.Distribution) bool { return d.Count == 0 })
		if len(waits) == 0 {
			continue
		}
		count := 0.0
		for k := range waits {
			count += float64(waits[k].Count) / float64(len(waits))
		}
		jobs = max(jobs, count)
		for _, q := range waitQuantiles() {
			values := make([]float64, len(waits))
			for k := range waits {
				values[k] = float64(q.of(&waits[k]))
			}
			s.addPoint(q.percent, values)
		}
		c.Series = append(c.Series, s)
	}
	c.Note = pageWhole(jobs) + " jobs"
	if jobs == 1 {
		c.Note = "1 job"
	}
	return c
}
