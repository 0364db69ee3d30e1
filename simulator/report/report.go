package report

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"

	"github.com/ashlar-dev/ashlar/internal/page"
	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/simulator/openb"
)

// Run is how one policy did on the arrivals of one seed.
type Run struct {
	// Name is the policy or variant. Runs of the same name with other seeds are summed
	// up: means, and bands from the least to the most.
	Name string
	// Sharing is how GPUs were handed out, where the page is to say so.
	Sharing string
	Seed    int64
	// Result may be nil if Curves is not.
	Result *simulator.Result
	// Curves is a repeated openb experiment, nil if the run is none.
	Curves *openb.Result
}

// policyRuns is the runs of one name.
type policyRuns struct {
	Name string
	runs []Run
}

// reportPage is what the template shows.
type reportPage struct {
	Title    string
	Facts    []string
	Head     PageHeading
	Verdict  []string
	Cards    []VerdictCard
	Policies []policyRuns
	// Waits and Differences are nil where there is nothing to say.
	Waits       *WaitTable
	Differences *differenceTable
	Summary     []summarySection
	Failures    *policyTable
	Classes     []classTable
	Charts      []chartGroup
	Map         bool

	Policy        string
	Style         template.CSS
	Script        template.JS
	Data          pageData
	SeveralSeeds  bool
	HasBest       bool
	MapIsExcerpt  string
	HasTimeCharts bool
}

// pageData is what the script draws.
type pageData struct {
	Policies []string    `json:"policies"`
	Charts   []lineChart `json:"charts"`
	Classes  []string    `json:"classes"`
	Nodes    []nodeSet   `json:"nodes"`
	Maps     []heldOver  `json:"maps"`
	// Beside is the map that stands beside the first.
	Beside int `json:"beside"`
}

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	styleText string
	//go:embed page.js
	scriptText string

	style, script = page.WriteStyle(styleText), page.WriteScript(scriptText)
	pageTemplate  = template.Must(template.New("page").Parse(pageText))
)

// PageHeading is what a page says before its figures.
type PageHeading struct {
	Title string
	// About is what was simulated and what is to be seen, in a few sentences.
	About string
	// NotModelled says what reality has and the runs do not, a sentence each.
	NotModelled []string
	// Command made the page, by Version of the program, at the time Made; each may be "".
	Command, Version, Made string
}

// Write is WritePage with a title alone.
func Write(w io.Writer, title string, runs []Run) error {
	return WritePage(w, PageHeading{Title: title}, runs)
}

// WritePage writes the page. The map shows the first run of each name that has frames.
func WritePage(w io.Writer, head PageHeading, runs []Run) error {
	if len(runs) == 0 {
		return errors.New("report: no runs to show")
	}
	policies, err := byName(runs)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	p := &reportPage{
		Title: clipName(cmp.Or(head.Title, "Simulation")), Facts: runFacts(runs, policies), Policies: policies, Head: head,
		Verdict: VerdictSentences(runs), Cards: verdictCards(policies), Waits: RequestWaits(runs), Differences: differencesOf(policies),
		Summary: summaryOf(policies), Failures: failureTable(policies), Classes: classTables(policies),
		Style: template.CSS(style), Script: template.JS(script), // files of this package and of page
		Policy: "default-src 'none'; script-src '" + page.ContentHash(script) + "'; style-src '" + page.ContentHash(style) +
			"'; img-src data:; base-uri 'none'; form-action 'none'",
	}
	for i := range policies {
		p.SeveralSeeds = p.SeveralSeeds || len(policies[i].runs) > 1
		p.Data.Policies = append(p.Data.Policies, policies[i].Name)
	}
	for _, s := range p.Summary {
		for _, row := range s.Rows {
			for _, cell := range row.Cells {
				p.HasBest = p.HasBest || cell.Best
			}
		}
	}
	p.Charts, p.Data.Charts = chartGroups(policies)
	for _, group := range p.Charts {
		p.HasTimeCharts = p.HasTimeCharts || group.ID == groupTime
	}
	if err := p.addMaps(policies); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := pageTemplate.Execute(w, p); err != nil {
		return fmt.Errorf("report: write the page: %w", err)
	}
	return nil
}

// byName groups runs, in the order of the first of each.
func byName(runs []Run) ([]policyRuns, error) {
	var policies []policyRuns
	index := map[string]int{}
	for _, run := range runs {
		if run.Result == nil && run.Curves == nil {
			return nil, fmt.Errorf("run %s, seed %d has neither a result nor curves", clipName(run.Name), run.Seed)
		}
		i, found := index[run.Name]
		if !found {
			i = len(policies)
			index[run.Name] = i
			policies = append(policies, policyRuns{Name: clipName(cmp.Or(run.Name, "unnamed"))})
		}
		policies[i].runs = append(policies[i].runs, run)
	}
	return policies, nil
}

// runResults are the runs that have one.
func (p *policyRuns) runResults() []*simulator.Result {
	var results []*simulator.Result
	for i := range p.runs {
		if r := p.runs[i].Result; r != nil {
			results = append(results, r)
		}
	}
	return results
}

// runFacts are a few words on what was simulated.
func runFacts(runs []Run, policies []policyRuns) []string {
	var seeds []int64
	seen := map[int64]bool{}
	for i := range runs {
		if seed := runs[i].Seed; !seen[seed] {
			seen[seed] = true
			seeds = append(seeds, seed)
		}
	}
	list := []string{countNoun(int64(len(policies)), "variant", "variants")}
	if len(seeds) == 1 {
		list = append(list, fmt.Sprintf("seed %d", seeds[0]))
	} else {
		list = append(list, countNoun(int64(len(seeds)), "seed", "seeds"))
	}
	var end simulator.Time
	var gpus, jobs int64
	for i := range runs {
		if r := runs[i].Result; r != nil {
			end, gpus, jobs = max(end, r.End), max(gpus, r.GPUs), max(jobs, r.Jobs.Arrived)
		}
	}
	if end > 0 {
		list = append(list, end.String()+" simulated", countNoun(gpus, "GPU", "GPUs"), countNoun(jobs, "job", "jobs")+" arrived")
	}
	for i := range policies {
		if run := &policies[i].runs[0]; run.Sharing != "" {
			list = append(list, policies[i].Name+": "+run.Sharing)
		}
	}
	return list
}
