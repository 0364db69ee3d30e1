package simulate

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/report"
	"github.com/ashlar-dev/ashlar/simulator/scenario"
)

// runReport is what simulate prints: its JSON form is stable.
type runReport struct {
	Scenario  string `json:"scenario"`
	About     string `json:"about,omitempty"`
	Seed      int64  `json:"seed"`
	HorizonMs int64  `json:"horizonMs"`
	// Verdict and NotModelled are sentences for people.
	Verdict     []string      `json:"verdict,omitempty"`
	NotModelled []string      `json:"notModelled,omitempty"`
	Runs        []*variantRun `json:"runs"`
}

// pageRuns are the runs as the page shows them.
func (r *runReport) pageRuns() []report.Run {
	runs := make([]report.Run, len(r.Runs))
	for i, run := range r.Runs {
		runs[i] = report.Run{Name: run.Variant, Sharing: namedSharing(run.Sharing), Seed: r.Seed, Result: run.Result}
	}
	return runs
}

// variantRun is the run of one variant.
type variantRun struct {
	Variant string            `json:"variant"`
	Policy  string            `json:"policy"`
	Sharing string            `json:"sharing"`
	Result  *simulator.Result `json:"result"`
}

// namedSharing is a way to hand out GPUs that people are told of beside the name of the
// variant, since holders have limits that no request states; "" for the others.
func namedSharing(sharing string) string {
	if scenario.Sharing(sharing).LimitsHolders() {
		return sharing
	}
	return ""
}

func (r *runReport) writeTo(w io.Writer, output *cli.OutputFlag) error {
	r.Verdict = report.VerdictSentences(r.pageRuns())
	return output.Write(w, r, func(w io.Writer) error {
		if output.Format == cli.FormatCSV {
			return r.writeCSV(w)
		}
		return r.writeText(w)
	})
}

// classColumns are the columns of a row before those of the whole run.
var classColumns = []string{
	"scenario", "seed", "variant", "policy", "sharing", "class", "arrived", "class_finished", "class_failed",
	"class_wait_mean_s", "class_wait_p50_s", "class_wait_p90_s", "class_wait_p99_s", "class_bandwidth",
}

// writeCSV writes a row for each variant and class, and one for all classes.
func (r *runReport) writeCSV(w io.Writer) error {
	header := slices.Clone(classColumns)
	metrics := report.TableMetrics()
	for _, m := range metrics {
		header = append(header, m.Column)
	}
	rows := [][]string{header}
	for _, run := range r.Runs {
		all := run.Result.All
		all.Name = "all"
		for _, class := range append([]simulator.ClassResult{all}, run.Result.Classes...) {
			row := []string{
				r.Scenario, strconv.FormatInt(r.Seed, 10), run.Variant, run.Policy, run.Sharing, class.Name,
				strconv.FormatInt(class.Jobs.Arrived, 10), strconv.FormatInt(class.Jobs.Finished, 10), strconv.FormatInt(class.Jobs.Failed, 10),
				csvNumber(class.Waits.Mean.Seconds()), csvNumber(class.Waits.P50.Seconds()), csvNumber(class.Waits.P90.Seconds()),
				csvNumber(class.Waits.P99.Seconds()), csvNumber(class.Bandwidth),
			}
			for _, m := range metrics {
				if class.Name == all.Name {
					row = append(row, csvNumber(m.Value(run.Result)))
				} else {
					row = append(row, "") // is of the whole run
				}
			}
			rows = append(rows, row)
		}
	}
	return csv.NewWriter(w).WriteAll(rows)
}

// csvNumber prints a number for programs, to six digits; nothing if there is none.
func csvNumber(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

func (r *runReport) writeText(w io.Writer) error {
	p := cli.NewPage(w)
	first := r.Runs[0].Result
	price := ""
	if first.DollarsPerHour > 0 {
		price = fmt.Sprintf(", $%.2f an hour", first.DollarsPerHour)
	}
	p.Printf("%s: %s, %d jobs, %d GPUs%s, seed %d\n", r.Scenario, simulator.Time(r.HorizonMs), first.Jobs.Arrived, first.GPUs, price, r.Seed)
	if r.About != "" {
		for _, line := range cli.WrapText(r.About, cli.PageWidth-2) {
			p.Printf("  %s\n", line)
		}
	}
	p.Printf("\n")
	writeSentences(p, r.Verdict)
	header, policies, sharings, named := []string{""}, []string{"policy"}, []string{"sharing"}, false
	for _, run := range r.Runs {
		header = append(header, strings.ToUpper(run.Variant))
		policies = append(policies, run.Policy)
		sharings = append(sharings, run.Sharing)
		named = named || namedSharing(run.Sharing) != ""
	}
	rows := [][]string{header, policies}
	if named {
		rows = append(rows, sharings)
	}
	if len(r.Runs) == 1 {
		rows = rows[1:]
	}
	for _, m := range report.TableMetrics() {
		row, zero := []string{m.Title}, true
		for _, run := range r.Runs {
			v := m.Value(run.Result)
			zero = zero && (v == 0 || math.IsNaN(v))
			row = append(row, m.FormatValue(v))
		}
		if !zero {
			rows = append(rows, row)
		}
	}
	row := []string{"allocated over time"}
	for _, run := range r.Runs {
		row = append(row, allocationLine(run.Result.Samples))
	}
	p.PrintTable(append(rows, row))
	p.Printf("\n")
	r.writeClasses(p)
	writeWaits(p, r.pageRuns())
	writeNotModelled(p, r.NotModelled)
	return p.Err()
}

// writeSentences prints each sentence in lines of its own, and an empty line after them.
func writeSentences(p *cli.Page, sentences []string) {
	for _, sentence := range sentences {
		for i, line := range cli.WrapText(sentence, cli.PageWidth-2) {
			if i > 0 {
				line = "  " + line
			}
			p.Printf("%s\n", line)
		}
	}
	if len(sentences) > 0 {
		p.Printf("\n")
	}
}

// writeWaits prints how long jobs waited by what they asked for, if that is worth it.
func writeWaits(p *cli.Page, runs []report.Run) {
	waits := report.RequestWaits(runs)
	if waits == nil {
		return
	}
	heads := make([]string, len(waits.Heads))
	for i, head := range waits.Heads {
		heads[i] = strings.ToUpper(head)
	}
	p.Printf("\n")
	p.PrintTable(append([][]string{heads}, waits.Rows...))
	for _, line := range cli.WrapText(waits.Note, cli.PageWidth-2) {
		p.Printf("  %s\n", line)
	}
}

// writeNotModelled says what reality has and the runs do not.
func writeNotModelled(p *cli.Page, sentences []string) {
	if len(sentences) == 0 {
		return
	}
	p.Printf("\nNot modelled:\n")
	for _, sentence := range sentences {
		for i, line := range cli.WrapText(sentence, cli.PageWidth-4) {
			if i == 0 {
				p.Printf("- %s\n", line)
			} else {
				p.Printf("  %s\n", line)
			}
		}
	}
}

// writeClasses lists what the jobs of each class saw.
func (r *runReport) writeClasses(p *cli.Page) {
	slowed := false
	for _, run := range r.Runs {
		slowed = slowed || run.Result.All.SlowDown > 0
	}
	rows := [][]string{{"CLASS", "VARIANT", "JOBS", "FINISHED", "FAILED", "WAIT: MEAN", "MEDIAN", "P90", "P99", "BANDWIDTH"}}
	if slowed {
		rows[0] = append(rows[0], "AS ALONE", "AT WORST")
	}
	classes := r.Runs[0].Result.Classes
	for i := range classes {
		for _, run := range r.Runs {
			c := &run.Result.Classes[i]
			bandwidth := cli.Unknown
			if c.Measured > 0 {
				bandwidth = report.PlainPart(c.Bandwidth)
			}
			rows = append(rows, []string{
				c.Name, run.Variant, strconv.FormatInt(c.Jobs.Arrived, 10), strconv.FormatInt(c.Jobs.Finished, 10),
				strconv.FormatInt(c.Jobs.Failed, 10),
				waitText(c.Waits.Mean), waitText(c.Waits.P50), waitText(c.Waits.P90), waitText(c.Waits.P99), bandwidth,
			})
			if last := len(rows) - 1; slowed {
				rows[last] = append(rows[last], slowText(c.SlowDown), slowText(c.SlowDownMost))
			}
		}
	}
	if len(r.Runs) == 1 {
		for i := range rows {
			rows[i] = append(rows[i][:1], rows[i][2:]...)
		}
	}
	p.PrintTable(rows)
	if len(r.Runs[0].Result.Priorities) < 2 {
		return
	}
	rows = [][]string{{"PRIORITY", "VARIANT", "JOBS", "WAIT: MEAN", "MEDIAN", "P90", "P99"}}
	for i := range r.Runs[0].Result.Priorities {
		for _, run := range r.Runs {
			c := &run.Result.Priorities[i]
			rows = append(rows, []string{
				strconv.FormatInt(c.Priority, 10), run.Variant, strconv.FormatInt(c.Jobs.Arrived, 10),
				waitText(c.Waits.Mean), waitText(c.Waits.P50), waitText(c.Waits.P90), waitText(c.Waits.P99),
			})
		}
	}
	p.Printf("\n")
	p.PrintTable(rows)
}

// slowText is how many times as long work took, "-" for a class that did none.
func slowText(times float64) string {
	if times == 0 {
		return cli.Unknown
	}
	return report.PlainTimes(times)
}

func waitText(t simulator.Time) string { return report.PlainDuration(t.Seconds()) }

// sparkWidth is how many columns a line of blocks takes.
const sparkWidth = 24

// allocationLine draws which part of the GPUs was allocated.
func allocationLine(samples []simulator.Sample) string {
	blocks := []rune("▁▂▃▄▅▆▇█")
	var line strings.Builder
	for i := range min(sparkWidth, len(samples)) {
		from, to := i*len(samples)/sparkWidth, (i+1)*len(samples)/sparkWidth
		if len(samples) < sparkWidth {
			from, to = i, i+1
		}
		sum, all := int64(0), int64(0)
		for _, s := range samples[from:to] {
			sum += s.Allocated
			all += s.GPUs * 1000
		}
		level := 0
		if all > 0 {
			level = int(sum * int64(len(blocks)-1) / all)
		}
		line.WriteRune(blocks[min(level, len(blocks)-1)])
	}
	return line.String()
}
