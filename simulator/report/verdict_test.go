package report

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/simulator"
)

// paid is a result of which a verdict speaks: jobs that finished of 10, money, mean wait.
func paid(finished int64, dollars float64, wait simulator.Time) *simulator.Result {
	return &simulator.Result{
		Jobs:     simulator.JobCounts{Arrived: 10, Finished: finished, Failed: 10 - finished},
		All:      simulator.ClassResult{Waits: simulator.Distribution{Count: 10, Mean: wait}},
		UsedGPUs: dollars / 2, UsedDollarsPerHour: dollars, UsedDollarsPeak: dollars,
	}
}

// runsOf are runs of variants, a result for each seed.
func runsOf(names []string, results ...[]*simulator.Result) []Run {
	var runs []Run
	for i, name := range names {
		for k, r := range results[i] {
			runs = append(runs, Run{Name: name, Seed: int64(k + 1), Result: r})
		}
	}
	return runs
}

func TestVerdict(t *testing.T) {
	one := func(r *simulator.Result) []*simulator.Result { return []*simulator.Result{r} }
	memory := paid(7, 50, 0)
	memory.OutOfMemory, memory.Jobs.Failures = 24, map[simulator.FailureReason]int64{simulator.OutOfMemory: 3}
	const draw = "One draw of the arrivals: ashlar simulate compare repeats it over seeds and says what is chance."
	for name, tc := range map[string]struct {
		runs []Run
		want []string
	}{
		"less money for the same jobs": {
			runsOf([]string{"whole", "ashlar"}, one(paid(10, 100, 0)), one(paid(10, 40, 0))),
			[]string{"Best for the person who pays: ashlar. ashlar against whole: the same 10 jobs served, " +
				"$40.00 an hour instead of $100.00 (-60 %), 20.0 GPUs in use instead of 50.0 (-60 %).", draw},
		},
		"fewer jobs for less money are no gain": {
			runsOf([]string{"whole", "sliced"}, one(paid(10, 100, 0)), one(memory)),
			[]string{"Best for the person who pays: whole.",
				"sliced against whole: 7 jobs served instead of 10 (-30 %), 3 jobs lost for want of memory instead of 0, " +
					"24 starts out of memory instead of 0.", draw},
		},
		"the first and its equals": {
			runsOf([]string{"a", "b", "c"}, one(paid(10, 100, 60_000)), one(paid(10, 100, 60_000)), one(paid(10, 100, 120_000))),
			[]string{"Best for the person who pays: a and b alike.", "b: no difference to a.",
				"c against a: the same 10 jobs served, a mean wait of 2m instead of 1m (+100 %).", draw},
		},
		"over seeds what chance may have done is none": {
			runsOf([]string{"a", "b"},
				[]*simulator.Result{paid(10, 100, 60_000), paid(10, 100, 90_000), paid(10, 100, 120_000)},
				[]*simulator.Result{paid(10, 100, 90_000), paid(10, 100, 60_000), paid(10, 100, 150_000)}),
			[]string{"None is better for the person who pays: jobs served, money and waits do not differ beyond chance.",
				"b: no difference to a beyond chance."},
		},
		"over seeds what is small and certain counts": {
			runsOf([]string{"a", "b"},
				[]*simulator.Result{paid(10, 100, 0), paid(10, 110, 0), paid(10, 90, 0)},
				[]*simulator.Result{paid(10, 99.4, 0), paid(10, 109.5, 0), paid(10, 89.4, 0)}),
			[]string{"Best for the person who pays: b. b against a: the same 10 jobs served, $99.43 an hour instead of $100.00 (-1 %), " +
				"49.7 GPUs in use instead of 50.0 (-1 %)."},
		},
		"nothing to compare": {runsOf([]string{"a"}, one(paid(10, 1, 0))), nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, VerdictSentences(tc.runs)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Student's interval, against values worked out by hand.
func TestDifferenceOf(t *testing.T) {
	for name, tc := range map[string]struct {
		values, reference []float64
		want              PairedDifference
		significant       bool
	}{
		"one pair tells nothing": {[]float64{3}, []float64{1}, PairedDifference{Mean: 2, Low: 2, High: 2, Pairs: 1}, false},
		// Differences 1, 2, 3: mean 2, deviation 1, 4.303 / sqrt(3) = 2.484.
		"three": {[]float64{2, 4, 6}, []float64{1, 2, 3},
			PairedDifference{Mean: 2, Deviation: 1, Low: -0.484, High: 4.484, Pairs: 3}, false},
		"always as much": {[]float64{2, 3}, []float64{1, 2}, PairedDifference{Mean: 1, Low: 1, High: 1, Pairs: 2}, true},
		"none":           {[]float64{1, 2}, []float64{1, 2}, PairedDifference{Pairs: 2}, false},
	} {
		got := DifferenceOf(tc.values, tc.reference)
		near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 0.001 })
		if diff := cmp.Diff(tc.want, got, near); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
		if got.IsSignificant() != tc.significant {
			t.Errorf("%s: significant %v, want %v", name, got.IsSignificant(), tc.significant)
		}
	}
	if got := studentQuantile(40); math.Abs(got-2.021) > 0.002 {
		t.Errorf("quantile for 40 degrees of freedom: %v, want 2.021", got)
	}
}

func TestRequestWaits(t *testing.T) {
	asked := func(small, large simulator.Time) *simulator.Result {
		r := paid(10, 1, small)
		class := func(name string, jobs int64, wait simulator.Time) simulator.ClassResult {
			return simulator.ClassResult{Name: name, Jobs: simulator.JobCounts{Arrived: jobs},
				Waits: simulator.Distribution{Count: jobs, Mean: wait, P90: 2 * wait, Max: 2 * wait}}
		}
		r.Requests = []simulator.ClassResult{class("mig 1g", 30, small), class("mig 4g", 10, large), class("1 GPU", 5, 0)}
		return r
	}
	got := RequestWaits([]Run{{Name: "a", Result: asked(1000, 60_000)}, {Name: "b", Result: asked(2000, 30_000)}})
	want := &WaitTable{
		Note:  "Mean wait, and what nine of ten did not exceed. 1 other kind of request never waited.",
		Heads: []string{"Asked for", "Jobs", "a", "b"},
		Rows:  [][]string{{"mig 1g", "30", "1s, 2s", "2s, 4s"}, {"mig 4g", "10", "1m, 2m", "30s, 1m"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	got = RequestWaits([]Run{
		{Name: "a", Seed: 1, Result: asked(1000, 60_000)}, {Name: "a", Seed: 2, Result: asked(2000, 60_000)},
		{Name: "b", Seed: 1, Result: asked(2000, 30_000)}, {Name: "b", Seed: 2, Result: asked(1000, 30_000)},
	})
	rows := [][]string{{"mig 1g", "30", "1.5s", "1.5s (0s, chance)"}, {"mig 4g", "10", "1m", "30s (-30s)"}}
	if diff := cmp.Diff(rows, got.Rows); diff != "" {
		t.Errorf("over two seeds (-want +got)\n%s", diff)
	}
}

// The page says the sentences of the terminal, marks what pays, and names what is significant.
func TestPageVerdict(t *testing.T) {
	var page strings.Builder
	runs := runsOf([]string{"whole", "ashlar"},
		[]*simulator.Result{paid(10, 100, 0), paid(10, 102, 0)}, []*simulator.Result{paid(10, 40, 0), paid(10, 41, 0)})
	head := PageHeading{
		Title: "fleet", About: "A fleet of servers.", NotModelled: []string{"Requests."},
		Command: "ashlar simulate fleet", Version: "ashlar devel",
	}
	if err := WritePage(&page, head, runs); err != nil {
		t.Fatal(err)
	}
	text := page.String()
	for _, sentence := range VerdictSentences(runs) {
		has(t, text, strings.NewReplacer("&", "&amp;").Replace(sentence))
	}
	for _, word := range []string{
		"A fleet of servers.", "<li>Requests.</li>", "<code>ashlar simulate fleet</code>", "2 variants",
		`<strong>$40.50</strong> <span>an hour, ashlar; whole: $101.00 (-60 %)</span>`,
		`<th scope="row">$/hour of them</th><td class="best">-60.50<small>-66.85 to -54.15</small></td>`,
	} {
		has(t, text, word)
	}
	if strings.Index(text, `id="verdict"`) > strings.Index(text, `id="summary"`) {
		t.Error("the verdict comes after the summary")
	}
}
